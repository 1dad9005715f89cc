"""The Python interface refuses wrong arguments in one sentence that names the argument and the remedy."""

import inspect
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import core
from core.backbones.adding import Wanted
from core.errors import MetaVoteError, UnknownNameError
from core.pruning.config import RunConfig
from core.session import LiveZoo, Run
from core.voting import Votes
from core.zoo.plan import Plan
from core.zoo.zoo import Neighbour


class Small(nn.Module):
    """A module as people bring them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.out = nn.Linear(4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.out(self.conv(images).mean((2, 3)))  # type: ignore[no-any-return]


def made() -> nn.Module:
    return Small()


TARGET = core.task("emoji-t03")
IMAGES = torch.zeros(1, 3, 16, 16)

# What nobody can mean, whatever the argument: each argument's own list adds what only it refuses.
NEVER: dict[str, Callable[[], Any]] = {
    "an object": object,
    "a dict": lambda: {"a": 1},
    "bytes": lambda: b"emoji-t03",
    "a tensor": lambda: torch.zeros(2),
    "an array": lambda: np.zeros((2, 2)),
    "a class": lambda: Small,
    "a function": lambda: made,
    "a set": lambda: {"emoji-t03"},
    "NaN": lambda: float("nan"),
    "a complex number": lambda: 1j,
}
TEXT = {"a number": 5, "a flag": True, "a list": ["x"], "a task": TARGET, "a path": Path("x")}
WHOLE = {
    "a number in quotes": "5",
    "a fraction": 2.5,
    "a flag": True,
    "a list": [5],
    "a text": "x",
    "a path": Path("5"),
}
NUMBER = {"a number in quotes": "0.2", "a flag": True, "a list": [0.2], "a text": "x", "infinity": float("inf")}
TASKS = {"a text": "emoji-t03", "a task": TARGET, "a number": 5, "a list of numbers": [5], "None": None}
NOT_NONE = {"None": None}
COLOURS = {"a text": "0.5", "two": (0.5, 0.5), "texts": ("0.5",) * 3, "flags": (True,) * 3, "large": (2.0,) * 3}


@cache
def near() -> list[Any]:
    return list(core.zoo().neighbours(TARGET, 2))


@cache
def counted() -> Votes:
    return core.vote(near())  # type: ignore[no-any-return]


def settings_of(call: Callable[..., Any], settings: type, skipped: tuple[str, ...] = ()) -> dict[str, Any]:
    """Argument -> (how to call with it, what it also refuses), of the settings that a call hands on to a dataclass."""
    refused = {int: WHOLE, float: NUMBER, str: TEXT, bool: {"a number": 1, "a text": "yes"} | NOT_NONE}
    hints = inspect.get_annotations(settings)
    found = {}
    for name in [one for one in hints if one not in skipped]:  # in order, as every process has to collect the same
        plain = next(
            (kind for kind in refused if kind is hints[name] or kind in getattr(hints[name], "__args__", ())), None
        )
        if plain is not None:
            found[name] = (lambda value, name=name: call(**{name: value}), refused[plain])
    return found


def prune(**settings: Any) -> Run:
    return core.prune(TARGET, **settings)  # type: ignore[no-any-return]


def build(**settings: Any) -> Any:
    return core.build_zoo("mine", [TARGET], **settings)


def published(**settings: Any) -> Any:
    return core.add_backbone("resnet18", weights="IMAGENET1K_V1", **settings)


# Call -> argument -> (the call with a value for it, what it refuses besides NEVER).
Row = tuple[Callable[[Any], Any], dict[str, Any]]
CALLS: dict[str, dict[str, Row]] = {
    "core.task": {
        "name": (lambda value: core.task(value), TEXT | NOT_NONE | {"a folder": Path("pictures")}),
        "classes": (
            lambda value: core.task("emoji", value),
            {"a text": "tool", "texts": "tool,plant", "numbers": [1, 2]},
        ),
    },
    "core.tasks": {
        "kind": (lambda value: core.tasks(value), TEXT),
        "setting": (lambda value: core.tasks("zoo", value), TEXT | NOT_NONE),
    },
    "core.zoo": {
        "id": (lambda value: core.zoo(value), {"a number": 5, "a list": ["x"], "a zoo": core.zoo()} | NOT_NONE)
    },
    "zoo.neighbours": {
        "task": (lambda value: core.zoo().neighbours(value), {"a number": 5, "a list": [TARGET]} | NOT_NONE),
        "k": (lambda value: core.zoo().neighbours(TARGET, value), WHOLE | {"none": 0, "less": -1}),
        "similarity": (lambda value: core.zoo().neighbours(TARGET, 2, value), TEXT | NOT_NONE | {"another": "lep"}),
        "skip_unreadable": (
            lambda value: core.zoo().neighbours(TARGET, 2, skip_unreadable=value),
            {"a text": "yes", "a number": 1} | NOT_NONE,
        ),
    },
    "core.vote": {
        "neighbours": (
            lambda value: core.vote(value),
            TASKS | {"a zoo": core.zoo(), "plain neighbours": [Neighbour(TARGET, 0.5)], "texts": ["emoji-z00"]},
        ),
        "weighting": (lambda value: core.vote(near(), value), TEXT | NOT_NONE | {"another": "counts"}),
        "keep": (lambda value: core.vote(near(), keep=value), NUMBER | {"none": 0, "more": 1.5, "less": -0.2}),
    },
    "core.backbone": {
        "what": (
            lambda value: core.backbone(value, IMAGES),
            {"a number": 5, "weights": Small().state_dict()} | NOT_NONE,
        ),
        "example_input": (
            lambda value: core.backbone(Small(), value),
            {"a text": "x", "a number": 16, "a size": (3, 16)},
        ),
        "source": (lambda value: core.backbone(Small(), IMAGES, source=value), TEXT | NOT_NONE | {"another": "labels"}),
        "mean": (lambda value: core.backbone(Small(), IMAGES, mean=value), COLOURS | NOT_NONE),
        "std": (
            lambda value: core.backbone(Small(), IMAGES, std=value),
            COLOURS | NOT_NONE | {"zero": (0.0, 0.5, 0.5)},
        ),
    },
    "core.add_backbone": {
        "file": (lambda value: core.add_backbone(value, "resnet18"), {"a number": 5, "a module": Small()} | NOT_NONE),
        "architecture": (lambda value: core.add_backbone("x.pth", value), {"a number": 5, "a module": Small()}),
        "format": (lambda value: core.add_backbone("x.pth", "resnet18", format=value), TEXT),
        "weights": (lambda value: core.add_backbone("resnet18", weights=value), TEXT),
        "download": (
            lambda value: core.add_backbone("x.pth", "resnet18", download=value),
            {"a text": "yes"} | NOT_NONE,
        ),
        **settings_of(published, Wanted),
        "mean": (lambda value: published(mean=value), COLOURS),
        "std": (lambda value: published(std=value), COLOURS),
    },
    "core.remove_backbone": {"id": (lambda value: core.remove_backbone(value), TEXT | NOT_NONE)},
    "core.build_zoo": {
        "id": (lambda value: core.build_zoo(value, [TARGET]), TEXT | NOT_NONE),
        "tasks": (lambda value: core.build_zoo("mine", value), TASKS),
        "targets": (lambda value: core.build_zoo("mine", [TARGET], value), TASKS),
        "workers": (lambda value: build(workers=value), WHOLE | NOT_NONE | {"none": 0}),
        "replace_old": (lambda value: build(replace_old=value), {"a text": "yes", "a number": 1} | NOT_NONE),
        **settings_of(build, Plan, ("id", "tasks", "targets")),
        "backbone": (lambda value: build(backbone=value), {"a number": 5, "a module": Small()} | NOT_NONE),
    },
    "core.prune": {
        "task": (lambda value: core.prune(value), {"a number": 5, "a list": [TARGET], "a path": Path("x")} | NOT_NONE),
        **settings_of(prune, RunConfig, ("task", "chosen")),
        "chosen": (lambda value: prune(chosen=value), {"a number": 5, "numbers": [5], "tasks": [TARGET]} | NOT_NONE),
        "zoo": (lambda value: prune(zoo=value), {"a number": 5, "a list": ["x"]}),
        "backbone": (lambda value: prune(backbone=value), {"a number": 5, "a module": Small()} | NOT_NONE),
    },
    "run.export": {
        "to": (lambda value: core.prune(TARGET).export(value, "x.onnx"), TEXT | NOT_NONE),
        "file": (lambda value: core.prune(TARGET).export("onnx", value), {"a number": 5, "a list": ["x"]} | NOT_NONE),
    },
    "votes.table": {"group": (lambda value: counted().table(value), TEXT | NOT_NONE)},
    "votes.voters": {"group": (lambda value: counted().voters(value), TEXT | NOT_NONE)},
    "votes.importance": {"group": (lambda value: counted().importance(value), TEXT | NOT_NONE)},
    "votes.who": {
        "group": (lambda value: counted().who(value, 0), TEXT | NOT_NONE),
        "channel": (lambda value: counted().who("conv1", value), WHOLE | NOT_NONE | {"less": -1}),
    },
    "zoo.accuracy": {"task_id": (lambda value: core.zoo().accuracy(value), TEXT | NOT_NONE)},
    "zoo.sparsity": {
        "task_id": (lambda value: core.zoo().sparsity(value), TEXT | NOT_NONE),
        "of": (lambda value: core.zoo().sparsity("emoji-z00", value), TEXT | NOT_NONE),
    },
    "zoo.model": {"task_id": (lambda value: core.zoo().model(value), TEXT | NOT_NONE)},
    "zoo.importance": {"task_id": (lambda value: core.zoo().importance(value), TEXT | NOT_NONE)},
    "zoo.selection": {
        "task_id": (lambda value: core.zoo().selection(value), TEXT | NOT_NONE),
        "keep": (lambda value: core.zoo().selection("emoji-z00", value), NUMBER | {"none": 0, "more": 1.5}),
    },
    "zoo.similarity": {"kind": (lambda value: core.zoo().similarity(value), TEXT | NOT_NONE)},
    "zoo.coordinates": {"kind": (lambda value: core.zoo().coordinates(value), TEXT | NOT_NONE)},
    "zoo.trustworthiness": {"kind": (lambda value: core.zoo().trustworthiness(value), TEXT | NOT_NONE)},
}
READ_LATER = ("core.backbone", "example_input", "a tensor")  # of the right type, of another shape


def values_of(call: str, name: str, also: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for what, make in NEVER.items():
        if (call, name, what) != READ_LATER:
            yield what, make()
    yield from also.items()


@pytest.mark.parametrize(
    "call, name, use, also",
    [(call, name, *row) for call, arguments in CALLS.items() for name, row in arguments.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_argument_is_refused_in_a_sentence_that_names_it(
    home: Path, call: str, name: str, use: Callable[[Any], Any], also: dict[str, Any]
) -> None:
    for what, value in values_of(call, name, also):
        with pytest.raises(MetaVoteError) as told:
            use(value)
        said = str(told.value)
        named = f"The argument {name} of {call}() must be " in said
        assert named or (isinstance(told.value, UnknownNameError) and isinstance(value, str)), (what, said)
        assert re.search(r": .+[.?]$", said) and "\n" not in said and len(said) < 300, (what, said)
        assert not re.search(r" at 0x|<class|Module\(", said), (what, said)  # none of Python's own words


def parameters(call: Callable[..., Any], settings: type | None) -> set[str]:
    found = {one.name for one in inspect.signature(call).parameters.values() if one.kind is not one.VAR_KEYWORD}
    return (found | (set(inspect.get_annotations(settings)) if settings else set())) - {"self"}


@pytest.mark.parametrize(
    "call, function, settings",
    [
        ("core.task", core.task, None),
        ("core.tasks", core.tasks.catalogue.tasks, None),
        ("core.zoo", core.session.zoo, None),
        ("core.vote", core.vote, None),
        ("core.prune", core.prune, RunConfig),
        ("core.build_zoo", core.build_zoo, Plan),
        ("core.backbone", core.backbone, None),
        ("core.add_backbone", core.add_backbone, Wanted),
        ("zoo.neighbours", LiveZoo.neighbours, None),
        ("run.export", Run.export, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_argument_of_the_interface_is_among_those_tried(
    call: str, function: Callable[..., Any], settings: type | None
) -> None:
    assert parameters(function, settings) <= set(CALLS[call])


def test_every_call_that_the_interface_has_is_among_those_tried() -> None:
    assert {f"core.{name}" for name in core.__all__} <= set(CALLS)


@pytest.mark.parametrize(
    "use, words",
    [
        (lambda: core.task(Path("/my/images")), 'not the path /my/images: name a folder of images "folder:/my/images"'),
        (lambda: core.task("/my/images"), "no data set '/my/images': did you mean folder:/my/images"),
        (lambda: core.task("/my/images", ["a", "b"]), "did you mean folder:/my/images"),
        (lambda: core.task("./images"), "folder:./images"),
        (lambda: core.prune(Path("/my/images")), 'give core.task\\("folder:/my/images"\\)'),
        (lambda: core.task("emoji", "tool,plant"), "give \\['tool', 'plant'\\]"),
        (lambda: core.task("emoji", {"tool", "plant"}), "a set has no order: give a list"),
        (lambda: core.prune(TARGET, keep="0.2"), "not '0.2': write 0.2 without quotes"),
        (lambda: core.prune(TARGET, iterations="60"), "not '60': write 60 without quotes"),
        (lambda: core.prune(TARGET, k="5"), "not '5': write 5 without quotes"),
        (lambda: core.prune(TARGET, kep=0.2), "no argument of core.prune\\(\\) 'kep': did you mean keep"),
        (lambda: core.add_backbone("x.pth", "resnet18", siz=3), "did you mean size"),
        (lambda: core.vote(near(), wieghting="count"), "did you mean weighting"),
        (lambda: core.backbone(Small(), IMAGES, sorce="random"), "did you mean source"),
        (lambda: core.vote(), "core.vote\\(\\) needs the argument neighbours: give a list of neighbours"),
        (lambda: core.prune(), "core.prune\\(\\) needs the argument task: give a task or its id"),
        (lambda: core.build_zoo("mine"), "needs the argument tasks"),
        (lambda: core.vote(near(), "count", 0.2, 5), "takes 3 positional arguments \\(neighbours, weighting, keep\\)"),
        (lambda: core.zoo().neighbours(), "zoo.neighbours\\(\\) needs the argument task"),
        (lambda: core.zoo().neighbours(TARGET, 5, "leep", 1), "takes 3 positional arguments"),
        (lambda: core.task("emoji", name="emoji"), "was given the argument name twice"),
        (lambda: core.vote([]), "at least one neighbour"),
        (lambda: core.vote(near()[0]), "such as core.zoo\\(\\).neighbours\\(task, k=5\\)"),
        (lambda: core.vote(["emoji-z00"]), "not a list of 1 that holds 'emoji-z00'"),
        (lambda: core.backbone(Small, IMAGES), "not the class Small: give a module, which Small\\(\\) makes"),
        (lambda: core.backbone(made, IMAGES), "not the function made: give a module"),
        (lambda: core.backbone(Small().state_dict(), IMAGES), "load these weights into a module"),
        (lambda: core.backbone(Small(), np.zeros((1, 3, 8, 8))), "convert it with torch.from_numpy"),
        (lambda: core.prune(TARGET, backbone=Small()), "give core.backbone\\(module, images\\)"),
        (lambda: core.add_backbone(Small(), "resnet18"), "give core.backbone\\(module, images\\)"),
    ],
)  # fmt: skip
def test_the_remedy_is_for_what_was_given(use: Callable[[], Any], words: str) -> None:
    with pytest.raises(MetaVoteError, match=words):
        use()


def test_what_means_the_same_is_accepted(home: Path) -> None:
    assert core.task("emoji", (name for name in ("tool", "plant"))) == core.task("emoji", ["tool", "plant"])
    assert core.task("emoji", np.array(["tool", "plant"])) == core.task("emoji", ["tool", "plant"])
    config = core.prune(
        TARGET, keep=np.float32(0.25), iterations=np.int64(4), k=np.int32(3), seed=np.uint8(7), zoo=core.zoo(),
        backbone=core.backbone(),
    ).config  # fmt: skip
    assert config == core.prune("emoji-t03", keep=0.25, iterations=4, k=3, seed=7).config
    assert {type(value) for value in (config.keep, config.iterations, config.k)} == {float, int}
    zoo = core.zoo(core.zoo().path)
    assert zoo.neighbours("emoji-t03", np.int64(2)) == zoo.neighbours(TARGET, 2)
    assert len(zoo.neighbours(TARGET, None)) == len(zoo.voters(TARGET))
    assert core.vote(iter(near())).tasks == core.vote(near()).tasks
    assert core.prune(TARGET, chosen="emoji-z03").config.chosen == ("emoji-z03",)
    core.build_zoo("mine", ["emoji-t03", core.task("emoji-t04")], ["emoji-t05"])


def test_a_zoo_elsewhere_is_named_by_its_folder(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "passed-on"
    os.symlink(core.zoo().path, folder)
    assert core.prune(TARGET, zoo=core.zoo(folder)).config.zoo == str(folder)


def test_the_interface_is_what_dir_and_the_tab_key_show() -> None:
    import rlcompleter

    shown = [name for name in dir(core) if not name.startswith("_")]
    assert shown == sorted(core.__all__)
    complete = rlcompleter.Completer({"core": core}).complete
    offered = [complete("core.", number) for number in range(len(shown))]
    assert offered == [f"core.{name}(" for name in shown]


def test_help_describes_every_call() -> None:
    for name in core.__all__:
        assert f"core.{name}(" in (core.__doc__ or "")
        assert len(getattr(core, name).__doc__) > 40

"""Models added to zoos, zoos merged: what was known is kept, what is missing is computed, what is foreign checked."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import core.zoo.describe as describing
from core.backbones.backbone import load_backbone, save_backbone
from core.channels.files import PrunedModel, load_pruned
from core.channels.groups import channel_groups
from core.channels.rebuild import state_of
from core.errors import BadFileError, BadValueError, MetaVoteError, MismatchError, UnknownNameError
from core.tasks.task import Task
from core.zoo import compose, foreign
from core.zoo.exchange import give, has_backbone, own_backbone
from core.zoo.intake import take
from core.zoo.plan import Plan
from core.zoo.summary import summaries, summary
from core.zoo.zoo import DEFAULT, SIMILARITIES, Zoo, open_zoo
from tests.engine import random_backbone, small_task
from tests.zoo.conftest import TARGET, TASKS, Built, quickly_built

OTHERS = (("tool", "arrow"), ("music", "time"))  # the first is a task of the built zoo too


@pytest.fixture
def shelf(quick: None, backbone_file: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user folder with the built zoo's backbone in it; what is known of layouts is that of the built zoo."""
    (home / "backbones").mkdir(parents=True)
    shutil.copy(backbone_file, home / "backbones" / "random.safetensors")
    monkeypatch.setattr("core.zoo.archive.LAYOUTS", ("pca", "mds"))
    return home


@pytest.fixture(scope="module")
def second(backbone_file: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another zoo on the same backbone."""
    tasks, (target, _) = [small_task(classes)[0] for classes in OTHERS], small_task(("flag", "time"))
    folder = tmp_path_factory.mktemp("second") / "second"
    plan = Plan("second", tuple(tasks), (target, small_task(TASKS[0])[0]), backbone_file, "magnitude", 0.3, 1)
    quickly_built(folder, plan, tmp_path_factory.mktemp("home"))
    return folder


@pytest.fixture
def mine(built: Built, shelf: Path) -> Zoo:
    """The built zoo, among the user's own."""
    return open_zoo(shutil.copytree(built.folder, shelf / "zoos" / "tiny"))


def test_merged_zoos_are_as_if_built_at_once(mine: Zoo, second: Path, shelf: Path) -> None:
    merged = compose.merge("both", [mine, open_zoo(second)])
    zoo = merged.zoo
    assert [task.id for task in zoo.tasks] == [*(task.id for task in mine.tasks), "emoji:music+time"]
    assert merged.left_out == (("second", "emoji:tool+arrow", "emoji:tool+arrow"),) and merged.renamed == ()
    assert [task.id for task in zoo.targets] == ["emoji:arrow+heart", "emoji:flag+time"]  # the third has a model now
    fresh = Path(shutil.copytree(zoo.path, shelf / "fresh"))
    backbone = load_backbone("random")
    contents = describing.Contents("both", tuple(zoo.tasks), tuple(zoo.targets), backbone, zoo.keep, None)
    describing.describe(fresh, contents)
    for kind in SIMILARITIES:
        np.testing.assert_allclose(zoo.similarity(kind)[1], open_zoo(fresh).similarity(kind)[1], rtol=1e-3, atol=1e-4)
    assert zoo.about["pictures"] == open_zoo(fresh).about["pictures"]
    for name in ("seconds", "macs", "iterations"):
        costs = [entry["cost"][name] for entry in (*mine.about["tasks"], open_zoo(second).about["tasks"][1])]
        assert zoo.about["cost"][name] == pytest.approx(sum(costs))
    assert compose.merge("both", [zoo], replace_old=True).zoo.tasks == zoo.tasks


def test_what_zoos_know_is_not_computed_again(mine: Zoo, second: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[list[str]] = []
    really = describing.similarity_rows

    def counted(model: PrunedModel, own: Any, tasks: list[Task], *more: Any) -> Any:
        looked.append([model.task["id"], *(task.id for task in tasks)])
        return really(model, own, tasks, *more)

    monkeypatch.setattr(describing, "similarity_rows", counted)
    compose.merge("copy", [mine])
    assert looked == []
    compose.merge("both", [mine, open_zoo(second)])
    assert {row[0] for row in looked} == {*(task.id for task in mine.tasks), "emoji:music+time"}
    assert all(set(row[1:]) <= {"emoji:music+time", "emoji:flag+time"} for row in looked[:3])
    known = {"emoji:music+time", "emoji:tool+arrow", "emoji:flag+time", mine.tasks[0].id}
    assert not known & set(looked[3][1:])


def test_two_tasks_with_one_id_are_told_apart_by_their_classes(mine: Zoo, second: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(second, tmp_path / "second"))
    about = json.loads((folder / "zoo.json").read_text())
    (folder / "models" / "emoji:music+time.safetensors").rename(folder / "models" / f"{mine.tasks[2].id}.safetensors")
    about["tasks"][1]["task"]["id"] = mine.tasks[2].id
    (folder / "zoo.json").write_text(json.dumps(about))
    merged = compose.merge("both", [mine, open_zoo(folder)])
    assert merged.renamed == (("second", mine.tasks[2].id, "emoji:music+time"),)
    assert merged.zoo.model("emoji:music+time").task["id"] == "emoji:music+time"


def test_zoos_of_different_backbones_are_not_merged(mine: Zoo, shelf: Path) -> None:
    with pytest.raises(
        MismatchError, match=r"made on different backbones, random and emoji-resnet18-simclr \(weights "
    ):
        compose.merge("both", [mine, open_zoo()])
    with pytest.raises(BadValueError, match="is here already"):
        compose.merge("tiny", [mine])
    with pytest.raises(BadValueError, match="letters, digits"):
        compose.merge("../x", [mine])
    assert not (shelf / "zoos" / "both").exists() and len(list((shelf / "zoos").iterdir())) == 1


@pytest.mark.parametrize("replace_old", [False, True])
def test_a_merge_takes_no_place_of_a_zoo_that_is_half_built_or_ships(mine: Zoo, shelf: Path, replace_old: bool) -> None:
    model = shelf / "zoos" / "half" / "models" / "emoji-z00.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"hours of work")
    with pytest.raises(BadValueError, match="A zoo half is half built in .*: .* remove that folder"):
        compose.merge("half", [mine], replace_old)
    with pytest.raises(BadValueError, match="ships with the project and stays as it is: choose another name"):
        compose.merge(DEFAULT, [mine], replace_old)
    assert model.read_bytes() == b"hours of work" and not (shelf / "zoos" / DEFAULT).exists()


@pytest.fixture
def slim(second: Path) -> PrunedModel:
    return load_pruned(second / "models" / "emoji:music+time.safetensors")


def kept_file(folder: Path, kept: object) -> Path:
    file = folder / "kept.json"
    file.write_text(kept if isinstance(kept, str) else json.dumps(kept))
    return file


def test_a_model_made_elsewhere_is_tried_and_votes_like_any_other(mine: Zoo, slim: PrunedModel, tmp_path: Path) -> None:
    kept = kept_file(tmp_path, {group: list(channels) for group, channels in slim.selection.kept.items()})
    torch.save({"state_dict": {f"module.{n}": t for n, t in state_of(slim).items()}}, tmp_path / "slim.pth")
    save_file(state_of(slim), tmp_path / "slim.safetensors")
    task = Task.from_dict(slim.task)
    models = [
        foreign.foreign(task, load_backbone("random"), kept, foreign.read_state(tmp_path / name), name)
        for name in ("slim.pth", "slim.safetensors")
    ]
    assert models[0].selection == slim.selection == models[1].selection
    assert models[0].origin["validation_accuracy"] == slim.origin["validation_accuracy"]
    assert models[0].origin["achieved"].items() <= slim.origin["achieved"].items()
    assert all(np.isfinite(v).all() and v.sum() > 0 for v in models[0].importance.values())
    zoo = compose.add(mine, models[0])
    assert zoo.tasks[-1] == task and zoo.accuracy(task.id) == slim.origin["validation_accuracy"]
    assert zoo.about["tasks"][-1]["imported"] == "slim.pth with kept.json" and summary(zoo).imported == 1
    assert np.isfinite(zoo.similarity()[1]).all() and zoo.similarity()[1].shape == (5, 4)
    with pytest.raises(BadValueError, match="--replace"):
        compose.add(zoo, models[1])
    assert len(compose.add(zoo, models[1], replace_equal=True).tasks) == 4


def test_a_target_that_gets_a_model_is_a_zoo_task(mine: Zoo, slim: PrunedModel) -> None:
    target = small_task(TARGET)[0]
    zoo = compose.add(mine, replace(slim, task=target.to_dict()))
    assert zoo.tasks[-1] == target and zoo.targets == []


def test_a_first_model_starts_a_zoo(slim: PrunedModel, shelf: Path) -> None:
    zoo = compose.start("new", slim, load_backbone("random"))
    assert [task.id for task in zoo.tasks] == ["emoji:music+time"] and zoo.path == shelf / "zoos" / "new"
    assert zoo.about["config"] is None and zoo.keep == pytest.approx(0.3, abs=0.01)


def test_the_shipped_zoo_stays_as_it_is(slim: PrunedModel, shelf: Path) -> None:
    with pytest.raises(BadValueError, match="ships with the project"):
        compose.add(open_zoo(), slim)


Change = Callable[[dict[str, list[int]]], object]


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda kept: {**kept, "conv1": kept["conv1"][1:]}, MismatchError, "conv1.weight in slim.pth is 19 × 3"),
        (lambda kept: {n: k for n, k in kept.items() if n != "conv1"}, MismatchError, "leave 64 × 3"),
        (lambda kept: {**kept, "conv9": [1]}, UnknownNameError, "group or layer in kept.json 'conv9'"),
        (lambda kept: {**kept, "conv1": kept["conv1"][::-1]}, BadValueError, "not in ascending order"),
        (lambda kept: {**kept, "conv1": [*kept["conv1"][:-1], 64]}, BadValueError, "within 0 to 63"),
        (lambda kept: {**kept, "conv1": []}, BadValueError, "keeps no channel"),
        (lambda kept: {**kept, "conv1": "all"}, BadValueError, "list of whole numbers"),
        (lambda kept: {**kept, "layer1.0.conv2": kept["conv1"][1:]}, MismatchError, "these layers are coupled"),
        (lambda kept: [], BadFileError, "does not hold kept channels"),
        (lambda kept: "{", BadFileError, "no readable JSON"),
    ],
)
def test_what_is_kept_has_to_fit_backbone_and_tensors(
    slim: PrunedModel, shelf: Path, tmp_path: Path, change: Change, error: type[MetaVoteError], words: str
) -> None:
    kept = kept_file(tmp_path, change({group: list(channels) for group, channels in slim.selection.kept.items()}))
    with pytest.raises(error, match=words):
        foreign.foreign(Task.from_dict(slim.task), load_backbone("random"), kept, state_of(slim), "slim.pth")


def test_groups_may_be_named_by_any_layer_of_theirs(slim: PrunedModel, shelf: Path, tmp_path: Path) -> None:
    alias = {"conv1": "layer1.1.bn2", "layer1.0.conv1": "layer1.0.bn1"}
    kept = {alias.get(group, group): list(channels) for group, channels in slim.selection.kept.items()}
    file, task = kept_file(tmp_path, kept), Task.from_dict(slim.task)
    found = foreign.foreign(task, load_backbone("random"), file, state_of(slim), "slim.pth")
    assert found.selection == slim.selection


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda state: {n: t for n, t in state.items() if n != "bn1.weight"}, MismatchError, "lacks bn1.weight"),
        (lambda state: {**state, "extra": torch.zeros(1)}, MismatchError, "has a tensor extra"),
        (lambda state: {**state, "fc.weight": state["fc.weight"][:1]}, MismatchError, "fc.weight in slim.pth is 1 ×"),
        (lambda state: {**state, "bn1.bias": state["bn1.bias"] * torch.nan}, BadValueError, "not finite"),
        (lambda state: {**state, "fc.weight": -state["fc.weight"], "fc.bias": -state["fc.bias"]},
         BadValueError, "no more than guessing"),
    ],
)  # fmt: skip
def test_tensors_have_to_be_a_whole_model_that_knows_something(
    slim: PrunedModel, shelf: Path, tmp_path: Path, change: Change, error: type[MetaVoteError], words: str
) -> None:
    kept = kept_file(tmp_path, {group: list(channels) for group, channels in slim.selection.kept.items()})
    with pytest.raises(error, match=words):
        foreign.foreign(
            Task.from_dict(slim.task),
            load_backbone("random"),
            kept,
            change(state_of(slim)),
            "slim.pth",  # type: ignore[arg-type]
        )


def test_a_file_that_holds_no_tensors_is_told_in_a_sentence(tmp_path: Path) -> None:
    for name, content in (("a.pth", b"no"), ("b.safetensors", b"no")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFileError, match="is no checkpoint"):
            foreign.read_state(tmp_path / name)
    torch.save([1, 2], tmp_path / "c.pth")
    with pytest.raises(BadFileError, match="holds no tensors by name"):
        foreign.read_state(tmp_path / "c.pth")


def test_our_own_models_belong_to_their_backbone_and_task(slim: PrunedModel, shelf: Path) -> None:
    backbone, task = load_backbone("random"), Task.from_dict(slim.task)
    found = foreign.ours(slim, task, backbone, "run x")
    assert found.origin["imported"] == "run x" and found.origin["cost"] == slim.origin["cost"]
    with pytest.raises(MismatchError, match="another backbone"):
        foreign.ours(replace(slim, backbone_hash="0" * 64), task, backbone, "run x")
    with pytest.raises(MismatchError, match="is for emoji:music"):
        foreign.ours(slim, small_task(TASKS[0])[0], backbone, "run x")


def test_a_zoo_brings_its_own_backbone_with_it(mine: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_backbone(mine) and has_backbone(mine)
    with_it, without = tmp_path / "with.zip", tmp_path / "without.zip"
    assert give(mine, with_it, with_backbone=True) > give(mine, without)
    monkeypatch.setenv("METAVOTE_HOME", str(tmp_path / "elsewhere"))
    zoo = take(without)
    assert not has_backbone(zoo) and not summary(zoo).backbone_here
    with pytest.raises(BadValueError, match="is here already"):
        take(with_it)
    assert not has_backbone(zoo) and not (tmp_path / "elsewhere" / "backbones").exists()
    zoo = take(with_it, replace=True)
    assert has_backbone(zoo) and load_backbone("random").hash == zoo.backbone_hash
    assert not (zoo.path / "backbone.safetensors").exists()
    assert [one.id for one in summaries()[0] if not one.shipped] == ["tiny"]


def test_a_backbone_that_is_not_the_zoos_is_refused_on_the_way_out_and_in(
    mine: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: Path
) -> None:
    other = random_backbone(seed=3)
    place = shelf / "backbones" / "random.safetensors"
    save_backbone(
        place, other.tensors, architecture=other.architecture, source="random", mean=list(other.mean),
        std=list(other.std), size=other.size, about={},
    )  # fmt: skip
    with pytest.raises(MismatchError, match="another backbone that is also called random"):
        give(mine, tmp_path / "zoo.zip", with_backbone=True)
    from core.zoo.archive import pack

    pack(mine, tmp_path / "forged.zip", place)
    monkeypatch.setenv("METAVOTE_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(MismatchError, match="came with another backbone"):
        take(tmp_path / "forged.zip")
    assert list((tmp_path / "elsewhere" / "zoos").iterdir()) == []


@pytest.mark.parametrize(
    "content, error, words",
    [
        ("[" * 100_000, BadFileError, "no readable JSON"),
        ('{"conv1": [0], "conv1": [1]}', BadValueError, "kept.json names conv1 twice"),
    ],
)
def test_a_file_of_kept_channels_that_cannot_be_read_one_way_is_refused(
    tmp_path: Path, content: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "kept.json").write_text(content)
    groups = channel_groups(load_backbone(DEFAULT).build(2), torch.zeros(1, 3, 32, 32))
    with pytest.raises(error, match=words):
        foreign.selection_of(tmp_path / "kept.json", groups)

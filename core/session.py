"""The Python interface: the few calls that `import core` offers, over the parts that do the work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core import kinds
from core.arguments import FLAG, SHARE, instance, optional, path, several, takes, text, whole
from core.backbones.adding import Wanted, add
from core.backbones.backbone import DEFAULT, Backbone, identity_of, load_backbone
from core.backbones.listing import OWN
from core.backbones.own import give, own_backbone
from core.channels.files import PrunedModel
from core.channels.groups import channel_groups
from core.channels.rebuild import rebuild
from core.channels.tracing import check_training
from core.channels.trial import check_trial
from core.errors import BadValueError, MetaVoteError, MismatchError
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint, Evaluation, Event, Finished, RecordedEvent, Slimmed
from core.reports.export import write
from core.reports.formats import Check
from core.runs.execute import events_of
from core.runs.resolve import resolved
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.tasks.data import load_task
from core.tasks.task import Task
from core.voting import Votes, votes
from core.workshop import backbone_removal as workshop_removal
from core.workshop.work import beside_orders, leave_to_its_process
from core.zoo import zoo as zoos
from core.zoo.build import Progress, checked
from core.zoo.build import build_zoo as zoo_builder
from core.zoo.pairing import backbone_for
from core.zoo.plan import shipped_plan
from core.zoo.similarity import neighbours_of
from core.zoo.zoo import Neighbour, Zoo, ballots, own_folder


class LiveZoo(Zoo):
    """A zoo that also ranks its tasks for a target it has never seen, by looking at the target's training images."""

    @takes(
        "zoo.neighbours", task=kinds.TASK, k=optional(whole("try 5", 1)), similarity=kinds.SIMILARITY,
        skip_unreadable=FLAG,
    )  # fmt: skip
    def neighbours(  # type: ignore[override]
        self, task: Task | str, k: int | None = 5, similarity: str = "leep", *, skip_unreadable: bool = False
    ) -> list["Near"]:
        """The k most similar zoo tasks, best first; all of them if k is None.

        task: one, or its id. skip_unreadable: leave out images that cannot be decoded.
        """
        target, backbone = _task(task), load_backbone(backbone_for(self, identity_of=identity_of))
        data = load_task(target, backbone.size, skip_unreadable)
        found = neighbours_of(self, target, data, backbone, k, similarity)
        return [Near(each.task, each.similarity, self) for each in found]


@dataclass(frozen=True)
class Near(Neighbour):
    """A neighbour that knows the zoo it is from, so that it can vote."""

    zoo: Zoo = field(repr=False, compare=False)


NEIGHBOURS = several("a list of neighbours", "such as core.zoo().neighbours(task, k=5)", instance("", "", Near))


def _task(given: Task | str) -> Task:
    """The task, if its id is given."""
    return task_of(given) if isinstance(given, str) else given


@takes("core.zoo", id=kinds.ZOO_NAME)
def zoo(id: str | Path = zoos.DEFAULT) -> LiveZoo:
    """A zoo by id or folder; the embedded one by default."""
    opened = zoos.open_zoo(id)
    return LiveZoo(opened.path, opened.about, opened.version)


@takes(
    "core.backbone", what=kinds.MODULE, example_input=optional(kinds.IMAGES),
    source=kinds.SOURCE, mean=kinds.MEAN, std=kinds.STD,
)  # fmt: skip
def backbone(what: str | nn.Module = DEFAULT, example_input: Tensor | None = None, **about: Any) -> Backbone:
    """A backbone by id or file, the embedded one by default; or a module of one's own, with an example of its images.

    example_input: [B, 3, S, S]. about: `source`, `mean` and `std`, as in `core.backbones.own.own_backbone`. A module is
    known by its id as long as this process lives; models pruned from it are rebuilt where it has been given again. It
    is tried once on random images, slim against masked, in eval and train mode (`core.channels.trial`).
    Raises UnsupportedError, naming what cannot be traced or pruned, or is not pruned exactly.
    """
    if isinstance(what, str):
        return load_backbone(what)
    if example_input is None:
        raise BadValueError("A module of one's own needs an example of its images: core.backbone(module, images).")
    made, kind = own_backbone(what, example_input, **about)
    with torch.random.fork_rng(devices=[]):  # its head is drawn
        built = kind.build(2)
    groups = channel_groups(built, torch.empty(1, 3, made.size, made.size, device="meta"))
    check_training(built)
    check_trial(built, groups, made.size)
    give(made, kind)
    return made


@takes(
    "core.add_backbone",
    file=path("a file, or the name of an architecture", "give core.backbone(module, images) for a module"),
    architecture=optional(text("the name of an architecture", 'such as "resnet50"')),
    format=optional(text("the name of a format", 'such as "moco"')),
    weights=optional(text("the name of published weights", 'such as "IMAGENET1K_V2"')),
    download=FLAG,
    **kinds.WANTED,
)
def add_backbone(
    file: str | Path, architecture: str | None = None, *, format: str | None = None, weights: str | None = None,
    download: bool = False, **wanted: Any,
) -> Backbone:  # fmt: skip
    """One of your own backbones, found by its id from then on: from a checkpoint of `architecture`, or, with `weights`,
    torchvision's published ones, `file` then being an architecture's name.

    wanted: as `core.backbones.adding.Wanted`: name, size, ... Without an architecture, `file` is a
    backbone file. Raises MetaVoteError.
    """
    return add(file, architecture, format, weights, download, Wanted(**wanted))


@takes("core.remove_backbone", id=text("the id of a backbone", "such as the id that core.add_backbone() gave it"))
def remove_backbone(id: str) -> None:
    """Delete one of your own backbones. Raises BadValueError, naming it, if a zoo or an unfinished run needs it."""
    workshop_removal.remove_backbone(id, Store())


@takes("core.build_zoo", workers=whole("try 1", 1), replace_old=FLAG, **kinds.PLAN)
def build_zoo(
    id: str,
    tasks: Iterable[Task | str],
    targets: Iterable[Task | str] = (),
    workers: int = 1,
    replace_old: bool = False,
    **settings: Any,
) -> Iterator[Progress]:
    """Build one of your own zoos, found by its id from then on; yields after each model, and works only when asked.

    tasks, targets: tasks or their ids. settings: backbone (an id, a file, or what `core.backbone` gave), method, keep,
    iterations, seed, ..., as in `core.zoo.plan.Plan`. A build that was stopped goes
    on where it was; a zoo of that id with other tasks or settings stays, unless it is to `replace_old`. What cannot
    work is refused at once. Raises BadValueError and what its parts raise.
    """
    if str(settings.get("backbone", "")).startswith(OWN) and workers > 1:
        raise BadValueError("A module passed from Python exists in this process only: build with workers=1.")
    chosen = {"id": id, "tasks": tuple(map(_task, tasks)), "targets": tuple(map(_task, targets)), **settings}
    plan = checked(replace(shipped_plan(), **chosen), workers)
    folder = own_folder(plan.id)
    leave_to_its_process(folder)
    return beside_orders(folder, zoo_builder(folder, plan, workers, replace_old))


@takes(
    "core.vote", neighbours=NEIGHBOURS, weighting=kinds.WEIGHTING, keep=optional(SHARE)
)  # fmt: skip
def vote(neighbours: Iterable[Near], weighting: str = "count", keep: float | None = None) -> Votes:
    """The neighbours' votes per channel group, at the zoo's final keep ratio or an earlier one."""
    cast = [ballot for each in neighbours for ballot in ballots(each.zoo, [each], keep)]
    return votes(cast, weighting)


class Run:
    """One run in this process: iterate over it for live events, or ask for its `result`, `curve` or `model`.

    These finish it first; `events` are those so far, and inside a loop over the run so is its `curve`.
    Pickled, it is its config and events: one that had not finished starts over, one that had has no model any more.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.events: list[RecordedEvent] = []
        self._stream: Iterator[Event] | None = None
        self._model: PrunedModel | None = None
        self._failure: MetaVoteError | None = None
        self._loops = 0  # loops over it that are going on

    def __repr__(self) -> str:
        return f"Run({self.config.label()!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.config, "events": list(self.events)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["config"])  # type: ignore[misc]
        self.events = state["events"]

    def to_dict(self) -> dict[str, Any]:
        """{"config", "finished", "events": [...]}: plain data for JSON, of what has happened so far."""
        return {
            "config": self.config.to_dict(),
            "finished": self.finished,
            "events": [event.to_dict() for event in self.events],
        }

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""
        return any(isinstance(event, Finished) for event in self.events)

    def __iter__(self) -> Iterator[Event]:
        if self._failure is not None:
            raise self._failure
        if self._stream is None:
            if self.finished:
                return
            self.events.clear()
            self._stream = events_of(self.config)
        self._loops += 1
        try:
            for event in self._stream:
                if isinstance(event, Slimmed):
                    self._model = event.model
                elif not isinstance(event, Checkpoint):
                    self.events.append(event)
                    yield event
        except MetaVoteError as failure:
            self._failure = failure
            raise
        finally:
            self._loops -= 1

    def _to_the_end(self) -> None:
        for _ in self:
            pass

    @property
    def pruned(self) -> PrunedModel:
        """The pruned model: selection, slim weights, how it came about."""
        self._to_the_end()
        if self._model is None:
            raise MetaVoteError("The model of a run is not pickled with it: save it, or prune again.")
        return self._model

    @cached_property
    def model(self) -> nn.Module:
        """The slim network, in eval mode."""
        return rebuild(self.pruned)

    @takes(
        "run.export", to=text("the name of a format", 'such as "onnx"'), file=path("a file", 'such as "slim.onnx"')
    )  # fmt: skip
    def export(self, to: str, file: str | Path) -> Check | None:
        """Write the slim network to a file, "safetensors", "torch" or "onnx"; how far it was from PyTorch's own logits.

        None where that could not be found out (no onnxruntime here). Raises MetaVoteError.
        """
        return write(self.pruned, to, Path(file))

    @property
    def result(self) -> Finished:
        """Test accuracy, cost, requested and achieved."""
        self._to_the_end()
        return next(event for event in self.events if isinstance(event, Finished))

    @property
    def curve(self) -> list[Evaluation]:
        """All evaluations; inside a loop over the run, those so far."""
        if not self._loops:
            self._to_the_end()
        return [event for event in self.events if isinstance(event, Evaluation)]


@takes("core.prune", **kinds.RUN)
def prune(task: Task | str, **settings: Any) -> Run:
    """A run of `task`; settings as in `RunConfig` (method, keep, iterations, ...). Nothing runs until asked.

    The backbone is the one given (an id, a file, or what `core.backbone` gave), else the zoo's own, whatever the
    method; a zoo and a backbone that it was not made on are refused together. What cannot work is refused at once.
    """
    known = task_of(task if isinstance(task, str) else task.id)
    if not isinstance(task, str) and task != known:
        raise MismatchError(f"The id {task.id} names another task than this one: make tasks with core.task().")
    return Run(resolved({**settings, "task": known.id}))

"""Trying a run before any training: the very steps of a run, up to its first look at the validation images, kept warm.

The numbers are those of `prune(..., iterations=0)`, as the same generator makes them; only what depends on neither the
vote nor the keep ratio (images, dense network, channel groups, neighbours' files) is found out once and kept.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from core.backbones.backbone import load_backbone
from core.backbones.identity import Identity
from core.channels.files import PrunedModel
from core.errors import BadValueError, MetaVoteError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Pruned
from core.pruning.ground import Ground, ground_of
from core.pruning.loop import prune_events
from core.runs.execute import ranking
from core.tasks.catalogue import task as task_of
from core.tasks.data import TaskData, load_task
from core.tasks.task import Task
from core.zoo.pairing import check_pair
from core.zoo.zoo import Zoo, find_zoo, open_zoo, version_of

GROUNDS, MODELS, ZOOS = 4, 96, 2  # kept warm: tasks (some 60 MB each), neighbours (some 2 MB), zoos


@dataclass(frozen=True)
class Preview:
    """Accuracy (0 to 1) on the validation images before any fine-tuning, and what the slim network comes to."""

    accuracy: float
    params: int
    macs: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def checked(settings: Mapping[str, Any]) -> RunConfig:
    """The config of a preview. Raises BadValueError for what needs training, or more than one thread."""
    config = RunConfig.from_dict(settings)
    if config.method not in ("mvp", "dense") or config.iterations or config.dynamic or config.threads != 1:
        raise BadValueError('Only "mvp" and "dense" are tried without training: 0 iterations, one vote, 1 thread.')
    return config


class Dropped(Exception):
    """Nobody wants the answer any more."""


@contextmanager
def _droppable(stale: Callable[[], bool]) -> Iterator[None]:
    """Raise Dropped out of the next layer's forward pass once `stale` says so: all that takes long is in those."""

    def look(module: nn.Module, inputs: object) -> None:
        if stale():
            raise Dropped

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def preview(
    config: RunConfig, doing: Callable[[str], None] = lambda _: None, stale: Callable[[], bool] = lambda: False
) -> Preview:
    """Assemble, settle BatchNorm, set the head, evaluate. `doing` hears what takes a moment.

    Raises MetaVoteError; Dropped once `stale`.
    """
    doing("Reading the images and the backbone")
    task = task_of(config.task)
    backbone = load_backbone(config.backbone)
    data = load_task(task, backbone.size, config.skip_unreadable)
    ground = _ground(data, config.backbone, backbone.identity, config.seed)
    neighbours = []
    if config.voting_zoo is not None:
        folder = find_zoo(config.voting_zoo)
        version = version_of(folder)
        zoo = _zoo(str(folder), version)
        check_pair(zoo, backbone.id, backbone.identity)
        doing("Reading the neighbours")
        ranked = ranking(config, zoo, task, data)
        neighbours = [(_model(str(folder), version, each.task.id), each.similarity) for each in ranked]
    doing("Assembling the slim network")
    size = None
    with _droppable(stale):
        for event in prune_events(config, task, data, backbone, neighbours, ground=ground):
            if isinstance(event, Pruned):
                size = event.params, event.macs
            elif isinstance(event, Evaluation):
                return Preview(event.accuracy, *(size or _dense_size(ground, task)))
    raise MetaVoteError("The network was not evaluated: start the run itself and look into its log.")


def _dense_size(ground: Ground, task: Task) -> tuple[int, int]:
    size = ground.layers.size(ground.groups.sizes, len(task.classes))
    return size.params, size.macs


@lru_cache(maxsize=GROUNDS)
def _ground(data: TaskData, backbone: str, _identity: Identity, seed: int) -> Ground:
    """Kept for the same images: `ImageSet`s compare by identity, and the key keeps them."""
    return ground_of(data.task, data, load_backbone(backbone), seed)


@lru_cache(maxsize=ZOOS)
def _zoo(folder: str, _version: str) -> Zoo:
    return open_zoo(Path(folder))


@lru_cache(maxsize=MODELS)
def _model(folder: str, version: str, task_id: str) -> PrunedModel:
    return _zoo(folder, version).model(task_id)

"""From a run's config to its events: look up the task, backbone, zoo and neighbours, then prune."""

import time
from collections.abc import Iterator

from core.backbones.backbone import Backbone, load_backbone
from core.channels.files import load_pruned
from core.channels.selection import Selection
from core.errors import MismatchError
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint, Event, PhaseChanged
from core.pruning.loop import prune_events
from core.pruning.work import Neighbour
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.tasks.data import TaskData, load_task
from core.tasks.task import Task
from core.voting import check_k, pick_voters
from core.zoo.pairing import check_pair
from core.zoo.similarity import neighbours_of, ranking_macs
from core.zoo.zoo import Neighbour as Ranked
from core.zoo.zoo import Zoo, open_zoo


def events_of(config: RunConfig, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
    """Everything that happens in a run. Raises MetaVoteError, before any training, for what cannot be done."""
    start, cpu = time.perf_counter(), time.process_time()
    task = task_of(config.task)
    backbone = load_backbone(config.backbone)
    data = load_task(task, backbone.size, config.skip_unreadable)
    neighbours: list[Neighbour] = []
    macs = 0
    if config.voting_zoo is not None:
        if checkpoint is None:
            yield PhaseChanged("neighbours", 0, 0.0)
        zoo = open_zoo(config.voting_zoo)
        check_pair(zoo, backbone.id, backbone.identity)
        ranked = ranking(config, zoo, task, data)
        neighbours = [(zoo.model(each.task.id), each.similarity) for each in ranked]
        macs = ranking_macs(zoo, task, data)
    spent = {"macs": macs, "seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    yield from prune_events(config, task, data, backbone, neighbours, checkpoint, spent, mask_of(config, backbone))


def ranking(config: RunConfig, zoo: Zoo, task: Task, data: TaskData) -> list[Ranked]:
    """The zoo tasks that may vote, best first: the most similar ones, or those of a control (random, farthest, all)."""
    backbone = load_backbone(config.backbone)
    if config.neighbours == "nearest" and not config.dynamic:
        return neighbours_of(zoo, task, data, backbone, config.k, config.similarity)
    everyone = neighbours_of(zoo, task, data, backbone, None, config.similarity)
    if config.neighbours == "nearest":  # dynamic voting may call in the others
        check_k(config.k or 0, len(everyone))
        return everyone
    return pick_voters(everyone, config.neighbours, config.k, config.chosen, config.seed)


def mask_of(config: RunConfig, backbone: Backbone) -> Selection | None:
    """The selection that the run `config.mask_of` ended with, where a run keeps that of another."""
    if config.mask_of is None:
        return None
    model = load_pruned(Store().model_path(config.mask_of), weights=False)
    if model.backbone_hash != backbone.hash:
        raise MismatchError(f"Run {config.mask_of} pruned another backbone than {backbone.id}: name one that did not.")
    return model.selection

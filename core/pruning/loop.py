"""The pruning loop: from a backbone and a task to a slim model, as a generator of events.

Read `prune_events` top to bottom: prepare, train (pruning on the way where the method says so), test. It knows nothing
of stores, screens or progress bars. Every random draw depends on (seed, iteration) alone, so a run that continues from
a `Checkpoint` ends bit-identical to one that was never interrupted.
"""

from collections.abc import Iterator, Sequence

import torch

from core.backbones.backbone import Backbone
from core.channels.selection import Selection
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint, Event, Slimmed
from core.pruning.ground import Ground
from core.pruning.work import Neighbour, Pruning
from core.tasks.data import TaskData
from core.tasks.task import Task

CHECKPOINT_EVERY = 20  # iterations


def prune_events(
    config: RunConfig,
    task: Task,
    data: TaskData,
    backbone: Backbone,
    neighbours: Sequence[Neighbour] = (),
    checkpoint: Checkpoint | None = None,
    spent: dict[str, float] | None = None,
    mask: Selection | None = None,
    ground: Ground | None = None,
) -> Iterator[Event]:
    """Prune `backbone` for `task` as `config` says.

    neighbours: for methods that vote, best first; the first k vote, and dynamic voting may call in the others.
    spent: what was paid before the loop (seconds of finding neighbours, say), counted into the cost.
    mask: the selection to keep, for the method "same-mask".
    ground: what `ground_of` found out about the same task, backbone and seed, where it is known already.
    """
    torch.set_num_threads(config.threads)
    work = Pruning(config, task, data, backbone, neighbours, spent, mask, ground)
    if checkpoint is not None:
        work.restore(checkpoint)
    else:
        yield work.phase("selecting")
        yield from work.prepare()
    while work.iteration < work.schedule.iterations:
        if (phase := work.schedule.phase_at(work.iteration)) is not None:
            yield work.phase(phase)
        if (keep := work.schedule.prune_at(work.iteration)) is not None:
            yield work.prune(keep)
        yield work.train_step()
        if work.schedule.evaluate_at(work.iteration):
            yield work.evaluation()
        if work.iteration % CHECKPOINT_EVERY == 0 and work.iteration < work.schedule.iterations:
            yield work.checkpoint()
    if (keep := work.schedule.prune_at(work.iteration)) is not None:  # only where no iteration was left to do it in
        yield work.prune(keep)
        yield work.evaluation()
    yield work.phase("testing")
    finished = work.finish()
    yield Slimmed(work.pruned_model(finished))
    yield finished

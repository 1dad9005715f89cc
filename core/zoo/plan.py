"""What zoo to build: the tasks and how to prune for each, refused before any work where it cannot be. Torch-free."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.channels.budget import Budget
from core.errors import BadValueError, MetaVoteError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.engine import is_outdated
from core.pruning.methods import METHODS
from core.tasks.catalogue import tasks
from core.tasks.task import Task

if TYPE_CHECKING:
    from core.channels.files import PrunedModel

ATTEMPTS = 3  # seeds tried for a task whose model collapses
MOST_WORKERS = max(16, os.cpu_count() or 1)


@dataclass(frozen=True)
class Plan:
    """What to build. `iterations` is the full length of the iterative method, on `threads` threads a worker."""

    id: str
    tasks: tuple[Task, ...]
    targets: tuple[Task, ...]
    backbone: str
    method: str = "taylor"
    keep: float = 0.2
    iterations: int = 240
    seed: int = 0
    threads: int = 1
    learning_rate: float = 0.02
    of: str = Budget.of
    allocation: str = Budget.allocation
    least_width: int = Budget.least_width
    multiple: int = Budget.multiple
    sampling: str = RunConfig.sampling
    skip_unreadable: bool = RunConfig.skip_unreadable

    def config(self, task: Task, attempt: int = 0) -> RunConfig:
        """The run that makes one model."""
        return RunConfig(
            task.id, self.method, self.keep, self.iterations, self.seed + 1000 * attempt,
            backbone=self.backbone, zoo=None, threads=self.threads, learning_rate=self.learning_rate,
            of=self.of, allocation=self.allocation, least_width=self.least_width, multiple=self.multiple,
            sampling=self.sampling, skip_unreadable=self.skip_unreadable,
        )  # fmt: skip


def left(tasks: Sequence[Task], without: Sequence[str]) -> tuple[Task, ...]:
    """The tasks but those of these ids. Raises UnknownNameError for an id that none of them has."""
    for id in without:
        if id not in [task.id for task in tasks]:
            raise UnknownNameError("task of the zoo to leave out", id, [task.id for task in tasks])
    return tuple(task for task in tasks if task.id not in without)


def as_planned(model: "PrunedModel", plan: Plan, task: Task) -> bool:
    """Whether today's engine made a model for a task as planned, whatever its backbone's name or its threads.

    Models that earlier versions made name a zoo, which had no part in them.
    """
    if is_outdated(model.origin):
        return False
    try:
        recorded = RunConfig.from_dict(model.origin["config"])
        made = replace(recorded, threads=plan.threads, backbone=plan.backbone, zoo=None)
    except (MetaVoteError, KeyError):
        return False
    return made in [plan.config(task, number) for number in range(ATTEMPTS)]


def check_workers(number: object) -> None:
    """Refuse what cannot be a number of worker processes, or would only have them wait for each other."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_WORKERS:
        raise BadValueError(
            f"The number of worker processes must be a whole number from 1 to {MOST_WORKERS}, not {number!r}."
        )


def check(plan: Plan, workers: int) -> None:
    """Refuse, before any work, what cannot be a zoo."""
    check_workers(workers)
    if not plan.tasks:
        raise BadValueError("A zoo needs at least one task: name some.")
    names = [task.id for task in (*plan.tasks, *plan.targets)]
    if len(set(names)) < len(names):
        raise BadValueError("A task stands twice among the zoo's tasks and targets: name each once.")
    problems: dict[tuple[str, frozenset[str]], str] = {}
    for task in plan.tasks:
        if equal := problems.get((task.dataset, frozenset(task.classes))):
            raise BadValueError(f"The zoo's tasks {equal} and {task.id} have the same classes: leave one out.")
        problems[task.dataset, frozenset(task.classes)] = task.id
    for target in plan.targets:
        if equal := problems.get((target.dataset, frozenset(target.classes))):
            raise BadValueError(f"The target {target.id} has the classes of the zoo's task {equal}: leave one out.")


def buildable() -> list[str]:
    """The methods that make a pruned model from the backbone and the task alone."""
    return [one.name for one in METHODS.values() if one.removes and not one.needs_zoo and not one.keeps_mask]


def check_method(name: object) -> None:
    """Raise UnknownNameError for what is no method that can build a zoo."""
    if name not in buildable():
        raise UnknownNameError("method to build a zoo with", name, buildable())


def shipped_plan(setting: str = "emoji", backbone: str = "emoji-resnet18-simclr", **changes: Any) -> Plan:
    """The plan of the embedded zoo, of its class-disjoint twin ("emoji-disjoint"), or of another domain ("fashion")."""
    name = backbone if setting == "emoji" else f"{backbone}-{setting.removeprefix('emoji-')}"
    plan = Plan(name, tuple(tasks("zoo", setting)), tuple(tasks("targets", setting)), backbone)
    return replace(plan, **changes)

"""How far a new target is, as its files and its worker say. Torch-free."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import BadValueError
from core.runs import jobs
from core.runs.jobs import Progress
from core.targets.ranking import ranking_of
from core.tasks.own import OwnTask, folder_of, own_tasks
from core.tasks.task import Task
from core.zoo.zoo import Zoo

READY, WORKING, FAILED, LOST, OUTDATED = "ready", "working", "failed", "lost", "outdated"
MOST_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """An own task as a target in a zoo: `status` is one of READY, WORKING, FAILED, LOST, OUTDATED."""

    task: Task
    status: str
    progress: Progress


def targets_in(zoo: Zoo) -> list[Target]:
    """All of the user's own tasks, oldest first, with how far each is in this zoo."""
    return [_state(own, zoo) for own in own_tasks()]


def log_tail(id: str) -> str:
    """The last lines a target's worker wrote, "" where it wrote none."""
    return jobs.log_tail(folder_of(id))


def check_few(classes: int, most: int = MOST_CLASSES) -> None:
    """Refuse a new target of fewer than 2 or more than 20 classes."""
    if not classes:
        raise BadValueError(f"No class is chosen: choose 2 to {most}.")
    if classes == 1:
        raise BadValueError(f"One class alone is nothing to tell apart: choose 2 to {most}.")
    if classes > most:
        raise BadValueError(f"{classes} classes are chosen: choose {most} at most.")


def _state(own: OwnTask, zoo: Zoo) -> Target:
    id = own.task.id
    progress = jobs.progress_of(folder_of(id))
    if ranking_of(id, zoo) is not None:
        return Target(own.task, READY, progress)
    if jobs.worker_of(folder_of(id)) is not None:
        return Target(own.task, WORKING, progress)
    if progress.error:
        return Target(own.task, FAILED, progress)
    ranked_before = any(Path(folder_of(id)).glob("ranking-*.json"))
    return Target(own.task, OUTDATED if ranked_before else LOST, progress)

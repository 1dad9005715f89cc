"""How far a new target is, as its files and its worker say. Torch-free."""

import hashlib
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


def job_folder(id: str, zoo: Path) -> Path:
    """Where the process that ranks the zoo in that folder for an own task is at work: a place for each zoo."""
    return folder_of(id) / f"job-{hashlib.sha256(str(zoo.resolve()).encode()).hexdigest()[:16]}"


def job_folders(id: str) -> list[Path]:
    """Every place where a process may rank a zoo for an own task; older versions had one, the task's own folder."""
    return [folder_of(id), *folder_of(id).glob("job-*")]


def ranked_anywhere(id: str) -> bool:
    """Whether any zoo, as it is or once was, has been ranked for an own task."""
    return any(folder_of(id).glob("ranking-*.json"))


def log_tail(id: str, zoo: Zoo) -> str:
    """The last lines that the process which ranked a zoo for a target wrote, "" where it wrote none."""
    return jobs.log_tail(job_folder(id, zoo.path))


def check_few(classes: int, most: int = MOST_CLASSES) -> None:
    """Refuse a new target of fewer than 2 or more than 20 classes."""
    if not classes:
        raise BadValueError(f"No class is chosen: choose 2 to {most}.")
    if classes == 1:
        raise BadValueError(f"One class alone is nothing to tell apart: choose 2 to {most}.")
    if classes > most:
        raise BadValueError(f"{classes} classes are chosen: choose {most} at most.")


def _state(own: OwnTask, zoo: Zoo) -> Target:
    id, folder = own.task.id, job_folder(own.task.id, zoo.path)
    progress = jobs.progress_of(folder)
    if ranking_of(id, zoo) is not None:
        return Target(own.task, READY, progress)
    if jobs.worker_of(folder) is not None:
        return Target(own.task, WORKING, progress)
    if progress.error:
        return Target(own.task, FAILED, progress)
    return Target(own.task, OUTDATED if ranked_anywhere(id) or not folder.exists() else LOST, progress)

"""How far a new target is, as its files and its worker say. Torch-free."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from core.channels.files import write_whole
from core.errors import BadValueError
from core.runs.processes import Worker, alive
from core.targets.ranking import ranking_of
from core.tasks.own import OwnTask, folder_of, own_tasks
from core.tasks.task import Task
from core.zoo.zoo import Zoo

READY, WORKING, FAILED, LOST, OUTDATED = "ready", "working", "failed", "lost", "outdated"
WORKER, PROGRESS, LOG = "worker.json", "progress.json", "log.txt"
MOST_CLASSES = 20
SILENT_AFTER = 60.0  # seconds without a word after which a worker on another machine counts as gone


@dataclass(frozen=True)
class Progress:
    """What a worker last said: `done` of `total` zoo models have looked. Times are in seconds since the epoch."""

    done: int = 0
    total: int = 0
    started: float = 0.0
    now: float = 0.0
    error: str = ""

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before there is a pace."""
        return (self.now - self.started) / self.done * (self.total - self.done) if self.done else None


@dataclass(frozen=True)
class Target:
    """An own task as a target in a zoo: `status` is one of READY, WORKING, FAILED, LOST, OUTDATED."""

    task: Task
    status: str
    progress: Progress


def targets_in(zoo: Zoo) -> list[Target]:
    """All of the user's own tasks, oldest first, with how far each is in this zoo."""
    return [_state(own, zoo) for own in own_tasks()]


def say(id: str, progress: Progress) -> None:
    """Write down how far a worker is."""
    write_whole(folder_of(id) / PROGRESS, json.dumps(asdict(progress)).encode())


def forget_progress(id: str) -> None:
    """Remove what an earlier worker said."""
    for name in (PROGRESS, WORKER):
        (folder_of(id) / name).unlink(missing_ok=True)


def keep_worker(id: str, worker: Worker) -> None:
    """Note which process works on a target."""
    write_whole(folder_of(id) / WORKER, json.dumps(vars(worker)).encode())


def worker_of(id: str) -> Worker | None:
    """The process that works on a target, where it lives."""
    file = folder_of(id) / WORKER
    try:
        noted = json.loads(file.read_text())
        worker = Worker(str(noted["machine"]), int(noted["pid"]), float(noted["process_started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    lives = alive(worker.machine, worker.pid, worker.process_started)
    if lives is None:
        lives = time.time() - _progress(id).now <= SILENT_AFTER
    return worker if lives else None


def log_tail(id: str, lines: int = 12) -> str:
    """The last lines a target's worker wrote, "" where it wrote none."""
    file = folder_of(id) / LOG
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.is_file() else ""


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
    progress = _progress(id)
    if ranking_of(id, zoo) is not None:
        return Target(own.task, READY, progress)
    if worker_of(id) is not None:
        return Target(own.task, WORKING, progress)
    if progress.error:
        return Target(own.task, FAILED, progress)
    ranked_before = any(Path(folder_of(id)).glob("ranking-*.json"))
    return Target(own.task, OUTDATED if ranked_before else LOST, progress)


def _progress(id: str) -> Progress:
    try:
        return Progress(**json.loads((folder_of(id) / PROGRESS).read_text()))
    except (OSError, ValueError, TypeError):
        return Progress()

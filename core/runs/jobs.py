"""Work beside the queue: a command of this program in a process of its own, with its progress, log and end in a folder.

For what takes seconds to minutes and belongs to one thing (a new target, a run's latency, its files): one process a
folder, which outlives the page that asked for it. Torch-free.
"""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from core.errors import BadValueError
from core.files import write_whole
from core.runs.processes import Worker, alive, end, this_worker, worker_with

WORKER, PROGRESS, LOG = "worker.json", "progress.json", "log.txt"
SILENT_AFTER = 60.0  # seconds without a word after which a process on another machine counts as gone
children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Progress:
    """What a job last said: `done` of `total` steps; `doing` in words. Times are in seconds since the epoch."""

    done: int = 0
    total: int = 0
    started: float = 0.0
    now: float = 0.0
    error: str = ""
    doing: str = ""

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before there is a pace."""
        return (self.now - self.started) / self.done * (self.total - self.done) if self.done else None

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0


def say(folder: Path, progress: Progress) -> None:
    """Write down how far the job of a folder is."""
    write_whole(folder / PROGRESS, json.dumps(asdict(progress)).encode())


def progress_of(folder: Path) -> Progress:
    """What the job of a folder last said; nothing where it said nothing that can be read."""
    try:
        return Progress(**json.loads((folder / PROGRESS).read_text()))
    except (OSError, ValueError, TypeError):
        return Progress()


def log_tail(folder: Path, lines: int = 12) -> str:
    """The last lines that the job of a folder wrote, "" where it wrote none."""
    file = folder / LOG
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.is_file() else ""


def worker_of(folder: Path) -> Worker | None:
    """The process that is at work in a folder, where it lives."""
    try:
        noted = json.loads((folder / WORKER).read_text())
        worker = Worker(str(noted["machine"]), int(noted["pid"]), float(noted["process_started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    lives = alive(worker.machine, worker.pid, worker.process_started)
    if lives is None:
        lives = time.time() - progress_of(folder).now <= SILENT_AFTER
    return worker if lives else None


def start(folder: Path, spawn: "Callable[[], subprocess.Popen[bytes]]") -> None:
    """See to it that a process is at work in a folder: one that lives is left to it, else `spawn` makes one."""
    children[:] = [child for child in children if child.poll() is None]  # a child not asked after stays a zombie
    if worker_of(folder) is not None:
        return
    for name in (PROGRESS, WORKER):  # what an earlier one said
        (folder / name).unlink(missing_ok=True)
    child = spawn()
    children.append(child)
    with suppress(psutil.NoSuchProcess):
        write_whole(folder / WORKER, json.dumps(vars(worker_with(child.pid))).encode())


def stop(folder: Path) -> None:
    """End the process that is at work in a folder, if any. BadValueError where that is another machine's."""
    if (worker := worker_of(folder)) is None:
        return
    if worker.machine != this_worker().machine:
        raise BadValueError(f"A process on {worker.machine} is at work on it: stop it there, or wait for its end.")
    end(worker)


def stop_below(folder: Path) -> None:
    """End whatever is at work in a folder or in one inside it. Raises as `stop`."""
    for note in list(folder.rglob(WORKER)):
        stop(note.parent)

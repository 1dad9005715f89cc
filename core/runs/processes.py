"""Who works on a run: a process told from a later one that was given the same number."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass

import psutil

PATIENCE = 5.0  # seconds for a process to end on being asked
SAME_START = 2.0  # seconds: the kernel's idea of a start time moves with the clock


@dataclass(frozen=True)
class Worker:
    """Identity of a worker process: machine name, process id, start time in seconds since the epoch."""

    machine: str
    pid: int
    process_started: float


def this_worker() -> Worker:
    """The identity of the process that calls."""
    return worker_with(os.getpid())


def worker_with(pid: int) -> Worker:
    """The identity of a process of this machine. Raises psutil.NoSuchProcess."""
    return Worker(platform.node(), pid, psutil.Process(pid).create_time())


def alive(machine: str | None, pid: int | None, process_started: float | None) -> bool | None:
    """Whether that very process still lives; None where it is another machine's and cannot be looked at."""
    if pid is None or process_started is None:
        return False
    if machine != platform.node():
        return None
    try:
        process = psutil.Process(pid)
        # a zombie has ended, only its parent has not asked how
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - process_started) < SAME_START
    except psutil.NoSuchProcess:
        return False


def end(worker: Worker) -> None:
    """End that very process where it lives on this machine: ask it, and where it does not hear, kill it."""
    with suppress(psutil.Error):
        if alive(**vars(worker)) is not True:
            return
        process = psutil.Process(worker.pid)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except psutil.TimeoutExpired:
            process.kill()

"""Work in other processes: many items in a few that end with whoever started them, and one that outlives its starter.

The former end on Ctrl-C, failure or kill; the latter is what the dashboard and `--detach` leave behind.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from core.errors import MetaVoteError
from core.paths import home

T = TypeVar("T")
R = TypeVar("R")
LOOK = 1.0  # seconds between two looks at whether the parent is still there
LONGEST_LOG = 1_000_000  # bytes
_ROOT = Path(__file__).resolve().parents[1]


def detached(
    module: str,
    *arguments: str,
    log: Path,
    threads: int,
    folder: Path | None = None,
    fresh_log: bool = False,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `python -m module arguments...` as a process that outlives this one; returns it at once.

    log: what it says goes there, after what was said before unless `fresh_log` or that is long. threads: CPU threads.
    folder: its user folder, by default this process's own. Raises MetaVoteError where it cannot be started.
    """
    inherited = os.environ | {
        "METAVOTE_HOME": str(folder or home()),
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
    }
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        fresh = fresh_log or not log.exists() or log.stat().st_size > LONGEST_LOG
        with log.open("wb" if fresh else "ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=inherited | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise MetaVoteError(f"No process can be started ({error.strerror}): check the folder {log.parent}.") from error


def in_processes(
    function: Callable[[T], R], items: Sequence[T], workers: int, threads: int = 1
) -> Iterator[tuple[T, R]]:
    """(item, result) as they come. On a failure, or where the caller stops, what waits never begins, what runs ends.

    function: importable, as processes are spawned; each has `threads` threads. Raises what the function raises, and
    MetaVoteError where a process died.
    """
    # A pool that is cut short leaves semaphores; Python removes them, and need not tell people of it.
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)  # processes read it before they load torch
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_depend, initargs=(os.getpid(),))
    try:
        with _born_deaf_to_interrupts():
            futures = {pool.submit(function, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise MetaVoteError(
            "A worker process ended on its own, most often for want of memory: give the same command again, with fewer "
            "workers."
        ) from error
    finally:
        _stop(pool)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


@contextmanager
def _born_deaf_to_interrupts() -> Iterator[None]:
    """Processes started meanwhile never heed Ctrl-C, which reaches every process of a terminal: this one does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so; and only there does Ctrl-C arrive
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _depend(parent: int) -> None:
    """In a worker: end when the parent is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _stop(pool: ProcessPoolExecutor) -> None:
    """End a pool now: nothing that waits begins, what runs is cut short, and no process is left."""
    for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)  # the pool alone reaps its processes: two that do race each other

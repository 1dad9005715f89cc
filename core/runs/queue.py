"""Asking for work: submit, cancel, resume and retry runs. Returns at once; a process of its own does the work."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from core.errors import MetaVoteError
from core.pruning.config import RunConfig
from core.runs.processes import worker_with
from core.runs.record import QUEUED
from core.runs.slot import hold, holder
from core.runs.store import Store

LOG, LONGEST_LOG = "worker.log", 1_000_000  # in the store's folder; bytes
_ROOT = Path(__file__).resolve().parents[2]
_children: list[subprocess.Popen[bytes]] = []


def submit(
    configs: RunConfig | Sequence[RunConfig], store: Store | None = None, tags: Iterable[str] = (), start: bool = True
) -> list[str]:
    """Queue one run or several, in order, and see to it that a worker lives (unless not to `start`). Returns ids."""
    store = store or Store()
    several = [configs] if isinstance(configs, RunConfig) else configs
    kept_tags = tuple(tags)
    ids = [store.create(config, tags=kept_tags) for config in several]
    if start and ids:
        ensure_worker(store)
    return ids


def cancel(run_id: str, store: Store | None = None) -> str:
    """Stop a run: at once where it waits or its worker is gone, else within seconds. Returns its status now."""
    return (store or Store()).request_cancel(run_id)


def resume(run_id: str, store: Store | None = None, start: bool = True) -> None:
    """Queue a lost, failed or cancelled run again; it goes on from its last checkpoint. BadValueError for any other."""
    store = store or Store()
    store.requeue(run_id)
    if start:
        ensure_worker(store)


def retry(run_id: str, store: Store | None = None, start: bool = True) -> str:
    """Queue a new run with the config and tags of an old one. Returns the new id."""
    store = store or Store()
    record = store.get(run_id)
    return submit(record.config, store, record.tags, start)[0]


def ensure_worker(store: Store | None = None) -> int:
    """Start a worker that outlives this process, where none lives. Returns the process id of the one there is."""
    store = store or Store()
    _children[:] = [child for child in _children if child.poll() is None]  # a child not asked after stays a zombie
    if (worker := holder(store.database)) is not None:
        return worker.pid
    child = _spawn(store)
    _children.append(child)
    with suppress(psutil.NoSuchProcess):
        # on the child's behalf: it takes a second to start, and nobody should start another one meanwhile
        hold(store.database, worker_with(child.pid))
    return child.pid


def _spawn(store: Store) -> subprocess.Popen[bytes]:
    waiting = store.list(status=QUEUED)
    environment = os.environ | {
        "METAVOTE_HOME": str(store.folder),
        "OMP_NUM_THREADS": str(waiting[-1].config.threads if waiting else 2),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
    }
    if store.url:
        environment["METAVOTE_STORE"] = store.url
    log = store.folder / LOG
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        fresh = not log.exists() or log.stat().st_size > LONGEST_LOG
        with log.open("wb" if fresh else "ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "core.runs.worker"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise MetaVoteError(f"No worker can be started ({error.strerror}): check the folder {store.folder}.") from error

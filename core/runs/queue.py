"""Asking for work: submit, cancel, resume and retry runs. Returns at once; a process of its own does the work."""

import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress

import psutil

from core.pruning.config import RunConfig
from core.runs.processes import worker_with
from core.runs.record import QUEUED
from core.runs.slot import hold, holder
from core.runs.store import Store
from core.workers import detached

LOG = "worker.log"  # in the store's folder
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


def _spawn(store: Store) -> "subprocess.Popen[bytes]":
    waiting = store.list(status=QUEUED)
    return detached(
        "core.runs.worker",
        log=store.folder / LOG,
        threads=waiting[-1].config.threads if waiting else 2,
        folder=store.folder,
        environment={"METAVOTE_STORE": store.url} if store.url else None,
    )

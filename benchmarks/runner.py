"""Many runs on a few processes, each stored and done once: a stopped benchmark goes on where it was."""

from collections.abc import Iterable, Sequence

from rich.progress import track

from core.pruning.config import RunConfig
from core.runs.record import FINISHED, QUEUED, RunRecord
from core.runs.store import Store
from core.workers import in_processes


def finished_runs(store: Store, tag: str) -> dict[RunConfig, RunRecord]:
    """The finished runs of a tag by config, the oldest where one was run twice."""
    return {record.config: record for record in store.list(tag=tag, limit=None) if record.status == FINISHED}


def run_all(configs: Iterable[RunConfig], tag: str, workers: int = 2, what: str = "runs") -> list[str]:
    """Work on every config that has no finished run with this tag yet; returns the ids of runs that did not finish."""
    store = Store()
    stored: dict[RunConfig, RunRecord] = {}
    for record in store.list(tag=tag, limit=None):
        if stored.get(record.config) is None or record.status == FINISHED:
            stored[record.config] = record
    wanted = list(dict.fromkeys(configs))
    missing = [config for config in wanted if config not in stored or stored[config].status != FINISHED]
    print(f"{what}: {len(wanted)} runs, {len(wanted) - len(missing)} already finished", flush=True)
    return _work([_queued(store, config, stored.get(config), tag) for config in missing], workers, what)


def _queued(store: Store, config: RunConfig, record: RunRecord | None, tag: str) -> str:
    if record is None:
        return store.create(config, tags=[tag])
    if record.status != QUEUED:
        store.requeue(record.id)
    return record.id


def _work(ids: Sequence[str], workers: int, what: str) -> list[str]:
    if not ids:
        return []
    found = track(in_processes(done, ids, workers), total=len(ids), description=what)
    return [run for run, status in found if status != FINISHED]


def done(run_id: str) -> str:
    """Work on one stored run in this process; returns its status."""
    from core.runs.worker import work

    store = Store()
    work(store, only=run_id, linger=0)
    return store.get(run_id).status

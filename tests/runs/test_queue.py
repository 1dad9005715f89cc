import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.runs import queue
from core.runs.processes import Worker
from core.runs.slot import hold, holder, let_go
from core.runs.store import Store


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores that a worker was asked for, none being started."""
    stores: list[Store] = []
    monkeypatch.setattr(queue, "ensure_worker", stores.append)
    return stores


def test_runs_are_queued_in_the_order_given_and_a_worker_is_asked_for_once(store: Store, started: list[Store]) -> None:
    configs = [RunConfig("emoji-t03", seed=seed) for seed in range(3)]
    ids = queue.submit(configs, store, tags=(tag for tag in ["lesson"]))
    assert [store.get(run_id).config for run_id in ids] == configs
    assert all(store.get(run_id).tags == ("lesson",) for run_id in ids)
    assert started == [store]


def test_one_run_can_be_queued_without_a_list_and_without_a_worker(
    store: Store, config: RunConfig, started: list[Store]
) -> None:
    (run_id,) = queue.submit(config, store, start=False)
    assert store.get(run_id).status == "queued" and started == []
    assert queue.submit([], store) == [] and started == []


def test_without_a_store_the_users_own_is_meant(store: Store, config: RunConfig, started: list[Store]) -> None:
    (run_id,) = queue.submit(config)
    assert queue.cancel(run_id) == store.get(run_id).status == "cancelled"


def test_resume_queues_the_same_run_and_retry_a_new_one(store: Store, config: RunConfig, started: list[Store]) -> None:
    (run_id,) = queue.submit(config, store, tags=["lesson"])
    queue.cancel(run_id, store)
    queue.resume(run_id, store)
    assert store.get(run_id).status == "queued"
    again = queue.retry(run_id, store)
    assert again != run_id and (store.get(again).config, store.get(again).tags) == (config, ("lesson",))
    assert len(started) == 3
    with pytest.raises(BadValueError, match="queued already"):
        queue.resume(run_id, store)


def test_no_worker_is_started_where_one_lives(store: Store, me: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_spawn", lambda store: pytest.fail("started"))
    hold(store.database, me)
    assert queue.ensure_worker(store) == me.pid


def test_a_worker_is_held_for_while_it_starts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(queue, "_spawn", lambda store: child)
    try:
        assert queue.ensure_worker(store) == queue.ensure_worker(store) == child.pid
        assert (worker := holder(store.database)) is not None
        child.kill()
        assert (child.wait(), holder(store.database)) == (-signal.SIGKILL, None)
        assert let_go(store.database, worker)
    finally:
        child.kill()
        child.wait()


def test_a_detached_worker_takes_up_what_is_queued_and_stops_when_told(store: Store) -> None:
    run_id = store.create(RunConfig("no-such-task", threads=1))
    began = time.monotonic()
    pid = queue.ensure_worker(store)
    took = time.monotonic() - began
    try:
        assert took < 0.5
        assert os.getsid(pid) == pid != os.getsid(0)
        # between fork and exec the child still shows this process's environment
        wait_until(lambda: psutil.Process(pid).environ().get("OMP_NUM_THREADS") == "1", 10)
        assert queue.ensure_worker(store) == pid
        wait_until(lambda: store.get(run_id).status == "failed", 60)
        assert "no-such-task" in store.log_path(run_id).read_text(encoding="utf-8")
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: holder(store.database) is None)

"""Workers as the processes they are: racing, killed, cancelled and told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from core.pruning.config import RunConfig
from core.pruning.events import Event, Step
from core.runs.slot import holder
from core.runs.status import current
from core.runs.store import Store
from core.runs.worker import work
from tests.runs.generators import save_tensors, training

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(store: Store) -> Iterator[Start]:
    """Starts `tests.runs.worker_process` with the arguments given; whatever still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def started(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.runs.worker_process", *arguments]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return processes[-1]

    yield started
    for process in processes:
        with process:  # waits, and closes what it wrote to
            process.kill()


def wait_for(true: Callable[[], object], process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if process.poll() is not None:
            pytest.fail(f"the worker ended: {process.communicate()[0]}")
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


def last_step(store: Store, run_id: str) -> int:
    steps = [event.iteration for _, event in store.events(run_id, kinds=["step"])]
    return max(steps, default=0)


def curve(store: Store, run_id: str) -> list[Event]:
    return [event for _, event in store.events(run_id)]


def test_no_run_is_claimed_by_two_processes(store: Store, config: RunConfig, start: Start) -> None:
    ids = [store.create(config) for _ in range(60)]
    claimers = [start("claim") for _ in range(3)]
    claimed = [process.communicate(timeout=60)[0].split() for process in claimers]
    assert sorted(run_id for run in claimed for run_id in run) == sorted(ids)
    assert all(record.attempt == 1 for record in store.list())


def test_two_workers_race_for_one_run_and_one_gets_it(store: Store, start: Start) -> None:
    run_id = store.create(RunConfig("emoji-t03", iterations=50))
    for process in [start("counting", "--only", run_id) for _ in range(2)]:
        assert process.wait(timeout=60) == 0
    assert (store.get(run_id).status, store.get(run_id).attempt) == ("finished", 1)
    assert [event.iteration for event in curve(store, run_id) if isinstance(event, Step)] == list(range(1, 51))


def test_a_second_worker_of_a_store_goes_away_at_once(store: Store, config: RunConfig, start: Start) -> None:
    store.create(config)
    first = start("endless")
    wait_for(lambda: holder(store.database), first)
    assert start("endless").wait(timeout=30) == 0
    assert first.poll() is None


def test_a_running_run_is_cancelled_within_two_seconds(store: Store, config: RunConfig, start: Start) -> None:
    run_id, following = store.create(config), store.create(config)
    process = start("endless")
    wait_for(lambda: store.last_seq(run_id) > 3, process)
    began = time.monotonic()
    assert store.request_cancel(run_id) == "cancelling"
    wait_for(lambda: store.get(run_id).status == "cancelled", process)
    assert time.monotonic() - began < 2
    wait_for(lambda: store.last_seq(following), process)


@pytest.mark.parametrize("generator", ["endless", "silent"])
def test_a_worker_told_to_stop_puts_its_run_back_in_the_queue(
    store: Store, config: RunConfig, start: Start, generator: str
) -> None:
    run_id = store.create(config)
    process = start(generator)
    wait_for(lambda: store.last_seq(run_id), process)
    process.terminate()
    assert process.wait(timeout=5) == 0
    assert (store.get(run_id).status, store.get(run_id).pid) == ("queued", None)
    assert holder(store.database) is None


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_bit_identical_result(store: Store, config: RunConfig, start: Start) -> None:
    run_id = store.create(config)
    process = start("training", "--pace", "0.1")
    wait_for(lambda: last_step(store, run_id) >= 9, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (store.get(run_id).status, current(store.get(run_id))) == ("running", "lost")
    assert store.checkpoint_path(run_id).exists() and not store.model_path(run_id).exists()

    store.requeue(run_id)
    reference = store.create(config)
    work(store, linger=0.0, events_of=training, save_model=save_tensors)

    assert (store.get(run_id).status, store.get(run_id).attempt) == ("finished", 2)
    assert "goes on from the checkpoint at iteration 6" in store.log_path(run_id).read_text(encoding="utf-8")
    assert curve(store, run_id) == curve(store, reference)
    assert store.model_path(run_id).read_bytes() == store.model_path(reference).read_bytes()

"""The worker, in this process."""

import functools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from core.errors import MetaVoteError, MissingDataError, StoreError
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Checkpoint, Event, PhaseChanged, Step
from core.runs.checkpoints import write_checkpoint
from core.runs.processes import Worker
from core.runs.slot import hold, holder
from core.runs.store import Store
from core.runs.worker import work
from tests.runs import generators
from tests.runs.generators import counting, finished, save_tensors, silent, training

quickly = functools.partial(work, linger=0.0, save_model=save_tensors)


def log_of(store: Store, run_id: str) -> str:
    return store.log_path(run_id).read_text(encoding="utf-8")


def curve(store: Store, run_id: str) -> list[Event]:
    return [event for _, event in store.events(run_id)]


def test_queued_runs_are_worked_on_in_order_until_none_is_left(store: Store) -> None:
    ids = [store.create(RunConfig("emoji-t03", iterations=n)) for n in (3, 1, 2)]
    order: list[int] = []

    def noted(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
        order.append(config.iterations)
        yield from counting(config, checkpoint)

    assert quickly(store, events_of=noted) is False
    assert order == [3, 1, 2]
    assert [store.get(run_id).status for run_id in ids] == ["finished"] * 3
    assert holder(store.database) is None


def test_a_finished_run_has_its_events_result_and_model_and_no_checkpoint(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    quickly(store, events_of=training)
    record = store.get(run_id)
    assert (record.status, record.error) == ("finished", None)
    assert record.result is not None and record.result["cost"] == {"seconds": 1.0} and "kind" not in record.result
    events = curve(store, run_id)
    assert isinstance(events[0], PhaseChanged) and events[-1].kind == "finished"
    assert [event.iteration for event in events if isinstance(event, Step)] == list(range(1, 25))
    assert load_file(store.model_path(run_id))["0.weight"].shape == (32, 16)
    assert not store.checkpoint_path(run_id).exists()


def test_a_run_alone_is_worked_on_beside_another_worker(store: Store, config: RunConfig) -> None:
    other, mine = store.create(config), store.create(config)
    hold(store.database, Worker("elsewhere", 1, 0.0))
    quickly(store, events_of=counting)
    quickly(store, only=mine, events_of=counting)
    assert [store.get(run_id).status for run_id in (other, mine)] == ["queued", "finished"]
    assert holder(store.database) == Worker("elsewhere", 1, 0.0)


@pytest.mark.parametrize(
    "error, told",
    [
        (MissingDataError("The zoo is not here: build it."), "The zoo is not here: build it."),
        (OSError(28, "No space left on device"), "The disk is full: free some space, then resume the run."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_failure_is_told_in_a_sentence_and_what_nobody_foresaw_in_full_and_the_next_run_goes_on(
    store: Store, config: RunConfig, error: Exception, told: str
) -> None:
    failing, next_one = store.create(config), store.create(RunConfig("emoji-t04"))

    def broken(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
        if config.task == "emoji-t03":
            yield Step(1, 1.0, 0.02, 0.0)
            raise error
        yield from counting(config, checkpoint)

    quickly(store, events_of=broken)
    assert (store.get(failing).status, store.get(failing).error) == ("failed", told)
    assert len(store.events(failing)) == 1
    assert told in log_of(store, failing)
    assert ("Traceback" in log_of(store, failing)) == (not isinstance(error, MetaVoteError))
    assert store.get(next_one).status == "finished"


def test_a_run_that_ends_without_a_result_has_failed(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    quickly(store, events_of=lambda config, checkpoint: iter([Step(1, 1.0, 0.02, 0.0)]))
    assert (record := store.get(run_id)).status == "failed"
    assert "ended without a result" in (record.error or "")


def test_a_cancelled_run_stops_at_the_next_event_and_can_be_resumed(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)

    def cancelled_at_ten(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
        for event in training(config, checkpoint):
            if isinstance(event, Step) and event.iteration == 10:
                store.request_cancel(run_id)
            yield event

    quickly(store, events_of=cancelled_at_ten)
    assert store.get(run_id).status == "cancelled"
    assert max(event.iteration for event in curve(store, run_id) if isinstance(event, Step)) == 9
    assert store.checkpoint_path(run_id).exists()
    store.requeue(run_id)
    quickly(store, events_of=training)
    reference = store.create(config)
    quickly(store, events_of=training)
    assert store.get(run_id).status == "finished" and store.get(run_id).attempt == 2
    assert curve(store, run_id) == curve(store, reference)
    assert store.model_path(run_id).read_bytes() == store.model_path(reference).read_bytes()
    assert "goes on from the checkpoint at iteration 6" in log_of(store, run_id)


def test_a_truncated_checkpoint_makes_the_run_start_over_and_say_so(store: Store, config: RunConfig) -> None:
    run_id, reference = store.create(config), store.create(config)
    store.append(run_id, [Step(99, 9.0, 0.02, 0.0)] * 3)
    store.checkpoint_path(run_id).parent.mkdir(parents=True)
    store.checkpoint_path(run_id).write_bytes(b"\x80\0\0\0\0\0\0\0{")
    quickly(store, events_of=training)
    assert curve(store, run_id) == curve(store, reference)
    assert "starts over: The checkpoint" in log_of(store, run_id)


def test_a_checkpoint_of_an_earlier_engine_makes_the_run_start_over_rather_than_mix_two(
    store: Store, config: RunConfig
) -> None:
    run_id, reference = store.create(config), store.create(config)
    write_checkpoint(store.checkpoint_path(run_id), Checkpoint(6, {}, {}), seq=0)
    quickly(store, events_of=training)
    assert curve(store, run_id) == curve(store, reference)
    assert "starts over: the checkpoint was made by an earlier engine version" in log_of(store, run_id)


def test_a_checkpoint_whose_events_are_missing_makes_the_run_start_over(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    write_checkpoint(store.checkpoint_path(run_id), Checkpoint(6, {}, {"engine": ENGINE}), seq=8)
    quickly(store, events_of=training)
    assert store.get(run_id).status == "finished"
    assert "starts over: events" in log_of(store, run_id)


def test_a_run_taken_away_is_let_go_untouched(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)

    def taken(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
        yield Step(1, 1.0, 0.02, 0.0)
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET machine = 'elsewhere'")
        yield Step(2, 1.0, 0.02, 0.0)

    quickly(store, events_of=taken)
    assert (store.get(run_id).status, store.get(run_id).machine) == ("running", "elsewhere")
    assert len(store.events(run_id)) == 1


def test_a_run_that_says_nothing_is_interrupted_and_a_fresh_process_asked_for(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.runs.pulse.HEARTBEAT_EVERY", 0.1)
    run_id, waiting = store.create(config), store.create(config)
    began = time.monotonic()
    threading.Timer(0.3, store.request_cancel, [run_id]).start()
    assert quickly(store, events_of=silent) is True
    assert time.monotonic() - began < 5
    assert [store.get(each).status for each in (run_id, waiting)] == ["cancelled", "queued"]
    assert holder(store.database) is not None


def test_the_heart_beats_while_a_run_says_nothing(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.runs.pulse.HEARTBEAT_EVERY", 0.05)
    run_id = store.create(config)
    beats: list[float | None] = []

    def patient(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
        for _ in range(3):
            beats.append(store.get(run_id).heartbeat)
            time.sleep(0.2)
        yield finished(0)

    quickly(store, events_of=patient)
    assert beats == sorted(set(beats), key=lambda beat: beat or 0.0) and len(beats) == 3


def test_a_worker_lingers_for_more_work(store: Store, config: RunConfig) -> None:
    late: list[str] = []
    threading.Timer(0.3, lambda: late.append(store.create(config))).start()
    work(store, linger=1.5, events_of=counting)
    assert store.get(late[0]).status == "finished"


def test_a_store_that_fails_stops_the_worker_and_leaves_the_other_runs_queued(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, waiting = store.create(config), store.create(config)

    def full(run_id: str, event: Event) -> int:
        raise StoreError("The run store is full: free some disk space.")

    monkeypatch.setattr(store, "append", full)
    with pytest.raises(StoreError, match="is full"):
        quickly(store, events_of=counting)
    assert (store.get(run_id).status, store.get(waiting).status) == ("failed", "queued")
    assert "is full" in log_of(store, run_id)


def test_a_log_that_cannot_be_written_stops_nothing(store: Store, config: RunConfig, home: Path) -> None:
    run_id = store.create(config)
    store.log_path(run_id).mkdir(parents=True)
    quickly(store, events_of=counting)
    assert store.get(run_id).status == "finished"


def test_the_generators_used_here_are_deterministic(config: RunConfig) -> None:
    def losses() -> list[float]:
        return [event.loss for event in generators.training(config, None) if isinstance(event, Step)]

    assert losses() == losses()

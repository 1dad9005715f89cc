import json
import re
import threading
import time
from pathlib import Path

import pytest

from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Step
from core.runs.processes import Worker, this_worker
from core.runs.slot import hold, holder, let_go
from core.runs.status import current
from core.runs.store import Store


def step(iteration: int) -> Step:
    return Step(iteration, 1.0, 0.02, 0.0)


def test_a_run_comes_back_as_it_was_created(store: Store, config: RunConfig) -> None:
    before = time.time()
    record = store.get(store.create(config, tags=["lesson 1"]))
    assert record.config == config
    assert (record.status, record.tags, record.notes, record.result, record.attempt) == (
        "queued",
        ("lesson 1",),
        "",
        None,
        0,
    )
    assert before <= record.created <= time.time()
    assert json.loads(json.dumps(record.to_dict()))["config"]["task"] == "emoji-t03"


@pytest.mark.parametrize(
    "task, start",
    [
        ("emoji-t03", "mvp-emoji-t03-"),
        ("emoji:animal-mammal+tool+food-fruit+face-hand", "mvp-emoji-animal-mammal-tool-food-fr-"),
        ("folder:Ängste/../x y", "mvp-folder-ngste-x-y-"),
        ("😀", "mvp-task-"),
    ],
)
def test_an_id_is_readable_and_safe_in_a_url_and_as_a_file_name(store: Store, task: str, start: str) -> None:
    run_id = store.create(RunConfig(task))
    assert run_id.startswith(start)
    assert re.fullmatch(r"[a-z0-9-]{1,80}", run_id)


def test_an_id_that_is_taken_is_drawn_again(store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.runs.rows.secrets.token_hex", lambda digits: "ab" * digits)
    assert [store.create(config) for _ in range(3)] == [f"mvp-emoji-t03-{'ab' * digits}" for digits in (2, 4, 8)]


def test_an_unknown_run_is_named_with_those_like_it(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    with pytest.raises(UnknownNameError, match=f"did you mean {run_id}"):
        store.get(run_id[:-1])
    for change in (store.request_cancel, store.requeue, store.delete):
        with pytest.raises(UnknownNameError):
            change("nonesuch")


def test_runs_are_listed_newest_first_and_filtered(store: Store, config: RunConfig) -> None:
    first = store.create(config)
    second = store.create(RunConfig("emoji-t04", method="random"), tags=["lesson"])
    third = store.create(RunConfig("emoji-t04"), status="finished")
    assert [record.id for record in store.list()] == [third, second, first]
    assert [record.id for record in store.list(limit=1)] == [third]
    assert [record.id for record in store.list(status="queued")] == [second, first]
    assert [record.id for record in store.list(task="emoji-t04", method="random")] == [second]
    assert [record.id for record in store.list(tag="lesson")] == [second]


def test_tags_and_notes_hold_any_writing(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.set_tags(run_id, [" été ", "", "été", "课程"])
    store.set_notes(run_id, "Ränder: 剪枝 😀\n'; DROP TABLE runs; --")
    record = store.get(run_id)
    assert record.tags == ("été", "课程")
    assert record.notes == "Ränder: 剪枝 😀\n'; DROP TABLE runs; --"


def test_tags_and_notes_have_a_limit(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    with pytest.raises(BadValueError, match="40 characters"):
        store.set_tags(run_id, ["x" * 41])
    with pytest.raises(BadValueError, match="10,000 characters"):
        store.set_notes(run_id, "x" * 10_001)


def test_events_are_numbered_and_can_be_read_from_where_one_stopped(store: Store, config: RunConfig) -> None:
    run_id, other = store.create(config), store.create(config)
    assert store.append(run_id, step(1)) == 1
    assert store.append(other, step(7)) == 1
    assert store.append(run_id, [step(2), Evaluation(2, 0.5, 1.0, 0.0)]) == 3
    assert store.append(run_id, []) == 3
    assert store.events(run_id) == [(1, step(1)), (2, step(2)), (3, Evaluation(2, 0.5, 1.0, 0.0))]
    assert [seq for seq, _ in store.events(run_id, after=2)] == [3]
    assert [seq for seq, _ in store.events(run_id, kinds=["step"])] == [1, 2]


def test_an_appended_event_is_at_once_visible_to_another_store(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    reader = Store()
    store.append(run_id, step(1))
    assert reader.last_seq(run_id) == 1


def test_events_after_a_checkpoint_can_be_forgotten(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.append(run_id, [step(1), step(2), step(3)])
    store.truncate_after(run_id, 1)
    assert store.append(run_id, step(2)) == 2
    assert store.events(run_id) == [(1, step(1)), (2, step(2))]


def test_runs_are_claimed_in_order_and_only_once(store: Store, config: RunConfig, me: Worker) -> None:
    ids = [store.create(config) for _ in range(3)]
    claimed = [store.claim(me) for _ in range(4)]
    assert [record and record.id for record in claimed] == [*ids, None]
    assert claimed[0] is not None
    assert (claimed[0].status, claimed[0].pid, claimed[0].attempt) == ("running", me.pid, 1)
    assert claimed[0].started is not None and claimed[0].heartbeat is not None


def test_a_named_run_can_be_claimed_out_of_order(store: Store, config: RunConfig, me: Worker) -> None:
    _, second = store.create(config), store.create(config)
    assert (record := store.claim(me, second)) is not None and record.id == second
    assert store.claim(me, second) is None


def test_a_heartbeat_moves_and_tells_the_status_of_ones_own_run_only(
    store: Store, config: RunConfig, me: Worker
) -> None:
    run_id = store.create(config)
    store.claim(me)
    first = store.get(run_id).heartbeat
    time.sleep(0.01)
    assert store.heartbeat(me, run_id) == "running"
    assert (second := store.get(run_id).heartbeat) is not None and first is not None and second > first
    store.request_cancel(run_id)
    assert store.heartbeat(me, run_id) == store.status_for(me, run_id) == "cancelling"
    stranger = Worker("elsewhere", 1, 0.0)
    assert store.heartbeat(stranger, run_id) is store.status_for(stranger, run_id) is None


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_is_asked_to_stop(
    store: Store, config: RunConfig, me: Worker
) -> None:
    running, waiting = store.create(config), store.create(config)
    store.claim(me)
    assert store.request_cancel(waiting) == store.get(waiting).status == "cancelled"
    assert store.request_cancel(running) == store.get(running).status == "cancelling"
    assert store.request_cancel(running) == "cancelling"


def test_a_run_whose_worker_died_is_cancelled_at_once(store: Store, config: RunConfig, dead: Worker) -> None:
    lost, stopping = store.create(config), store.create(config)
    store.claim(dead)
    store.claim(dead)
    assert current(store.get(lost)) == "lost"
    assert store.request_cancel(lost) == store.get(lost).status == "cancelled"
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'cancelling' WHERE id = ?", (stopping,))
    assert current(store.get(stopping)) == "cancelled"
    assert store.request_cancel(stopping) == store.get(stopping).status == "cancelled"


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_an_ended_run_stays_as_it_ended_when_cancelled(store: Store, config: RunConfig, status: str) -> None:
    assert store.request_cancel(store.create(config, status)) == status


def test_lost_failed_and_cancelled_runs_can_be_queued_again_at_the_end(
    store: Store, config: RunConfig, dead: Worker, me: Worker
) -> None:
    lost = store.create(config)
    store.claim(dead)
    failed, cancelled, waiting = store.create(config, "failed"), store.create(config, "cancelled"), store.create(config)
    for run_id in (failed, cancelled, lost):
        store.requeue(run_id)
    order = [record.id for _ in range(4) if (record := store.claim(me))]
    assert order == [waiting, failed, cancelled, lost]
    assert store.get(lost).attempt == 2


@pytest.mark.parametrize("status, words", [("queued", "queued already"), ("finished", "retry it")])
def test_other_runs_cannot_be_queued_again(store: Store, config: RunConfig, status: str, words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        store.requeue(store.create(config, status))


def test_a_released_run_waits_first_in_the_queue_again(store: Store, config: RunConfig, me: Worker) -> None:
    first, _ = store.create(config), store.create(config)
    store.claim(me)
    store.release(first)
    assert store.get(first).pid is None
    assert (record := store.claim(me)) is not None and record.id == first
    store.request_cancel(first)
    store.release(first)
    assert store.get(first).status == "cancelled"


def test_how_a_run_ended_is_kept(store: Store, config: RunConfig, me: Worker) -> None:
    done, failed, cancelled = (store.create(config) for _ in range(3))
    store.finish(done, {"test_accuracy": 0.75, "cost": {"seconds": 3.0}})
    store.fail(failed, "The zoo is gone: build it.")
    store.set_cancelled(cancelled)
    assert (store.get(done).status, store.get(done).result) == (
        "finished",
        {"test_accuracy": 0.75, "cost": {"seconds": 3.0}},
    )
    assert (store.get(failed).status, store.get(failed).error) == ("failed", "The zoo is gone: build it.")
    assert store.get(cancelled).status == "cancelled"
    assert all(store.get(run_id).ended for run_id in (done, failed, cancelled))


def test_a_deleted_run_leaves_nothing(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.append(run_id, step(1))
    store.model_path(run_id).parent.mkdir(parents=True)
    store.model_path(run_id).write_bytes(b"weights")
    store.delete(run_id)
    assert store.list() == [] and store.events(run_id) == []
    assert not store.run_folder(run_id).exists()


def test_deleting_no_run_ends_no_work(store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.runs import jobs

    ended: list[Path] = []
    monkeypatch.setattr(jobs, "stop_below", ended.append)
    for unknown in ("", "no-such-run"):
        with pytest.raises(UnknownNameError):
            store.delete(unknown)
    assert ended == []


def test_a_run_being_worked_on_cannot_be_deleted_but_a_lost_one_can(
    store: Store, config: RunConfig, me: Worker, dead: Worker
) -> None:
    running, lost = store.create(config), store.create(config)
    store.claim(me)
    store.claim(dead)
    with pytest.raises(BadValueError, match="cancel it before"):
        store.delete(running)
    store.delete(lost)
    assert [record.id for record in store.list()] == [running]


def test_only_one_living_worker_holds_the_store(store: Store, config: RunConfig, me: Worker, dead: Worker) -> None:
    assert holder(store.database) is None
    assert hold(store.database, dead) and holder(store.database) is None
    assert hold(store.database, me) and hold(store.database, me)
    silent_elsewhere = Worker("elsewhere", me.pid, 0.0)
    assert not hold(store.database, silent_elsewhere)
    store.create(config)
    assert not let_go(store.database, me, even_if_queued=False)
    assert let_go(store.database, me)
    assert hold(store.database, silent_elsewhere) and not hold(store.database, me)


def test_a_store_is_used_from_many_threads(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    threads = [threading.Thread(target=lambda: [store.append(run_id, step(1)) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seq for seq, _ in store.events(run_id)] == list(range(1, 81))


def test_files_are_in_a_folder_of_the_run(store: Store, home: Path) -> None:
    assert store.checkpoint_path("mvp-a-1") == home / "runs" / "mvp-a-1" / "checkpoint.safetensors"
    assert store.log_path("mvp-a-1") == home / "runs" / "mvp-a-1" / "log.txt"


def test_the_mark_changes_with_runs_their_status_and_their_description_alone(store: Store) -> None:
    marks = [store.mark()]
    run = store.create(RunConfig("emoji-t00"))
    marks.append(store.mark())
    store.set_tags(run, ["a"])
    marks.append(store.mark())
    store.set_tags(run, ["b"])
    marks.append(store.mark())
    store.claim(this_worker())
    marks.append(store.mark())
    assert len(set(marks)) == len(marks)
    store.append(run, Evaluation(0, 0.5, 1.0, 0.1))
    assert store.mark() == marks[-1]


def test_events_of_many_runs_come_at_once_by_run_and_kind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.runs import store as module

    monkeypatch.setattr(module, "AT_ONCE", 2)
    runs = [store.create(RunConfig("emoji-t00", seed=seed)) for seed in range(5)]
    for place, run in enumerate(runs[:4]):
        store.append(run, [Evaluation(0, place / 10, 1.0, 0.1), Step(1, 1.0, 0.1, 0.2), Evaluation(1, 0.9, 1.0, 0.3)])
    found, _ = store.events_of_runs(runs, [Evaluation.kind])
    assert set(found) == set(runs[:4])
    assert [event.accuracy for event in found[runs[2]]] == [0.2, 0.9]

"""The Run page under AppTest: the form, one run in each of its states, the list; no browser, no worker."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.pruning.config import RunConfig
from core.runs import queue
from core.runs.processes import Worker, this_worker
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from dashboard import data, recordings
from tests.dashboard.pages import ROOT, click, elements, hold_slot, linked, page, record_run, run_captions, words


def test_start_queues_the_run_that_the_form_describes(store: Store) -> None:
    test = page("run", task="emoji-t02", keep="0.3")
    test.number_input(key="iterations").set_value(12).run()
    test.selectbox(key="weights").select("pretrained").run()
    click(test, "Start")
    assert not test.exception and not test.error
    (record,) = store.list()
    expected = RunConfig("emoji-t02", keep=0.3, iterations=12, weights="pretrained")
    assert record.config == expected
    assert linked(test, "run") == record.id
    assert "It is next" in words(test)


def test_a_method_without_neighbours_does_not_ask_for_them(store: Store) -> None:
    test = page("run")
    test.selectbox(key="method").select("magnitude").run()
    assert not [box for box in test.selectbox if box.key in ("neighbours", "weights")]
    click(test, "Start")
    assert store.list()[0].config.method == "magnitude"


def test_a_finished_run_shows_what_was_asked_for_and_reached(store: Store) -> None:
    test = page("run", run=record_run(store))
    assert not test.exception and not test.error
    assert {metric.label: (metric.value, metric.delta) for metric in test.metric} == {
        "Test accuracy": ("68.0 %", "guessing: 20 %"),
        "Channels kept": ("20.0 %", ""),
        "Parameters": ("40.0 k", "of 1.0 M"),
        "MACs": ("500 k", "of 9.0 M"),
    }
    assert [button.label for button in test.button if button.label == "Cancel"] == []


def test_a_finished_run_shows_its_result_then_its_curves_then_its_cost(store: Store) -> None:
    test = page("run", run=record_run(store))
    kinds = [element.type for element in elements(test.main)]
    places = [
        [place for place, kind in enumerate(kinds) if kind == wanted]
        for wanted in ("metric", "vega_lite_chart", "table")
    ]
    results, charts, costs = places
    assert len(results) == 4 and len(charts) == 2 and len(costs) == 1
    assert max(results) < min(charts) and max(charts) < costs[0]


def test_the_keep_ratio_asked_for_is_shown_where_another_was_reached(store: Store) -> None:
    test = page("run", run=record_run(store, keep=0.255))
    kept = next(metric for metric in test.metric if metric.label == "Channels kept")
    assert (kept.value, kept.delta) == ("20.0 %", "asked: 25.5 %")


def test_a_dense_run_shows_no_keep_ratio_anywhere(store: Store) -> None:
    run = record_run(store, method="dense")
    test = page("run", run=run)
    assert "keep" not in words(test).lower() and "asked" not in str([metric.delta for metric in test.metric])
    assert test.dataframe[0].value["Keep"].isna().all()
    start = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    assert run in [link.proto.label for link in start.get("page_link")] and "keep" not in run_captions(start)


def test_a_finished_run_of_a_folder_that_has_gone_is_shown_with_its_id(store: Store, tmp_path: Path) -> None:
    task = f"folder:{tmp_path / 'gone'}"
    config = RunConfig(task, iterations=4)
    test = page("run", run=record_run(store, config=config))
    assert not test.exception and not test.error
    assert f"Task: {task}, which is not on this machine any more" in words(test)
    assert len(test.metric) == 4


def test_a_folder_is_not_walked_again_each_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(data, "task_of", lambda id: looked.append(id) or task_of(id))
    record = store.get(record_run(store))
    assert [data.task_of_run(record) for _ in range(3)] == [task_of("emoji-t01")] * 3
    assert looked == ["emoji-t01"]


@pytest.mark.parametrize("number", [999_999, -5])
def test_iterations_that_may_not_be_are_refused_in_one_sentence(store: Store, number: int) -> None:
    test = page("run")
    test.number_input(key="iterations").set_value(number).run()
    click(test, "Start")
    assert [error.value for error in test.error] == [
        f"Iterations must be a whole number from 0 to 2,000, not '{number}'."
    ]
    assert store.list() == []


def test_a_store_that_is_busy_leaves_the_open_run_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    test = page("run", run=record_run(store))

    def busy(self: Store, id: str) -> None:
        raise StoreError("The run store is busy: try again in a moment.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", busy)
        test.run()
    test.run()
    assert test.metric and "run" in test.query_params


def test_an_empty_list_of_runs_offers_one_to_watch(store: Store) -> None:
    test = page("run")
    assert "There is no run yet" in words(test)
    click(test, "Watch a sample run")
    assert "This is a recording of a real run" in words(test)
    assert linked(test, "replay") == recordings.first_sample()


def test_a_running_run_shows_its_phase_and_can_be_cancelled(store: Store) -> None:
    run = record_run(store, end=False)
    test = page("run", run=run)
    assert not test.exception and not test.error
    click(test, "Cancel")
    assert store.get(run).status == "cancelling"


def test_a_queued_run_tells_its_place(store: Store) -> None:
    store.create(RunConfig("emoji-t00"))
    test = page("run", run=store.create(RunConfig("emoji-t01")))
    assert "1 before it" in words(test)


def test_a_queued_run_says_where_nothing_works_on_the_queue_and_why(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(RunConfig("emoji-t01"))
    (store.folder / queue.LOG).write_text("The run store is damaged: move it away.\n")
    test = page("run", run=run)
    assert "no process works on the queue" in test.warning[0].value
    assert "is damaged" in test.code[0].value
    started: list[Store] = []
    monkeypatch.setattr(queue, "ensure_worker", lambda store: started.append(store) or hold_slot(store))
    click(test, "Start now")
    assert len(started) == 1 and "It starts by itself" in words(page("run", run=run))


def test_a_failed_run_shows_its_reason_its_log_and_a_way_on(store: Store) -> None:
    run = record_run(store, end=False)
    store.log_path(run).parent.mkdir(parents=True, exist_ok=True)
    store.log_path(run).write_text("first line\nlast line\n")
    store.fail(run, "The disk is full: free some space.")
    test = page("run", run=run)
    assert "The disk is full" in test.error[0].value
    assert "last line" in test.code[0].value
    click(test, "Run again")
    assert len(store.list()) == 2
    assert linked(test, "run") == store.list()[0].id


def test_a_lost_run_can_be_resumed(store: Store) -> None:
    run = store.create(RunConfig("emoji-t01"))
    gone = this_worker()
    store.claim(Worker(gone.machine, 2**22 - 1, 1.0))
    test = page("run", run=run)
    assert "Its process is gone" in test.warning[0].value
    click(test, "Resume")
    assert store.get(run).status == "queued"


def test_a_cancelled_run_says_how_far_it_came(store: Store) -> None:
    run = record_run(store, end=False)
    store.request_cancel(run)
    store.set_cancelled(run)
    assert "Stopped after 4 of 4 iterations" in words(page("run", run=run))


def test_an_unknown_run_leads_to_the_form_and_the_list(store: Store) -> None:
    known = record_run(store)
    test = page("run", run="mvp-emoji-t01-zzzz")
    assert "There is no run 'mvp-emoji-t01-zzzz'" in test.warning[0].value
    assert [button.label for button in test.button if button.label == "Start"]
    box = next(box for box in test.selectbox if box.label == "Open a run")
    box.select(known).run()
    assert linked(test, "run") == known
    assert test.metric

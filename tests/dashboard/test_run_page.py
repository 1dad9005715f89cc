"""The Run page under AppTest: one run in each of its states; no browser, no worker."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.pruning.config import RunConfig
from core.pruning.engine import RUN_AGAIN
from core.runs import queue
from core.runs.processes import Worker, this_worker
from core.runs.record import FINISHED, RUNNING
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from dashboard import data, links, run_view
from tests.dashboard.pages import ROOT, click, elements, hold_slot, linked, page, record_run, run_captions, words


def test_a_finished_run_shows_what_was_asked_for_and_reached(store: Store) -> None:
    test = page("run", run=record_run(store))
    assert not test.exception and not test.error
    assert {metric.label: (metric.value, metric.delta) for metric in test.metric} == {
        "Test accuracy": ("68.0 %", "guessing: 20 %"),
        "Channels kept": ("20.0 %", ""),
        "Parameters": ("40 k", "of 1 M"),
        "MACs": ("500 k", "of 9 M"),
    }
    assert [button.label for button in test.button if button.label == "Cancel"] == []


def test_a_run_made_by_an_earlier_engine_says_so_and_a_current_one_does_not(store: Store) -> None:
    assert RUN_AGAIN in words(page("run", run=record_run(store, more={"engine": 1})))
    assert RUN_AGAIN not in words(page("run", run=record_run(store)))


CLASSES = {
    "gone": {"train": 90, "validation": 8, "test": 10, "accuracy": 0.9},
    "animal-bird": {"train": 30, "validation": 4, "test": 5, "accuracy": None},
}


def test_an_imbalanced_task_shows_balanced_accuracy_and_its_classes_and_many_classes_top_five(store: Store) -> None:
    told = {"test_balanced_accuracy": 0.6, "test_top5_accuracy": 0.9876, "classes": CLASSES}
    test = page("run", run=record_run(store, more=told))
    assert not test.exception and not test.error
    values = {metric.label: metric.value for metric in test.metric}
    assert (values["Balanced accuracy"], values["Top-5 accuracy"]) == ("60.0 %", "98.8 %")
    (box,) = [box for box in test.expander if box.label == "Accuracy of the 2 classes"]
    assert box.proto.expanded and "3.0 times" in str(box.caption[0].value)
    table = box.dataframe[0].value
    assert table["Training images"].tolist() == [90, 30] and table["Test accuracy"].tolist()[0] == 90
    assert table["Class"].tolist() == ["gone", "birds (animal-bird)"]


def test_an_even_task_keeps_its_classes_closed_and_has_no_balanced_accuracy(store: Store) -> None:
    even = {name: one | {"train": 30} for name, one in CLASSES.items()}
    test = page("run", run=record_run(store, more={"test_balanced_accuracy": 0.6, "classes": even}))
    assert {metric.label for metric in test.metric} & {"Balanced accuracy", "Top-5 accuracy"} == set()
    assert [box.proto.expanded for box in test.expander if box.label == "Accuracy of the 2 classes"] == [False]


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
    assert "Asked to keep 25.5 % of the channels; reached 20.00 %, −21.6 % off." in words(test)


def test_a_budget_of_parameters_stands_beside_the_parameters_reached(store: Store) -> None:
    asked = {"keep": 0.05, "of": "params", "allocation": "global", "least_width": 4, "multiple": 8}
    run = record_run(store, reached={"share": 0.0503, "deviation": 0.006}, **asked)
    test = page("run", run=run)
    assert test.dataframe[0].value["Of"].tolist() == ["Parameters"]
    delta = {metric.label: metric.delta for metric in test.metric}
    assert delta["Parameters"] == "of 1 M, asked: 5 %" and delta["Channels kept"] == ""
    told = (
        "Asked to keep 5 % of the parameters, global, at least 4 wide, in multiples of 8; reached 5.03 %, +0.6 % off."
    )
    assert told in words(test)
    assert "keep 5 % of the parameters, global" in run_captions(
        AppTest.from_file(str(ROOT / "dashboard" / "app.py")).run()
    )


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


def test_a_store_that_is_busy_leaves_the_open_run_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    test = page("run", run=record_run(store))

    def busy(self: Store, id: str) -> None:
        raise StoreError("The run store is busy: try again in a moment.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", busy)
        test.run()
    test.run()
    assert test.metric and "run" in test.query_params


def test_a_running_run_shows_its_phase_and_can_be_cancelled(store: Store) -> None:
    run = record_run(store, end=False)
    test = page("run", run=run)
    assert not test.exception and not test.error
    click(test, "Cancel")
    assert store.get(run).status == "cancelling"


def test_a_run_that_ends_while_its_page_is_drawn_does_not_begin_the_page_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, heading, drawn = record_run(store, end=False), links.heading, []
    statuses = iter([RUNNING])
    monkeypatch.setattr(run_view, "current", lambda record: next(statuses, FINISHED))
    monkeypatch.setattr(links, "heading", lambda *names: drawn.append(names) or heading(*names))
    test = page("run", run=run, clock="seconds")
    assert len(drawn) == 1
    assert test.segmented_control(key="clock").value == "seconds"


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


def test_notes_and_tags_are_edited_in_place(store: Store) -> None:
    run = record_run(store)
    test = page("run", run=run)
    test.text_area(key=f"notes of {run}").set_value("Better than last week.").run()
    test.multiselect(key=f"tags of {run}").set_value(["good", "lesson"]).run()
    record = store.get(run)
    assert (record.notes, record.tags) == ("Better than last week.", ("good", "lesson"))
    again = page("run", run=run)
    assert again.text_area(key=f"notes of {run}").value == "Better than last week."


def test_a_run_in_a_queue_shows_what_waits_and_in_which_order(store: Store) -> None:
    record_run(store, end=False)
    first, second = store.create(RunConfig("emoji-t02")), store.create(RunConfig("emoji-t03"))
    test = page("run", run=second)
    assert "It is number 2, 1 before it." in words(test)
    (queue_of,) = [expander for expander in test.expander if "Queue" in expander.label]
    assert queue_of.label == "Queue: 1 in work, 2 waiting"
    shown = [one.value for one in queue_of.caption if one.value.startswith("**")]
    assert shown == ["**now**", "**1.**", "**2.** (this one)"]
    listed = test.dataframe[0].value
    assert dict(zip(listed["Run"], listed["Status"], strict=True))[first] == "Queued, number 1"


def test_a_run_whose_worker_has_just_taken_it_up_says_that_it_loads(store: Store) -> None:
    run = store.create(RunConfig("emoji-t01"))
    store.claim(this_worker())
    progress = page("run", run=run).get("progress")
    assert "Loading the network" in progress[0].proto.text


def test_a_store_that_is_read_only_says_so_and_can_still_be_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = record_run(store)
    monkeypatch.setattr(Store, "writable", lambda self: False)
    form = page("run")
    assert "is read-only" in form.warning[0].value
    assert next(button for button in form.button if button.label == "Start").disabled
    test = page("run", run=run)
    assert not test.exception and not test.error
    assert test.metric and "is read-only" in test.warning[0].value
    assert next(button for button in test.button if button.label == "Run again").disabled
    assert test.text_area(key=f"notes of {run}").disabled
    monkeypatch.undo()
    click(form, "Look again")
    assert not form.warning


def test_curves_can_be_drawn_against_seconds_by_link(store: Store) -> None:
    test = page("run", run=record_run(store), clock="seconds")
    assert not test.exception and linked(test, "clock") == "seconds"
    assert "by seconds" in test.get("vega_lite_chart")[0].proto.alt


def test_phases_are_told_in_order_with_their_times(store: Store) -> None:
    said = next(one.value for one in page("run", run=record_run(store)).markdown if "badge[Sel" in one.value)
    assert said == ":gray-badge[Selecting channels < 1 s] :blue-badge[Fine-tuning 5 s]"

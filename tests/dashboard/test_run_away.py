"""Taking a run away from its page: files, their card, and latency, each made by a process that only stands in here."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.reports import away
from core.runs import jobs
from core.runs.jobs import Progress, say
from core.runs.processes import this_worker
from core.runs.store import Store
from dashboard import theme
from dashboard.run_away import latency_in_words, latency_rows
from tests.conftest import Sleepers
from tests.dashboard.pages import click, page, record_run, words
from tests.dashboard.runs import finished_run
from tests.runs.test_latency import FOUND


@pytest.fixture
def run_id(store: Store) -> str:
    run_id = record_run(store)
    store.model_path(run_id).parent.mkdir(parents=True, exist_ok=True)
    store.model_path(run_id).write_bytes(b"weights")
    return run_id


@pytest.fixture(autouse=True)
def asleep(sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> Sleepers:
    """In place of the process, one that does nothing; how each was asked for."""
    monkeypatch.setattr(away, "detached", sleepers)
    return sleepers


def labels(test: object) -> list[str]:
    return [button.label for button in test.button]  # type: ignore[attr-defined]


def make(store: Store, run_id: str, refused: dict[str, str]) -> Path:
    """The files as the process leaves them."""
    folder = away.files_folder(store, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    there = [to for to in away.FORMATS if to not in refused]
    for to in there:
        (folder / f"{run_id}{away.FORMATS[to]}").write_bytes(to.encode())
    away.card_file(store, run_id).write_text("# A card")
    (folder / away.MADE).write_text(json.dumps({"refused": refused, "checks": dict.fromkeys(there, "same to 1e-06")}))
    return folder


def test_files_are_prepared_by_a_process_and_then_downloaded(store: Store, run_id: str, asleep: Sleepers) -> None:
    test = click(page("run", run=run_id), "Prepare files")
    assert not test.exception and asleep.asked == [(away.MODULE, "files", run_id)]
    assert "Prepare files" not in labels(test)
    say(away.files_folder(store, run_id), Progress(1, 3, 0.0, 1.0, doing="onnx"))
    jobs.stop(make(store, run_id, {"onnx": "pip install onnx"}))
    say(away.files_folder(store, run_id), Progress(3, 3, 0.0, 1.0))
    test = page("run", run=run_id)
    assert not test.exception
    assert [one.label for one in test.get("download_button")] == ["safetensors", "torch.export", "Model card"]
    assert "ONNX: pip install onnx" in words(test) and "torch.export: same to 1e-06" in words(test)


def test_a_process_that_failed_says_why_and_can_be_asked_again(store: Store, run_id: str) -> None:
    away.files_folder(store, run_id).mkdir(parents=True)
    say(away.files_folder(store, run_id), Progress(error="The disk is full: free some space."))
    test = page("run", run=run_id)
    assert "The disk is full" in words(test) and "Prepare files" in labels(test)


def test_a_run_without_its_model_offers_neither_files_nor_a_measurement(store: Store) -> None:
    run_id = record_run(store)
    test = page("run", run=run_id)
    assert "imported without" in words(test) and "Prepare files" not in labels(test)
    assert "Measure latency" not in labels(test) and "cannot be measured here" in words(test)
    store.set_latency(run_id, FOUND.to_dict())
    test = page("run", run=run_id)
    assert "Latency on desk, 1 thread" in words(test) and "Measure again" not in labels(test)


def test_latency_is_measured_by_a_process_and_stands_beside_the_macs(
    store: Store, run_id: str, asleep: Sleepers
) -> None:
    test = click(page("run", run=run_id), "Measure latency")
    assert not test.exception and asleep.asked == [(away.MODULE, "latency", run_id)]
    jobs.stop(away.latency_folder(store))
    say(away.latency_folder(store), Progress(3, 3, 0.0, 1.0))
    store.set_latency(run_id, FOUND.to_dict())
    test = page("run", run=run_id)
    assert "Latency on desk, 1 thread" in words(test) and "Measure again" in labels(test)
    assert "Measured speed-up: up to 4.0 ×. MACs reduction: 20.0 ×" in words(test)
    assert latency_rows(FOUND)["Unpruned"] == ["4 ms (3 to 5)"] and latency_rows(FOUND)["Measured speed-up"] == [
        "4.0 ×"
    ]
    assert "32x32" in latency_in_words(FOUND)


def test_nothing_is_measured_while_a_run_trains(store: Store, run_id: str) -> None:
    busy = finished_run(store)
    trains = store.create(store.get(busy).config)
    store.claim(this_worker(), trains)
    test = page("run", run=run_id)
    assert f"Run {trains} trains" in words(test)
    assert [button.disabled for button in test.button if button.label == "Measure latency"] == [True]


def test_compare_shows_latency_as_a_column_and_as_a_trade_off_or_offers_to_measure(store: Store) -> None:
    runs = [finished_run(store, accuracy=0.7), finished_run(store, accuracy=0.6, method="magnitude")]
    for run in runs:
        store.model_path(run).parent.mkdir(parents=True, exist_ok=True)
        store.model_path(run).write_bytes(b"weights")
    test = page("compare", runs=",".join(runs), tab="tradeoffs")
    assert not test.exception and "Measure 2 runs" in labels(test)
    for run in runs:
        store.set_latency(run, FOUND.to_dict())
    test = page("compare", runs=",".join(runs), tab="tradeoffs")
    assert not test.exception and "Measure 2 runs" not in labels(test)
    overview = page("compare", runs=",".join(runs))
    tables = [frame.value for frame in overview.dataframe]
    assert any("Latency" in table and list(table["Latency"]) == [1.0, 1.0] for table in tables)
    listed = page("compare", columns="Latency")
    assert any("Latency" in frame.value and list(frame.value["Latency"]) == [1.0, 1.0] for frame in listed.dataframe)


def test_latencies_of_different_machines_are_not_held_together(store: Store) -> None:
    runs = [finished_run(store, accuracy=0.7), finished_run(store, accuracy=0.6, method="magnitude")]
    store.set_latency(runs[0], FOUND.to_dict())
    store.set_latency(runs[1], replace(FOUND, machine="lap").to_dict())
    test = page("compare", runs=",".join(runs), tab="tradeoffs")
    assert "Measured on desk, 1 thread and lap, 1 thread, which cannot be compared" in words(test)
    assert [label for label in labels(test) if label.startswith("Measure")] == []  # their models are not here


def test_short_and_long_times_are_written_to_three_digits() -> None:
    assert [theme.milliseconds(one) for one in (0.00412, 0.4123, 2.5)] == ["4.12 ms", "412 ms", "2,500 ms"]

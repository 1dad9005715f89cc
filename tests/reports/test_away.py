"""What a page asks for when a run is to be taken away: who works on it, what came of it, and what is refused."""

import json
import os
from pathlib import Path

import pytest

from core.errors import BadValueError, MissingDataError
from core.reports import away, worker
from core.reports import measure as measuring
from core.reports.away import AT_WORK, NOTHING, STOPPED, job
from core.runs import jobs
from core.runs.processes import this_worker
from core.runs.store import Store
from tests.conftest import Sleepers
from tests.reports.test_export import CONFIG, finished, slim_model
from tests.runs.test_latency import FOUND


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    return Store()


@pytest.fixture
def run_id(store: Store) -> str:
    return finished(store, slim_model("resnet18"))


@pytest.fixture
def asleep(sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> Sleepers:
    """In place of the process, one that does nothing; how each was asked for."""
    monkeypatch.setattr(away, "detached", sleepers)
    return sleepers


def test_one_process_makes_the_files_and_one_measures(store: Store, run_id: str, asleep: Sleepers) -> None:
    folder = away.files_folder(store, run_id)
    assert job(folder).state == NOTHING
    for _ in range(2):
        away.ask_for_files(store, run_id)
    assert asleep.asked == [(away.MODULE, "files", run_id)] and job(folder).state == AT_WORK
    away.ask_for_latency(store, [run_id])
    assert asleep.asked[1:] == [(away.MODULE, "latency", run_id)]
    with pytest.raises(BadValueError, match="Another latency is being measured"):
        away.ask_for_latency(store, [run_id])
    jobs.stop(folder)
    assert job(folder).state == STOPPED and job(folder).log == "a word"
    away.ask_for_files(store, run_id)
    assert job(folder).state == AT_WORK


def test_a_run_that_is_deleted_takes_the_process_that_makes_its_files_along(
    store: Store, run_id: str, asleep: Sleepers
) -> None:
    other = finished(store, slim_model("resnet18"))
    for id in (run_id, other):
        away.ask_for_files(store, id)
    store.delete(run_id)
    assert not store.run_folder(run_id).exists()
    assert jobs.children[-2].poll() is not None and jobs.children[-1].poll() is None


def test_what_makes_no_sense_is_refused_before_a_process_starts(store: Store, run_id: str, asleep: Sleepers) -> None:
    waiting = store.create(CONFIG)
    with pytest.raises(BadValueError, match="has not finished"):
        away.ask_for_files(store, waiting)
    store.claim(this_worker(), waiting)
    with pytest.raises(BadValueError, match=f"Run {waiting} trains"):
        away.ask_for_latency(store, [run_id])
    store.model_path(run_id).unlink()
    with pytest.raises(MissingDataError, match="gone from the store"):
        away.ask_for_files(store, run_id)
    assert asleep.asked == []


def test_every_file_is_made_and_what_cannot_be_is_told(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_format(model: object, to: str, run: str, source: Path) -> tuple[bytes, None]:
        if to == "onnx":
            raise MissingDataError("ONNX export needs packages: pip install onnx")
        return f"{to} of {run}".encode(), None

    monkeypatch.setattr(worker, "in_format", in_format)
    assert away.made(store, run_id) is None
    assert worker.main(["files", run_id]) == 0
    made = away.made(store, run_id)
    assert made is not None and job(away.files_folder(store, run_id)).state == NOTHING
    assert {to: file.name for to, file in made.files.items()} == {
        "safetensors": f"{run_id}.safetensors", "torch": f"{run_id}.pt2"
    }  # fmt: skip
    assert made.files["torch"].read_bytes() == f"torch of {run_id}".encode()
    assert made.refused == {"onnx": "ONNX export needs packages: pip install onnx"}
    text = made.card.read_text()
    assert f'torch.export.load("{run_id}.pt2")' in text and "load_pruned" in text and "onnxruntime\n" not in text
    later = (away.files_folder(store, run_id) / away.MADE).stat().st_mtime + 10
    os.utime(store.model_path(run_id), (later, later))
    assert away.made(store, run_id) is None  # they are of an earlier model


def test_latency_is_measured_and_a_failure_is_left_for_people_to_read(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "measure", lambda model, threads, batches, doing: FOUND)
    assert worker.main(["latency", run_id]) == 0
    assert job(away.latency_folder(store)).state == NOTHING and set(store.latencies()) == {run_id}
    store.model_path(run_id).write_bytes(b"not a model")
    for what, folder in (("latency", away.latency_folder(store)), ("files", away.files_folder(store, run_id))):
        assert worker.main([what, run_id]) == 1
        found = job(folder)
        assert found.state == STOPPED and "not a whole pruned-model file" in found.progress.error
        assert found.progress.doing == run_id


@pytest.mark.slow
def test_the_process_itself_makes_files_that_are_checked(store: Store, run_id: str) -> None:
    away.ask_for_files(store, run_id)
    assert jobs.children[-1].wait(timeout=240) == 0, jobs.log_tail(away.files_folder(store, run_id))
    made = away.made(store, run_id)
    assert made is not None and set(made.files) | set(made.refused) == {"safetensors", "onnx", "torch"}
    assert "max difference from PyTorch" in made.checks["torch"]
    assert json.loads((away.files_folder(store, run_id) / jobs.PROGRESS).read_text())["done"] == 3

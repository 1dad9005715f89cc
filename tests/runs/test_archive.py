"""Runs as one file: what goes in comes out in another store, and damage changes nothing."""

import zipfile
from pathlib import Path

import pytest

from core.errors import BadFileError, BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Step
from core.runs.archive import pack, recorded, unpack
from core.runs.store import Store
from tests.runs.generators import finished


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "other")


@pytest.fixture
def run_id(store: Store) -> str:
    run_id = store.create(RunConfig("emoji-t03", seed=7), tags=["a tag"])
    store.append(run_id, [Step(1, 0.5, 0.01, 0.1), Evaluation(1, 0.6, 0.9, 0.2), finished(1, 0.625)])
    store.finish(run_id, finished(1, 0.625).to_dict())
    store.set_notes(run_id, "ünïcode")
    store.model_path(run_id).parent.mkdir(parents=True, exist_ok=True)
    store.model_path(run_id).write_bytes(b"weights")
    return run_id


def test_a_run_comes_out_as_it_went_in(store: Store, other: Store, run_id: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.zip"
    assert pack(store, store.list(), file, models=True) == file.stat().st_size
    assert unpack(other, file) == ([run_id], [])
    mine, theirs = store.get(run_id), other.get(run_id)
    for name in ("config", "status", "created", "ended", "result", "tags", "notes"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert other.events(run_id) == store.events(run_id)
    assert other.model_path(run_id).read_bytes() == b"weights"


def test_importing_twice_changes_nothing(store: Store, run_id: str, tmp_path: Path) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    before = store.events(run_id)
    assert unpack(store, tmp_path / "runs.zip") == ([], [run_id])
    assert store.events(run_id) == before and store.model_path(run_id).exists()


def test_models_stay_behind_unless_asked_for(store: Store, other: Store, run_id: str, tmp_path: Path) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    unpack(other, tmp_path / "runs.zip")
    assert not other.model_path(run_id).exists()


def test_a_run_that_still_goes_on_is_refused(store: Store, tmp_path: Path) -> None:
    waiting = store.create(RunConfig("emoji-t03"))
    with pytest.raises(BadValueError, match=waiting):
        pack(store, store.list(), tmp_path / "runs.zip")
    assert not (tmp_path / "runs.zip").exists()


def test_another_run_of_the_same_id_is_not_overwritten(store: Store, other: Store, run_id: str, tmp_path: Path) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    about = {name: getattr(store.get(run_id), name) for name in ("status", "created", "started", "ended", "error")}
    other.restore([(run_id, RunConfig("emoji-t05"), about | {"result": None, "tags": [], "notes": ""}, [])])
    with pytest.raises(BadValueError, match=run_id):
        unpack(other, tmp_path / "runs.zip")
    assert other.get(run_id).config.task == "emoji-t05"


@pytest.mark.parametrize("harm", ["cut", "text", "no zip", "foreign member", "absent", "no runs"])
def test_a_damaged_file_is_one_sentence_and_adds_nothing(
    store: Store, other: Store, run_id: str, tmp_path: Path, harm: str
) -> None:
    file = tmp_path / "runs.zip"
    pack(store, store.list(), file, models=True)
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-30])
    elif harm == "no zip":
        file.write_text("not a zip")
    elif harm == "absent":
        file.unlink()
    else:
        with zipfile.ZipFile(file, "w") as archive:
            name = "models/x.safetensors" if harm == "no runs" else "runs.jsonl"
            archive.writestr(name, '{"format": 1}\n{"id": "x"}\n')
            if harm == "foreign member":
                archive.writestr("../../etc/passwd", "x")
    with pytest.raises(BadFileError):
        unpack(other, file)
    assert other.list() == []


def test_the_runs_of_a_file_can_be_read_without_a_store(store: Store, run_id: str, tmp_path: Path) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    ((record, events),) = recorded(tmp_path / "runs.zip")
    mine = store.get(run_id)
    for name in ("id", "config", "status", "created", "ended", "result", "tags", "notes"):
        assert getattr(record, name) == getattr(mine, name)
    assert events == [event for _, event in store.events(run_id)]
    with pytest.raises(BadFileError):
        recorded(tmp_path / "nothing.zip")


def test_a_latency_goes_along_and_what_is_none_is_refused(
    store: Store, other: Store, run_id: str, tmp_path: Path
) -> None:
    store.set_latency(run_id, {"machine": "desk"})
    pack(store, store.list(), tmp_path / "runs.zip")
    unpack(other, tmp_path / "runs.zip")
    assert other.latencies() == {run_id: {"machine": "desk"}} == store.latencies([run_id, "another"])
    (record, _), *_ = recorded(tmp_path / "runs.zip")
    assert record.id == run_id
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        lines = archive.read("runs.jsonl").decode()
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("runs.jsonl", lines.replace('{"machine":"desk"}', "7"))
    with pytest.raises(BadFileError):
        unpack(Store(folder=tmp_path / "third"), tmp_path / "bad.zip")

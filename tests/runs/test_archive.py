"""Runs as one file: what goes in comes out in another store, and damage changes nothing."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadFileError, BadValueError, StoreError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Step
from core.runs.archive import pack, recorded, unpack
from core.runs.latency import Latency
from core.runs.store import Store
from tests.runs.generators import finished
from tests.runs.test_latency import FOUND


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


def test_a_latency_goes_along(store: Store, other: Store, run_id: str, tmp_path: Path) -> None:
    store.set_latency(run_id, FOUND.to_dict())
    pack(store, store.list(), tmp_path / "runs.zip")
    unpack(other, tmp_path / "runs.zip")
    assert other.latencies() == store.latencies([run_id, "another"])
    assert Latency.from_dict(other.latencies()[run_id]) == FOUND
    (record, _), *_ = recorded(tmp_path / "runs.zip")
    assert record.id == run_id


def line_of(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("runs.jsonl").splitlines()[1])


def file_of(folder: Path, *lines: Any) -> Path:
    file = folder / "made.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("runs.jsonl", "\n".join(map(json.dumps, ({"format": 1}, *lines))))
    return file


@pytest.mark.parametrize("latency", [7, {"machine": "desk"}, FOUND.to_dict() | {"slim_macs": 0}])
def test_a_latency_that_is_none_is_one_sentence_and_adds_nothing(
    store: Store, other: Store, run_id: str, tmp_path: Path, latency: object
) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    line = line_of(tmp_path / "runs.zip")
    file = file_of(tmp_path, line | {"id": "mvp-first-1"}, line | {"latency": latency})
    with pytest.raises(BadFileError, match=f"made.zip .* latency of run {run_id}: measure it anew"):
        unpack(other, file)
    assert other.list() == []


@pytest.mark.parametrize(
    "harm",
    [
        {"created": "yesterday"},
        {"created": None},
        {"started": True},
        {"ended": float("inf")},
        {"error": 3},
        {"notes": None},
        {"tags": "good"},
        {"tags": [1]},
        {"result": [0.5]},
        {"result": {"test_accuracy": 0.5}},
        {"result": None},
    ],
)
def test_what_is_told_of_a_run_is_of_the_kind_it_should_be(
    store: Store, other: Store, run_id: str, tmp_path: Path, harm: dict[str, Any]
) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    with pytest.raises(BadFileError, match="made.zip is not a valid file of runs"):
        unpack(other, file_of(tmp_path, line_of(tmp_path / "runs.zip") | harm))
    assert other.list() == []


def test_a_run_twice_in_a_file_is_refused(store: Store, other: Store, run_id: str, tmp_path: Path) -> None:
    pack(store, store.list(), tmp_path / "runs.zip")
    with pytest.raises(BadFileError, match="not a valid"):
        unpack(other, file_of(tmp_path, *2 * [line_of(tmp_path / "runs.zip")]))


def test_where_a_latency_cannot_be_kept_nothing_of_the_file_is(
    store: Store, other: Store, run_id: str, tmp_path: Path
) -> None:
    store.set_latency(run_id, FOUND.to_dict())
    pack(store, store.list(), tmp_path / "runs.zip", models=True)
    with other.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON latencies BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    with pytest.raises(StoreError):
        unpack(other, tmp_path / "runs.zip")
    assert other.list() == [] and not other.model_path(run_id).exists()


def test_an_import_that_another_overtakes_leaves_what_that_one_brought(
    store: Store, other: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "runs.zip"
    pack(store, store.list(), file, models=True)
    restore = Store.restore

    def overtaken(self: Store, told: Any) -> None:
        monkeypatch.setattr(Store, "restore", restore)
        unpack(self, file)
        restore(self, told)

    monkeypatch.setattr(Store, "restore", overtaken)
    with pytest.raises(BadValueError, match="came in from elsewhere meanwhile: import the file again"):
        unpack(other, file)
    assert other.get(run_id).status == store.get(run_id).status and other.model_path(run_id).read_bytes() == b"weights"
    assert unpack(other, file) == ([], [run_id])

"""What a store says that is read-only, full, damaged or not a store."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from core.errors import StoreError
from core.pruning.config import RunConfig
from core.pruning.events import Step
from core.runs.store import Store

NOBODY = 65534


@pytest.fixture
def filled(store: Store, config: RunConfig) -> tuple[Path, str]:
    """The file of a store with one run, all of it in that file, and the run's id."""
    run_id = store.create(config)
    store.append(run_id, [Step(n, 1.0, 0.02, 0.0) for n in range(1, 500)])
    store.close()
    path = store.folder / "runs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path, run_id


def one_sentence(error: pytest.ExceptionInfo[StoreError], *words: str) -> None:
    text = str(error.value)
    assert all(word in text for word in words), text
    assert ": " in text and text.endswith(".") and "\n" not in text


def test_a_store_opened_for_reading_can_be_read_but_not_written(
    filled: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, config: RunConfig
) -> None:
    path, run_id = filled
    monkeypatch.setenv("METAVOTE_STORE", f"sqlite:///file:{path}?mode=ro&uri=true")
    store = Store()
    assert store.get(run_id).config == config and store.last_seq(run_id) == 499
    assert not store.writable()
    with pytest.raises(StoreError) as error:
        store.create(config)
    one_sentence(error, "is read-only", "make it writable")


@contextmanager
def without_the_right_to_write(home: Path) -> Iterator[None]:
    """Nothing in `home` may be written, not even by the superuser that tests may run as."""
    superuser = os.getuid() == 0
    folders = [
        folder for folder in (home, *home.parents) if folder.stat().st_uid == os.getuid() and folder.parent != folder
    ]
    before = {path: path.stat().st_mode for path in (*folders, *home.glob("*"))}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if superuser:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if superuser:
            os.seteuid(0)
        for path, mode in before.items():
            path.chmod(mode)


@pytest.mark.parametrize("in_use", [False, True])
def test_a_file_that_may_not_be_written_can_still_be_read(
    filled: tuple[Path, str], store: Store, config: RunConfig, home: Path, in_use: bool
) -> None:
    _, run_id = filled
    if in_use:
        store.append(run_id, Step(500, 1.0, 0.02, 0.0))  # only in the log beside the file, which is still open
    with without_the_right_to_write(home):
        assert {file.name for file in home.glob("*-wal")} == ({"runs.db-wal"} if in_use else set())
        reader = Store()
        assert reader.last_seq(run_id) == (500 if in_use else 499)
        assert not reader.writable()
        with pytest.raises(StoreError) as error:
            reader.create(config)
    one_sentence(error, "is read-only", "make it writable")


def test_a_full_store_says_so_and_keeps_what_it_has(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)

    @event.listens_for(store.database.engine, "connect")
    def limit(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA max_page_count = 20")

    store.close()

    def fill() -> None:
        for _ in range(100):
            store.append(run_id, [Step(n, 1.0, 0.02, 0.0) for n in range(1, 50)])

    with pytest.raises(StoreError) as error:
        fill()
    one_sentence(error, "is full", "free some disk space")
    assert store.get(run_id).id == run_id
    assert store.last_seq(run_id) % 49 == 0


@pytest.mark.parametrize(
    "content", [b"not a database at all, but a text file of some length" * 100, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_database_is_damaged(home: Path, store: Store, content: bytes) -> None:
    store.close()
    for file in home.glob("runs.db*"):
        file.unlink()
    (home / "runs.db").write_bytes(content)
    with pytest.raises(StoreError) as error:
        Store()
    one_sentence(error, "is damaged", "move it away", str(home / "runs.db"))


def test_a_file_damaged_in_the_middle_is_damaged(filled: tuple[Path, str]) -> None:
    path, run_id = filled
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError) as error:
        Store().events(run_id)
    one_sentence(error, "damaged")


def test_a_run_that_cannot_be_understood_is_named_and_can_be_deleted(store: Store, config: RunConfig) -> None:
    run_id, event_broken = store.create(config), store.create(config)
    store.append(event_broken, Step(1, 1.0, 0.02, 0.0))
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET config = '{' WHERE id = ?", (run_id,))
        connection.exec_driver_sql("UPDATE events SET data = '[]'")
    with pytest.raises(StoreError, match=f"Run {run_id} .* cannot be read: .* runs delete {run_id}"):
        store.get(run_id)
    records, broken = store.listing()
    assert [record.id for record in records] == [event_broken] and list(broken) == [run_id]
    with pytest.raises(StoreError, match=f"Run {event_broken} .* cannot be read"):
        store.events(event_broken)
    store.delete(run_id)
    assert [record.id for record in store.list()] == [event_broken]


def test_an_empty_file_becomes_a_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(parents=True)
    (home / "runs.db").touch()
    assert Store().list() == []


def test_a_store_of_a_newer_version_is_refused(filled: tuple[Path, str]) -> None:
    with sqlite3.connect(filled[0]) as connection:
        connection.execute("UPDATE meta SET value = '2'")
    connection.close()
    with pytest.raises(StoreError) as error:
        Store()
    one_sentence(error, "newer version (schema 2, this one knows 1)", "update Meta-Vote Studio")


def test_another_programs_database_is_left_alone(tmp_path: Path, home: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(StoreError) as error:
        Store(f"sqlite:///{tmp_path / 'other.db'}")
    one_sentence(error, "another program's database")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:/", "nonesuch://here/db"])
def test_a_url_that_is_none_is_refused(home: Path, url: str) -> None:
    with pytest.raises(StoreError) as error:
        Store(url)
    one_sentence(error, "METAVOTE_STORE")


def test_a_password_in_the_url_is_never_shown(home: Path) -> None:
    with pytest.raises(StoreError) as error:
        Store("nonesuch://me:secret@here/db")
    assert "secret" not in str(error.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as error:
        Store(folder=tmp_path / "file" / "home")
    one_sentence(error, "cannot be made", "METAVOTE_HOME")


@pytest.mark.parametrize("name", ["with space", "käse", "100%", "a?b#c", "a;b"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    folder = tmp_path / name
    run_id = Store(folder=folder).create(RunConfig("emoji-t03"))
    assert Store(folder=folder).get(run_id).id == run_id
    assert (folder / "runs.db").is_file()


def test_a_busy_store_says_so(store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.runs.database.BUSY_SECONDS", 0.1)
    impatient = Store()
    with store.database.write(), pytest.raises(StoreError) as error:
        impatient.create(config)
    one_sentence(error, "has been busy", "try again")


def before_latencies(path: Path) -> None:
    """Make the database what a version made that knew no latencies."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE latencies")
    connection.close()


def test_a_database_from_before_latencies_is_given_their_table(filled: tuple[Path, str], store: Store) -> None:
    path, run_id = filled
    before_latencies(path)
    again = Store()
    assert again.latencies() == {}
    again.set_latency(run_id, {"machine": "desk"})
    assert again.latencies() == {run_id: {"machine": "desk"}}


def test_one_that_cannot_be_written_has_none(filled: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    path, run_id = filled
    before_latencies(path)
    monkeypatch.setenv("METAVOTE_STORE", f"sqlite:///file:{path}?mode=ro&uri=true")
    store = Store()
    assert store.latencies() == {} and store.get(run_id).id == run_id and store.mark()

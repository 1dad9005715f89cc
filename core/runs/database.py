"""Opening the database behind the run store, and its errors as one sentence each."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, make_url, select, update
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StoreError
from core.runs.schema import SCHEMA, meta, metadata

BUSY_SECONDS = 15


class Database:
    """A connection pool with read and write transactions. SQLite is in WAL mode: readers never wait.

    A database that cannot be written is opened for reading. Raises StoreError, one sentence with a remedy.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.path = _file_of(self.url)
        self.where = str(self.path) if self.path else self.url.render_as_string(hide_password=True)
        self.engine = self._open()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database."""
        with self._told(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that no other writer is inside of at the same time; rolled back on any exception."""
        with self._told(), self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def writable(self) -> bool:
        """Whether the database can be written now."""
        try:
            with self.write() as connection:
                # SQLite tells at the first change, not at the start of a transaction
                connection.execute(update(meta).values(value=meta.c.value))
                return True
        except StoreError:
            return False

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    def _open(self) -> Engine:
        if self.path:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                why = f"cannot be made ({error.strerror})"
                raise StoreError(f"The folder {self.path.parent} {why}: set METAVOTE_HOME to one that can.") from error
        candidates = [self.url, *_reading_urls(self.url, self.path)]
        for url in candidates:
            try:
                self.engine = _engine(url)
                self._prepare()
                return self.engine
            except SQLAlchemyError as error:
                if url is candidates[-1] or not _is_about_access(error):
                    raise StoreError(_sentence(error, self.where)) from error
            except ImportError as error:
                raise StoreError(
                    f"The run store {self.where} needs the Python package '{error.name}': install it."
                ) from error
        raise AssertionError("unreachable")

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            if self.url.get_backend_name() == "sqlite":
                _use_wal(connection)
        with self.engine.connect() as connection, connection.begin():
            tables = inspect(connection).get_table_names()
            found = (
                connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar()
                if "meta" in tables
                else None
            )
        if found is None:
            if set(tables) - set(metadata.tables):
                raise StoreError(f"{self.where} is another program's database: give the run store one of its own.")
            self._create()
        elif not found.isdigit() or int(found) > SCHEMA:
            raise StoreError(
                f"The run store {self.where} was written by a newer version (schema {found}, this one knows {SCHEMA}): "
                "update Meta-Vote Studio, or set METAVOTE_HOME to another folder."
            )
        elif set(metadata.tables) - set(tables):
            self._complete()

    def _complete(self) -> None:
        """Add the tables that an older version did not make; where that may not be, they are read as empty."""
        try:
            self._create()
        except SQLAlchemyError as error:
            if not _is_about_access(error):
                raise

    def _create(self) -> None:
        with self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                metadata.create_all(connection)
                # another process may have made the tables while this one waited for its turn
                if connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar() is None:
                    connection.execute(insert(meta).values(key="schema", value=str(SCHEMA)))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(_sentence(error, self.where)) from error


def make_url_of(text: str) -> URL:
    """A database URL from what people write. Raises StoreError."""
    try:
        return make_url(text)
    except SQLAlchemyError as error:
        raise StoreError("METAVOTE_STORE is no database URL: write it like sqlite:////folder/runs.db.") from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # so that BEGIN below is the only one
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that starts reading and turns to writing can fail at once where another one writes
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _use_wal(connection: Connection) -> None:
    raw = connection.connection.cursor()
    # WAL is only a preference, so what is wrong with the file is for the first query to tell
    with closing(raw), suppress(sqlite3.DatabaseError):
        if raw.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
            raw.execute("PRAGMA journal_mode=WAL")


def _file_of(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    name = url.database
    return Path(unquote(name.removeprefix("file:")) if name.startswith("file:") else name).absolute()


def _reading_urls(url: URL, path: Path | None) -> list[URL]:
    if path is None or not path.exists():
        return []
    modes = [("mode", "ro")]
    # without a log of unmerged writes beside it, the file alone is the whole truth
    if not path.with_name(path.name + "-wal").exists():
        modes.append(("immutable", "1"))
    return [url.set(database=f"file:{quote(str(path))}", query={name: value, "uri": "true"}) for name, value in modes]


def _is_about_access(error: SQLAlchemyError) -> bool:
    text = str(getattr(error, "orig", error)).lower()
    return "readonly" in text or "unable to open" in text


def _sentence(error: SQLAlchemyError, where: str) -> str:
    text = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
    for signs, sentence in _SENTENCES.items():
        if any(sign in text.lower() for sign in signs):
            return f"The run store {where} {sentence}"
    return f"The run store {where} does not answer ({text}): check METAVOTE_HOME and METAVOTE_STORE."


_SENTENCES = {
    ("readonly", "read-only"): "is read-only: make it writable, or set METAVOTE_HOME to a folder that is.",
    ("is full", "no space"): "is full: free some disk space, or delete runs you no longer need.",
    ("malformed", "not a database"): "is damaged: move it away and a new one is made; models in the runs folder stay.",
    ("locked", "busy"): "has been busy for too long: close other programs that write to it, then try again.",
    ("unable to open",): "cannot be opened: check that the folder is there and is yours, or set METAVOTE_HOME.",
    ("disk i/o",): "cannot be read or written by the disk it is on: check the disk, or set METAVOTE_HOME.",
}

"""The run store: every run's config, status, events and result, and where its files are."""

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, delete, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import BadValueError, StoreError, UnknownNameError
from core.paths import home
from core.pruning.config import RunConfig
from core.pruning.events import RecordedEvent
from core.runs import jobs, transitions
from core.runs.database import Database, make_url_of
from core.runs.processes import Worker
from core.runs.record import CANCELLED, FAILED, FINISHED, QUEUED, STORED, WITH_WORKER, RunRecord
from core.runs.rows import (
    LATENCY,
    UNREADABLE,
    add_events,
    clean_tags,
    dumps,
    event_of,
    find,
    last_seq_of,
    loads,
    put_latency,
    readable_id,
    split,
    status_of,
)
from core.runs.schema import events, latencies, runs
from core.runs.status import current

Records: TypeAlias = list[RunRecord]
Events: TypeAlias = list[tuple[int, RecordedEvent]]
Told: TypeAlias = tuple[str, RunConfig, Mapping[str, Any], Iterable[RecordedEvent]]
LONGEST_NOTES = 10_000
AT_ONCE = 500  # runs in one query: databases limit how many values a query may name


class Store:
    """Runs in a database (`METAVOTE_STORE`, by default SQLite in `folder`), their files under `folder`/runs/<id>/.

    `folder` is `core.paths.home()` unless given. Every method is one transaction, may be called from any thread, and
    raises StoreError where the database cannot be used and UnknownNameError for a run that is not there.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None) -> None:
        self.folder = (folder or home()).absolute()
        self.url = url or os.environ.get("METAVOTE_STORE")
        self.database = Database(
            make_url_of(self.url) if self.url else URL.create("sqlite", database=f"{self.folder / 'runs.db'}")
        )

    @property
    def where(self) -> str:
        """The store's file or address, fit to be shown."""
        return self.database.where

    def writable(self) -> bool:
        """Whether runs can be added and worked on; a store that is read-only can still be read."""
        return self.database.writable()

    def close(self) -> None:
        """Give back all connections."""
        self.database.close()

    def run_folder(self, run_id: str) -> Path:
        """Where a run's files are; need not exist yet."""
        return self.folder / "runs" / run_id

    def model_path(self, run_id: str) -> Path:
        """Where a finished run's pruned model is."""
        return self.run_folder(run_id) / "model.safetensors"

    def checkpoint_path(self, run_id: str) -> Path:
        """Where the last checkpoint of a run is that has not finished."""
        return self.run_folder(run_id) / "checkpoint.safetensors"

    def log_path(self, run_id: str) -> Path:
        """Where the worker tells in words what happened to a run."""
        return self.run_folder(run_id) / "log.txt"

    # Runs: making, reading, describing, deleting

    def create(self, config: RunConfig, status: str = QUEUED, tags: Iterable[str] = ()) -> str:
        """Add a run and return its id, such as "mvp-emoji-t03-7f3a": safe in a URL and as a file name."""
        if status not in STORED:
            raise UnknownNameError("status", status, STORED)
        now = time.time()
        row = {
            "task": config.task,
            "method": config.method,
            "config": dumps(config.to_dict()),
            "status": status,
            "created": now,
            "queued": now,
            "attempt": 0,
            "tags": dumps(clean_tags(tags)),
            "notes": "",
        }
        for digits in (2, 2, 4, 8):
            run_id = readable_id(config, digits)
            with self.database.write() as connection:
                try:
                    with connection.begin_nested():
                        connection.execute(insert(runs).values(id=run_id, **row))
                    return run_id
                except IntegrityError:
                    continue  # the id is taken: draw a longer one
        raise StoreError(f"The run store {self.where} finds no free name for the run: delete runs you no longer need.")

    def restore(self, told: Iterable[Told]) -> None:
        """Add ended runs as another store had them: all of them, or none.

        Of each its id, config, a mapping of status, times, error, result, tags, notes and latency, and its events.
        """
        with self.database.write() as connection:
            for run_id, config, about, happened in told:
                row = {
                    **{name: about[name] for name in ("status", "created", "started", "ended", "error", "notes")},
                    "result": None if about["result"] is None else dumps(about["result"]),
                    "tags": dumps(list(about["tags"])),
                    "queued": about["created"],
                    "attempt": 1,
                }
                named = {"id": run_id, "task": config.task, "method": config.method, "config": dumps(config.to_dict())}
                connection.execute(insert(runs).values(**named, **row))
                add_events(connection, run_id, happened)
                if about.get(LATENCY) is not None:
                    put_latency(connection, run_id, about[LATENCY])

    def get(self, run_id: str) -> RunRecord:
        """The run of that id."""
        with self.database.read() as connection:
            return find(connection, run_id, self.where)

    def list(
        self,
        status: str | None = None,
        task: str | None = None,
        method: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> Records:
        """Runs, newest first; `status` is the stored one. Damaged ones are left out."""
        return self.listing(status, task, method, tag, limit)[0]

    def listing(
        self,
        status: str | None = None,
        task: str | None = None,
        method: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> tuple[Records, dict[str, str]]:
        """(runs, newest first; id -> a sentence on each damaged run, which nothing but `delete` works on)."""
        query = select(runs).order_by(runs.c.number.desc())
        for column, wanted in ((runs.c.status, status), (runs.c.task, task), (runs.c.method, method)):
            if wanted is not None:
                query = query.where(column == wanted)
        if tag is None:
            query = query.limit(limit)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        records, broken = split(rows, self.where)
        return [record for record in records if tag is None or tag in record.tags][:limit], broken

    def mark(self) -> int:
        """A number that changes when a run is added, deleted, described anew, or changes its status: cheap to ask."""
        told = (runs.c.number, runs.c.status, runs.c.queued, runs.c.ended, runs.c.attempt, runs.c.tags, runs.c.notes)
        with self.database.read() as connection:
            rows = tuple(tuple(row) for row in connection.execute(select(*told).order_by(runs.c.number)))
            timed = connection.execute(select(func.max(latencies.c.measured))).scalar() if _timed(connection) else None
            return hash((rows, timed))

    def set_tags(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace a run's tags."""
        self._change(run_id, tags=dumps(clean_tags(tags)))

    def set_notes(self, run_id: str, notes: str) -> None:
        """Replace a run's notes."""
        if len(notes) > LONGEST_NOTES:
            raise BadValueError(
                f"Notes may have {LONGEST_NOTES:,} characters, these have {len(notes):,}: shorten them."
            )
        self._change(run_id, notes=notes)

    def delete(self, run_id: str) -> None:
        """Remove a run, its events and its files, and end what makes them. BadValueError while a worker is on it."""
        with self.database.read() as connection:
            self._check_idle(connection, run_id)
        jobs.stop_below(self.run_folder(run_id))  # takes its time, in which others may write
        with self.database.write() as connection:
            self._check_idle(connection, run_id)
            for table in (events, latencies):
                connection.execute(delete(table).where(table.c.run == run_id))
            connection.execute(delete(runs).where(runs.c.id == run_id))
        shutil.rmtree(self.run_folder(run_id), ignore_errors=True)

    # Events

    def append(self, run_id: str, event: RecordedEvent | Sequence[RecordedEvent]) -> int:
        """Add one event or several, visible to readers at once. Returns the sequence number of the last (1, 2, ...)."""
        added = [event] if not isinstance(event, Sequence) else event
        with self.database.write() as connection:
            return add_events(connection, run_id, added)

    def events(self, run_id: str, after: int = 0, kinds: Iterable[str] | None = None) -> Events:
        """Pairs of sequence number and event, oldest first, of those after number `after`; none for an unknown run."""
        query = select(events.c.seq, events.c.data).where(events.c.run == run_id, events.c.seq > after)
        if kinds is not None:
            query = query.where(events.c.kind.in_(tuple(kinds)))
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(events.c.seq)).all()
        return [(row.seq, event_of(run_id, row.data, self.where)) for row in rows]

    def events_of_runs(
        self, run_ids: Iterable[str], kinds: Iterable[str]
    ) -> tuple[dict[str, Sequence[RecordedEvent]], dict[str, str]]:
        """(run id -> its events of some kinds, oldest first; id -> a sentence on each run with a damaged one).

        A run without any such event is in neither.
        """
        found: dict[str, list[RecordedEvent]] = defaultdict(list)
        broken: dict[str, str] = {}
        ids, wanted = list(run_ids), tuple(kinds)
        with self.database.read() as connection:
            for start in range(0, len(ids), AT_ONCE):
                some = events.c.run.in_(ids[start : start + AT_ONCE])
                query = select(events.c.run, events.c.data).where(some, events.c.kind.in_(wanted))
                for row in connection.execute(query.order_by(events.c.run, events.c.seq)):
                    try:
                        found[row.run].append(event_of(row.run, row.data, self.where))
                    except StoreError as error:
                        broken[row.run] = str(error)
        return {id: events for id, events in found.items() if id not in broken}, broken

    def last_seq(self, run_id: str) -> int:
        """The sequence number of a run's last event, 0 where there is none."""
        with self.database.read() as connection:
            return last_seq_of(connection, run_id)

    def truncate_after(self, run_id: str, seq: int) -> None:
        """Forget the events after number `seq`, which a resumed run will tell again."""
        with self.database.write() as connection:
            connection.execute(delete(events).where(events.c.run == run_id, events.c.seq > seq))

    # Latency: measured after a run has ended, on a machine that need not be the one it ran on

    def set_latency(self, run_id: str, data: Mapping[str, Any]) -> None:
        """Keep a run's latency (a `core.runs.latency.Latency` as plain data) in place of an earlier one."""
        with self.database.write() as connection:
            find(connection, run_id, self.where)
            put_latency(connection, run_id, data)

    def latencies(self, run_ids: Iterable[str] | None = None) -> dict[str, Mapping[str, Any]]:
        """Run id -> its latency as plain data, of those runs (of all) that have one which can be read."""
        wanted = None if run_ids is None else set(run_ids)
        with self.database.read() as connection:
            rows = connection.execute(select(latencies.c.run, latencies.c.data)).all() if _timed(connection) else []
        found = {}
        for row in rows:
            if wanted is None or row.run in wanted:
                with suppress(*UNREADABLE):
                    found[row.run] = loads(row.data)
        return found

    # What a worker does with a run

    def claim(self, worker: Worker, run_id: str | None = None) -> RunRecord | None:
        """Give the run queued longest (or the one named) to `worker`, to no other; None where none waits."""
        with self.database.read() as connection:
            if transitions.waiting(connection, run_id) is None:
                return None
        with self.database.write() as connection:
            while (claimed := transitions.claim(connection, worker, run_id)) is not None:
                try:
                    return find(connection, claimed, self.where)
                except StoreError as error:  # a damaged run: the next one must not wait for it for good
                    transitions.end(connection, claimed, FAILED, error=str(error))
            return None

    def heartbeat(self, worker: Worker, run_id: str | None = None) -> str | None:
        """Say that the worker lives. Returns the status of its run, None where it has none or no longer has it."""
        with self.database.write() as connection:
            return transitions.beat(connection, worker, run_id)

    def status_for(self, worker: Worker, run_id: str) -> str | None:
        """The status of the worker's run, None where it no longer is the worker's."""
        with self.database.read() as connection:
            return status_of(connection, run_id, worker)

    def finish(self, run_id: str, result: Mapping[str, Any]) -> None:
        """Mark a run as finished, with the data of its `Finished` event."""
        self._end(run_id, FINISHED, result=dumps(dict(result)))

    def fail(self, run_id: str, error: str) -> None:
        """Mark a run as failed, with one sentence on why."""
        self._end(run_id, FAILED, error=error)

    def set_cancelled(self, run_id: str) -> None:
        """Mark a run as cancelled, its worker having let go of it."""
        self._end(run_id, CANCELLED)

    def release(self, run_id: str) -> None:
        """Put a run back in the queue where it was, as its worker has to go; cancelled where that was asked for."""
        with self.database.write() as connection:
            transitions.release(connection, run_id)

    # What people ask for

    def request_cancel(self, run_id: str) -> str:
        """Ask for a stop: at once for a run that waits or whose worker is gone. Returns the status after."""
        with self.database.write() as connection:
            return transitions.cancel(connection, find(connection, run_id, self.where))

    def requeue(self, run_id: str) -> None:
        """Queue a run again that was lost, failed or cancelled. BadValueError for any other."""
        with self.database.write() as connection:
            transitions.requeue(connection, find(connection, run_id, self.where))

    # Parts

    def _check_idle(self, connection: Connection, run_id: str) -> None:
        """Raise BadValueError for a run that a worker is on, UnknownNameError for none."""
        try:
            in_work = current(find(connection, run_id, self.where)) in WITH_WORKER
        except StoreError:
            return  # a damaged row: deleting it is the remedy
        if in_work:
            raise BadValueError(f"Run {run_id} is being worked on: cancel it before you delete it.")

    def _change(self, run_id: str, **values: Any) -> None:
        with self.database.write() as connection:
            find(connection, run_id, self.where)
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))

    def _end(self, run_id: str, status: str, **values: Any) -> None:
        with self.database.write() as connection:
            transitions.end(connection, run_id, status, **values)


def _timed(connection: Connection) -> bool:
    """Whether the database has latencies: one that an older version made, and that cannot be written, has none."""
    return inspect(connection).has_table(latencies.name)

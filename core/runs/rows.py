"""Rows of the run store turned into plain data and back."""

import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, insert, select

from core.errors import BadValueError, MetaVoteError, StoreError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.events import RecordedEvent, event_from_dict
from core.runs.processes import Worker
from core.runs.record import RunRecord
from core.runs.schema import events, latencies, runs
from core.runs.sound import check_record

LONGEST_TAG = 40
LATENCY = "latency"  # of a run that is told to another store: its latency, where it has one
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError)  # of data, for any reason
_NOT_IN_RECORD = ("number", "task", "method", "queued")


def dumps(data: Any) -> str:
    """JSON as short as can be, unicode as it is."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """What `dumps` wrote. Raises one of UNREADABLE for anything else, NaN and Infinity included."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def record_of(row: Row[Any], where: str) -> RunRecord:
    """The record in a row of `runs`. Raises StoreError, naming the store as `where`, for one that makes no sense."""
    values = {name: value for name, value in row._mapping.items() if name not in _NOT_IN_RECORD}
    try:
        values["config"] = _config(row.config)
        values["tags"] = tuple(loads(row.tags))
        values["result"] = loads(row.result) if row.result else None
        check_record(values)
        return RunRecord(**values)
    except (*UNREADABLE, MetaVoteError) as error:
        raise damaged(row.id, where, error) from error


def split(rows: Iterable[Row[Any]], where: str) -> tuple[list[RunRecord], dict[str, str]]:
    """(the records in these rows of `runs`; id -> what is wrong with each row that is damaged)."""
    records, broken = [], {}
    for row in rows:
        try:
            records.append(record_of(row, where))
        except StoreError as error:
            broken[row.id] = str(error)
    return records, broken


def event_of(run_id: str, text: str, where: str) -> RecordedEvent:
    """The event in a row of `events`. Raises StoreError, naming the run, for one that makes no sense."""
    try:
        return event_from_dict(loads(text))
    except (*UNREADABLE, MetaVoteError) as error:
        raise damaged(run_id, where, error) from error


@lru_cache(maxsize=8192)  # checking one is most of the price of listing runs, and it never changes
def _config(text: str) -> RunConfig:
    return RunConfig.from_dict(loads(text))


def find(connection: Connection, run_id: str, where: str) -> RunRecord:
    """The record of a run in the store named `where`. Raises UnknownNameError, StoreError."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise UnknownNameError("run", run_id, connection.execute(select(runs.c.id)).scalars())
    return record_of(row, where)


def damaged(run_id: str, where: str, error: Exception) -> StoreError:
    """The sentence about a run whose data cannot be understood, and why, if that is a sentence itself."""
    why = f" ({str(error).rstrip('.')})" if isinstance(error, MetaVoteError) else ""
    remedy = f"delete it with python -m core runs delete {run_id}"
    return StoreError(f"Run {run_id} in the run store {where} is damaged and cannot be read{why}: {remedy}.")


def readable_id(config: RunConfig, random_bytes: int) -> str:
    """A new id for a run: method, task, and so many random bytes in hexadecimal."""
    task = re.sub(r"[^a-z0-9]+", "-", config.task.lower())[:32].strip("-") or "task"
    return f"{config.method}-{task}-{secrets.token_hex(random_bytes)}"


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without blanks around them, empty ones and repetitions. Raises BadValueError for one that is too long."""
    clean = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    for tag in clean:
        if len(tag) > LONGEST_TAG:
            raise BadValueError(f"A tag may have {LONGEST_TAG} characters: shorten '{tag[:LONGEST_TAG]}…'.")
    return clean


def is_worker(table: Table, worker: Worker) -> ColumnElement[bool]:
    """The condition that a row belongs to `worker`, which lives: its start time, read with some error, adds nothing."""
    return and_(table.c.machine == worker.machine, table.c.pid == worker.pid)


def status_of(connection: Connection, run_id: str, worker: Worker) -> str | None:
    """The stored status of a run that is the worker's, else None."""
    mine = select(runs.c.status).where(runs.c.id == run_id, is_worker(runs, worker))
    return connection.execute(mine).scalar()


def add_events(connection: Connection, run_id: str, added: Iterable[RecordedEvent]) -> int:
    """Put events behind a run's last one; returns the number of the last."""
    last = last_seq_of(connection, run_id)
    rows = [
        {"run": run_id, "seq": seq, "kind": one.kind, "data": dumps(one.to_dict())}
        for seq, one in enumerate(added, start=last + 1)
    ]
    if rows:
        connection.execute(insert(events), rows)
    return last + len(rows)


def put_latency(connection: Connection, run_id: str, data: Mapping[str, Any]) -> None:
    """Keep a run's latency in place of an earlier one."""
    connection.execute(delete(latencies).where(latencies.c.run == run_id))
    connection.execute(insert(latencies).values(run=run_id, measured=time.time(), data=dumps(dict(data))))


def last_seq_of(connection: Connection, run_id: str) -> int:
    """The number of a run's last event, 0 where it has none."""
    return connection.execute(select(func.max(events.c.seq)).where(events.c.run == run_id)).scalar() or 0

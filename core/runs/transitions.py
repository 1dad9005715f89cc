"""How a run's status changes: each step within a transaction of the run store, which `Store` opens."""

import time
from typing import Any

from sqlalchemy import Connection, select, update

from core.errors import BadValueError
from core.runs.processes import Worker
from core.runs.record import CANCELLED, CANCELLING, FINISHED, LOST, QUEUED, RUNNING, WITH_WORKER, RunRecord
from core.runs.rows import is_worker, status_of
from core.runs.schema import runs, workers
from core.runs.status import current

_OF_A_WORKER = ("machine", "pid", "process_started", "heartbeat")


def waiting(connection: Connection, run_id: str | None = None) -> str | None:
    """The id of the run queued longest (or the one named, where it is queued); None where none waits."""
    query = select(runs.c.id).where(runs.c.status == QUEUED).order_by(runs.c.queued, runs.c.number).limit(1)
    return connection.execute(query if run_id is None else query.where(runs.c.id == run_id)).scalar()


def claim(connection: Connection, worker: Worker, run_id: str | None = None) -> str | None:
    """Give the run that waits to `worker` and return its id; None where none waits."""
    now = time.time()
    taken = {
        "status": RUNNING,
        "started": now,
        "heartbeat": now,
        "attempt": runs.c.attempt + 1,
        "ended": None,
        "error": None,
    }
    while (found := waiting(connection, run_id)) is not None:
        mine = update(runs).where(runs.c.id == found, runs.c.status == QUEUED).values(**taken, **vars(worker))
        if connection.execute(mine).rowcount == 1:
            return found
    return None


def beat(connection: Connection, worker: Worker, run_id: str | None = None) -> str | None:
    """Note that the worker lives. Returns the status of its run, None where it has none or no longer has it."""
    now = time.time()
    connection.execute(update(workers).where(is_worker(workers, worker)).values(heartbeat=now))
    if run_id is None:
        return None
    connection.execute(update(runs).where(runs.c.id == run_id, is_worker(runs, worker)).values(heartbeat=now))
    return status_of(connection, run_id, worker)


def end(connection: Connection, run_id: str, status: str, **values: Any) -> None:
    """End a run in `status`, with more values of its row."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(status=status, ended=time.time(), **values))


def release(connection: Connection, run_id: str) -> None:
    """Take a run from its worker: back in the queue where it was, or cancelled where that was asked for."""
    one = update(runs).where(runs.c.id == run_id)
    free = dict.fromkeys(_OF_A_WORKER)
    connection.execute(one.where(runs.c.status == RUNNING).values(status=QUEUED, **free))
    connection.execute(one.where(runs.c.status == CANCELLING).values(status=CANCELLED, ended=time.time()))


def cancel(connection: Connection, record: RunRecord) -> str:
    """Ask for a stop: at once for a run that waits or whose worker is gone. Returns the status after."""
    status = current(record)
    if status == RUNNING:
        connection.execute(update(runs).where(runs.c.id == record.id).values(status=CANCELLING))
        return CANCELLING
    if status in (QUEUED, LOST) or status != record.status:
        end(connection, record.id, CANCELLED)
        return CANCELLED
    return status


def requeue(connection: Connection, record: RunRecord) -> None:
    """Queue a run again that was lost, failed or cancelled. BadValueError for any other."""
    status = current(record)
    if status == FINISHED:
        raise BadValueError(f"Run {record.id} has finished: retry it to run it anew.")
    if status in (QUEUED, *WITH_WORKER):
        raise BadValueError(f"Run {record.id} is {status} already: wait for it, or cancel it first.")
    fresh = dict.fromkeys(("ended", "error", *_OF_A_WORKER))
    again = update(runs).where(runs.c.id == record.id).values(status=QUEUED, queued=time.time(), **fresh)
    connection.execute(again)

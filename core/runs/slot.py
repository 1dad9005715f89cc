"""The one worker of a run store: which process it is, and how it takes and leaves the post."""

import time

from sqlalchemy import Connection, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from core.runs.database import Database
from core.runs.processes import Worker, alive
from core.runs.record import QUEUED
from core.runs.rows import is_worker
from core.runs.schema import runs, workers
from core.runs.status import SILENT_AFTER

SLOT = "default"


def holder(database: Database) -> Worker | None:
    """The worker of the store, where it lives."""
    with database.read() as connection:
        return _living(connection)


def hold(database: Database, worker: Worker) -> bool:
    """Make `worker` the one that works on the queue. False where another living one is."""
    row = {"slot": SLOT, "heartbeat": time.time(), **vars(worker)}
    with database.write() as connection:
        if not _same(_living(connection), worker, or_none=True):
            return False
        try:
            with connection.begin_nested():
                connection.execute(delete(workers).where(workers.c.slot == SLOT))
                connection.execute(insert(workers).values(**row))
            return True
        except IntegrityError:
            return False  # another one was a moment faster


def let_go(database: Database, worker: Worker, even_if_queued: bool = True) -> bool:
    """Stop being the worker. False, and nothing changed, where runs wait and `even_if_queued` is False."""
    mine = delete(workers).where(is_worker(workers, worker))
    waiting = exists(select(runs.c.id).where(runs.c.status == QUEUED))
    with database.write() as connection:
        # one statement, so that no run slips into the queue of a worker that has just decided to go
        connection.execute(mine if even_if_queued else mine.where(~waiting))
        return not _same(_living(connection), worker)


def _living(connection: Connection) -> Worker | None:
    row = connection.execute(select(workers).where(workers.c.slot == SLOT)).one_or_none()
    if row is None:
        return None
    lives = alive(row.machine, row.pid, row.process_started)
    if lives is None:
        lives = time.time() - row.heartbeat <= SILENT_AFTER
    return Worker(row.machine, row.pid, row.process_started) if lives else None


def _same(one: Worker | None, other: Worker, or_none: bool = False) -> bool:
    return or_none if one is None else (one.machine, one.pid) == (other.machine, other.pid)

"""A run's status as people should see it: the stored one, corrected where the worker is gone."""

import time

from core.runs.processes import alive
from core.runs.record import CANCELLED, CANCELLING, LOST, WITH_WORKER, RunRecord

HEARTBEAT_EVERY = 2.0  # seconds
SILENT_AFTER = 30.0  # seconds without a heartbeat, where the process itself cannot be looked at


def classify(record: RunRecord, now: float, alive: bool | None) -> str:
    """The status of `record` at time `now`, given whether its worker process lives (None: cannot be known).

    A living process is believed even where its heartbeat is old: a laptop may have slept.
    """
    if record.status not in WITH_WORKER:
        return record.status
    if alive is None:
        alive = record.heartbeat is not None and now - record.heartbeat <= SILENT_AFTER
    if alive:
        return record.status
    # who asked for a stop and whose worker is gone has what they asked for
    return CANCELLED if record.status == CANCELLING else LOST


def current(record: RunRecord) -> str:
    """The status of `record` now, on this machine."""
    if record.status not in WITH_WORKER:
        return record.status
    return classify(record, time.time(), alive(record.machine, record.pid, record.process_started))

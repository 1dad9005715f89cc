"""One attempt at a run: from its last checkpoint, if any, to its end, its failure or a stop."""

import errno
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import BadFileError, MetaVoteError, StoreError
from core.pruning.config import RunConfig
from core.pruning.engine import is_outdated
from core.pruning.events import Checkpoint, Event, Finished, Slimmed
from core.runs.checkpoints import read_checkpoint, write_checkpoint
from core.runs.pulse import Interrupted, Pulse
from core.runs.record import RunRecord
from core.runs.store import Store

EventsOf = Callable[[RunConfig, Checkpoint | None], Iterator[Event]]
SaveModel = Callable[[Any, Path], None]


class RunLog:
    """A run's log file: lines of time and text, for people."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str) -> None:
        """Add a line. A log that cannot be written is no reason to stop."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def attempt(store: Store, record: RunRecord, pulse: Pulse, events_of: EventsOf, save_model: SaveModel) -> None:
    """Work on a claimed run, and write in the store how it ended. Raises StoreError where the store cannot be used."""
    log = RunLog(store.log_path(record.id))
    pulse.watch(record.id)
    try:
        log.write(f"attempt {record.attempt}: {record.config.label()}")
        finished = _consume(store, record, pulse, log, events_of, save_model)
        store.finish(record.id, {key: value for key, value in finished.to_dict().items() if key != "kind"})
        store.checkpoint_path(record.id).unlink(missing_ok=True)
        log.write("finished")
    except Interrupted:
        log.write(pulse.reason or "interrupted")
        _let_go(store, record.id, pulse)
    except Exception as error:
        told = _told(error)
        # what a user can mend needs no traceback, which would push the sentence out of the last lines
        log.write(f"failed: {told}" + ("" if isinstance(error, MetaVoteError) else f"\n{traceback.format_exc()}"))
        store.fail(record.id, told)
        if isinstance(error, StoreError):
            raise  # the next run would meet the same
    finally:
        pulse.watch(None)


def _consume(
    store: Store, record: RunRecord, pulse: Pulse, log: RunLog, events_of: EventsOf, save_model: SaveModel
) -> Finished:
    checkpoint, seq = _start(store, record.id, log)
    store.truncate_after(record.id, seq)
    events = events_of(record.config, checkpoint)
    while (event := pulse.next(events)) is not None:
        if isinstance(event, Checkpoint):
            write_checkpoint(store.checkpoint_path(record.id), event, seq)
        elif isinstance(event, Slimmed):
            save_model(event.model, store.model_path(record.id))
        else:
            pulse.look()
            seq = store.append(record.id, event)
            if isinstance(event, Finished):
                return event
    raise MetaVoteError(f"Run {record.id} ended without a result: look into its log {log.path}.")


def _start(store: Store, run_id: str, log: RunLog) -> tuple[Checkpoint | None, int]:
    path = store.checkpoint_path(run_id)
    if not path.exists():
        return None, 0
    try:
        checkpoint, seq = read_checkpoint(path)
    except BadFileError as error:
        log.write(f"starts over: {error}")
        return None, 0
    if is_outdated(checkpoint.about):
        log.write("starts over: the checkpoint was made by an earlier engine version, and its results differ")
        return None, 0
    if store.last_seq(run_id) < seq:
        # a power cut can take the last events of a database and leave the file
        log.write("starts over: events before the checkpoint are missing from the store")
        return None, 0
    log.write(f"goes on from the checkpoint at iteration {checkpoint.iteration}")
    return checkpoint, seq


def _told(error: Exception) -> str:
    if isinstance(error, MetaVoteError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then resume the run."
    return f"{type(error).__name__}: {error}"


def _let_go(store: Store, run_id: str, pulse: Pulse) -> None:
    if pulse.reason == "terminated":
        store.release(run_id)
    elif pulse.reason == "cancelled":
        store.set_cancelled(run_id)

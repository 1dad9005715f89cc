"""The process that works on queued runs, one after the other: `python -m core.runs.worker [RUN] [--home FOLDER]`."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import MetaVoteError
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint, Event
from core.runs.attempt import EventsOf, SaveModel, attempt
from core.runs.processes import this_worker
from core.runs.pulse import Pulse
from core.runs.slot import hold, let_go
from core.runs.store import Store
from core.tasks import allowed

LINGER = 20.0  # seconds to wait for more work, as loading torch takes some
POLL = 0.2  # seconds


def events_of(config: RunConfig, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
    """The events of a run, on the number of threads its config says."""
    import torch

    from core.runs.execute import events_of as executed

    torch.set_num_threads(config.threads)
    return executed(config, checkpoint)


def save_model(model: Any, path: Path) -> None:
    """Save a `PrunedModel`."""
    from core.channels.files import save_pruned

    save_pruned(model, path)


def work(
    store: Store,
    only: str | None = None,
    linger: float = LINGER,
    events_of: EventsOf = events_of,
    save_model: SaveModel = save_model,
) -> bool:
    """Work on the queue until it has been empty for `linger` seconds, or on the run `only`, beside any other worker.

    Returns whether a fresh process should go on: a run was interrupted half-way, and with it, perhaps, an import.
    """
    me = this_worker()
    if only is None and not hold(store.database, me):
        return False
    pulse = Pulse(store, me)
    pulse.start()
    try:
        return _loop(store, pulse, only, linger, events_of, save_model)
    finally:
        pulse.stop()


def _loop(
    store: Store, pulse: Pulse, only: str | None, linger: float, events_of: EventsOf, save_model: SaveModel
) -> bool:
    idle_since = time.monotonic()
    while not pulse.terminated:
        if (record := store.claim(pulse.worker, only)) is not None:
            attempt(store, record, pulse, events_of, save_model)
            idle_since = time.monotonic()
            if pulse.interrupted and not pulse.terminated:
                return only is None
        if only is not None:
            return False
        if time.monotonic() - idle_since >= linger and let_go(store.database, pulse.worker, even_if_queued=False):
            return False
        if record is None:
            time.sleep(POLL)
    let_go(store.database, pulse.worker)
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker from the command line. Returns the exit code: 0 done, 1 failed."""
    parser = argparse.ArgumentParser(prog="python -m core.runs.worker", description="Work on queued runs.")
    parser.add_argument("run", nargs="?", help="work on this run alone (default: on all, in order)")
    parser.add_argument("--home", type=Path, help="the folder of the run store (default: METAVOTE_HOME)")
    given = parser.parse_args(arguments)
    allowed.restrict()  # may run for a dashboard visitor
    if given.home:
        os.environ["METAVOTE_HOME"] = str(given.home)
    try:
        if work(Store(), given.run):
            sys.stdout.flush()
            # the same process number and start time, so the store stays held
            os.execv(sys.executable, [sys.executable, "-m", "core.runs.worker"])
    except MetaVoteError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

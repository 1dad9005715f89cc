"""A worker's pulse: it says that the worker lives, and brings the main thread out of a run that has to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Literal

from core.errors import StoreError
from core.pruning.events import Event
from core.runs.processes import Worker
from core.runs.record import CANCELLING, RUNNING
from core.runs.status import HEARTBEAT_EVERY
from core.runs.store import Store

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(BaseException):
    """Raised in the main thread where a run has to stop, even in the middle of an event, past `except Exception`."""


class Pulse(threading.Thread):
    """Sends a heartbeat every two seconds, and knows why the run being worked on has to stop (`reason`, None: go on).

    The main thread asks with every event. Where none comes for two heartbeats, or on SIGTERM, it is `interrupted`.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        super().__init__(name="pulse", daemon=True)
        self.store, self.worker = store, worker
        self.terminated = False
        self.interrupted = False
        self._why: Literal["cancelled", "taken away"] | None = None
        self._run: str | None = None
        self._beats_since = 0
        self._in_event = False
        self._forcing = False
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}

    @property
    def reason(self) -> Literal["terminated", "cancelled", "taken away"] | None:
        """Why the run has to stop; None where it may go on."""
        return self._why or ("terminated" if self.terminated else None)

    def watch(self, run_id: str | None) -> None:
        """Keep this run alive and watch for its stop; None: no run."""
        with self._changing:
            self._run, self._why, self._beats_since, self._in_event = run_id, None, 0, False

    def next(self, events: Iterator[Event]) -> Event | None:
        """The next event, None at the end. Raises Interrupted where the run has to stop before it comes."""
        if self.reason:
            raise Interrupted
        self._in_event = True
        try:
            return next(events, None)
        finally:
            self._in_event = False

    def look(self) -> None:
        """Ask the store whether to go on. Raises Interrupted where not."""
        if (watched := self._run) is not None:
            self._heed(watched, self.store.status_for(self.worker, watched))
        if self.reason:
            raise Interrupted

    def run(self) -> None:
        """Beat until stopped."""
        while not self._over.wait(HEARTBEAT_EVERY):
            with suppress(StoreError):  # a store that is busy or full now may answer next time
                watched = self._run
                status = self.store.heartbeat(self.worker, watched)
                if watched is not None:
                    self._heed(watched, status)
            if self._why:
                self._beats_since += 1
                if self._beats_since == 2 and self._before:
                    self._forcing = True
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def stop(self) -> None:
        """End the thread and give the signals back."""
        self._over.set()
        if self.is_alive():
            self.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heed(self, run_id: str, status: str | None) -> None:
        with self._changing:
            # an answer about a run that has ended since says nothing about the next one
            if status != RUNNING and run_id == self._run:
                self._why = "cancelled" if status == CANCELLING else "taken away"

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._forcing:
            self._forcing = False
        else:
            self.terminated = True
        if self._in_event:
            self._in_event = False
            self.interrupted = True
            raise Interrupted

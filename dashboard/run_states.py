"""What a run's state is in words, one sentence each, and the one thing to do about it."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.runs.record import CANCELLED, CANCELLING, FAILED, LOST, QUEUED, RUNNING, RunRecord
from dashboard import data, theme
from dashboard.progress import Progress

LOADING = "Loading the network, which takes some seconds"


@dataclass(frozen=True)
class State:
    """How a state is told: which box, its sentence, its icon, and the log to show below it."""

    box: Any
    sentence: str
    icon: str
    log: str = ""


def state_of(record: RunRecord, status: str, seen: Progress) -> State | None:
    """What is to be said of a run in this state; None where a bar, or the result, says it."""
    if status == QUEUED:
        return _queued(record)
    if status == FAILED:
        sentence = record.error or "The run failed without a reason."
        return State(st.error, sentence, ":material/error:", data.log_tail(record.id))
    if status == LOST:
        return State(st.warning, theme.STATUSES[LOST].sentence, ":material/link_off:", data.log_tail(record.id))
    if status == CANCELLED:
        done = f"Stopped after {seen.iteration} of {record.config.iterations} iterations."
        return State(st.info, f"{done} {theme.STATUSES[CANCELLED].sentence}", ":material/cancel:")
    return None


def _queued(record: RunRecord) -> State:
    place = data.queue_position(record.id, data.store().list(status=QUEUED))
    ahead = "It is next." if place == 1 else f"It is number {place}, {place - 1} before it."
    if data.worker_lives():
        return State(st.info, f"Waiting in the queue. {ahead} It starts by itself.", ":material/schedule:")
    sentence = f"Waiting in the queue. {ahead} But no process works on the queue: start one."
    return State(st.warning, sentence, ":material/hourglass_disabled:", data.worker_log_tail())


def show_state(record: RunRecord, status: str, seen: Progress) -> None:
    """One sentence on where the run is, or while it runs, a bar."""
    if status in (RUNNING, CANCELLING):
        st.progress(seen.fraction, text=progress_text(seen, record.config.iterations, status))
    elif (found := state_of(record, status, seen)) is not None:
        found.box(found.sentence, icon=found.icon)
        log_tail(found.log, unfolded=status == FAILED)


def progress_text(seen: Progress, iterations: int, status: str) -> str:
    """What stands on the progress bar."""
    if status == CANCELLING:
        return theme.STATUSES[CANCELLING].sentence
    if seen.phase is None:
        return LOADING
    parts = [theme.PHASES.get(seen.phase, seen.phase), f"iteration {seen.iteration} of {iterations}"]
    if seen.left is not None:
        parts.append(f"about {theme.duration(seen.left)} left")
    return " · ".join(parts)


def log_tail(tail: str, unfolded: bool) -> None:
    """The last lines of a log, folded away or not; nothing where there are none."""
    if tail:
        with st.expander("Last lines of its log", icon=":material/article:", expanded=unfolded):
            st.code(tail, language=None, wrap_lines=True)


def read_only() -> None:
    """Where the store cannot be written: that it cannot, and a way to ask again."""
    if not data.writable():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"The run store {data.store().where} is read-only: runs can be looked at, but none can be started or "
                "changed. Make it writable, or set METAVOTE_HOME to a folder that is.",
                icon=":material/lock:",
            )
            st.button("Look again", icon=":material/refresh:", on_click=data.look_again, key="look again")

"""One run, live: status, progress, curves and, at the end, what it came to. The store is the only truth it shows."""

from collections.abc import Callable
from typing import TypeAlias

import streamlit as st

from core.runs import queue
from core.runs.record import CANCELLED, FAILED, FINISHED, LOST, QUEUED, RUNNING, RunRecord
from core.runs.status import current
from dashboard import data, parts
from dashboard.errors import as_sentence
from dashboard.progress import ACTIVE, progress
from dashboard.recordings import start_replay
from dashboard.run_away import take_away
from dashboard.run_notes import notes_and_tags
from dashboard.run_pictures import pictures
from dashboard.run_queue import queue_now
from dashboard.run_result import classes, cost, result
from dashboard.run_states import show_state
from dashboard.watch import watch
from dashboard.ways import COMPARE, way

EVERY = 1.0  # seconds
Seen: TypeAlias = tuple[RunRecord, str]  # a run and its status


def run_view(run_id: str) -> None:
    """The run of that id, refreshed while it is active. Raises UnknownNameError."""

    def look() -> Seen:
        record = data.store().get(run_id)
        return record, current(record)

    first = look()
    watch(first, look, lambda seen: EVERY if seen[1] in ACTIVE else None, lambda seen: _show(*seen))
    if first[1] == FINISHED:
        take_away(first[0])
    notes_and_tags(first[0])


def _show(record: RunRecord, status: str) -> None:
    """Everything about one run as it is now."""
    seen = progress(data.events_of(record), record.config.iterations, data.dense_params(record))
    with st.container(border=True):
        headline(record, status)
        show_state(record, status, seen)
        _actions(record, status)
    with st.container():  # there from the start, so that the curves below stay where they are when the run ends
        if seen.finished:
            result(record, seen.finished)
    with st.container():
        if status in ACTIVE:
            queue_now(record)
    pictures(record, seen, live=status in ACTIVE)
    if seen.finished:
        classes(record, seen.finished)
        cost(seen.finished)


def headline(record: RunRecord, status: str) -> None:
    """What run this is: badge, id, settings, task."""
    with st.container(horizontal=True, vertical_alignment="center"):
        parts.status_badge(status)
        st.markdown(f"**{record.id}**")
    task = data.task_of_run(record)
    st.markdown(record.config.label())
    st.caption(f"Task: {task.title}" if task else f"Task: {record.config.task}, which is not on this machine any more")


def _actions(record: RunRecord, status: str) -> None:
    """What can be done with a run in this state, the one that suits it best in colour."""
    writable = data.writable()
    with st.container(horizontal=True, vertical_alignment="center"):
        if status == QUEUED and not data.worker_lives():
            _button("Start now", ":material/play_arrow:", "start worker", _start_worker, record.id, writable, "primary")
        if status in (QUEUED, RUNNING):
            _button("Cancel", ":material/stop:", "cancel", queue.cancel, record.id, writable)
        if status in (LOST, FAILED, CANCELLED):
            kind = "primary" if status != FAILED else "secondary"
            _button("Resume", ":material/resume:", "resume", queue.resume, record.id, writable, kind)
        if status in (FAILED, FINISHED, CANCELLED, LOST):
            kind = "primary" if status == FAILED else "secondary"
            _button("Run again", ":material/replay:", "retry", _retry, record.id, writable, kind)
        if status == FINISHED:
            _button("Watch it again", ":material/play_circle:", "watch", start_replay, record.id, True)
        if status == FINISHED:
            way(COMPARE, "Compare", ":material/compare_arrows:", {"runs": record.id})


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[[str], object],
    run_id: str,
    possible: bool,
    kind: str = "secondary",
) -> None:
    if st.button(
        label,
        icon=icon,
        key=key,
        type=kind,  # type: ignore[arg-type]
        on_click=as_sentence()(act),  # type: ignore[arg-type]
        args=(run_id,),
        disabled=not possible,
    ):
        st.rerun()  # the whole page, as the timer may have to start


def _start_worker(run_id: str) -> None:
    queue.ensure_worker(data.store())


def _retry(run_id: str) -> None:
    st.session_state["run"] = queue.retry(run_id, data.store())

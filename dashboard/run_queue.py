"""What else waits or is being worked on, in the order of the queue."""

import streamlit as st

from core.runs.record import QUEUED, RunRecord
from core.runs.status import current
from dashboard import data, parts
from dashboard.progress import ACTIVE

MOST = 12


def queue_now(record: RunRecord) -> None:
    """The runs in work and those that wait, with their positions; nothing where this run is the only one."""
    waiting = [one for one in data.recent_runs(200) if current(one) in ACTIVE]
    if len(waiting) < 2:
        return
    working = [one for one in waiting if one.status != QUEUED]
    queued = [one for one in reversed(waiting) if one.status == QUEUED]
    with st.expander(f"Queue: {len(working)} in work, {len(queued)} waiting", icon=":material/queue:"):
        for place, one in enumerate([*working, *queued][:MOST]):
            number = "now" if one in working else f"{place - len(working) + 1}."
            here = " (this one)" if one.id == record.id else ""
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"**{number}**{here}")
                status = current(one)
                parts.status_badge(status)
                st.button(one.id, type="tertiary", key=f"open {one.id}", on_click=_open, args=(one.id,))
                st.caption(parts.run_summary(one, status))
        if len(waiting) > MOST:
            st.caption(f"And {len(waiting) - MOST} more.")


def _open(run_id: str) -> None:
    st.session_state["run"] = run_id

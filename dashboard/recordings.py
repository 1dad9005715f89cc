"""Recordings: finished runs, played again. Two ship with the dashboard; any finished run of the store is one too."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import UnknownNameError
from core.paths import ASSETS
from core.pruning.events import RecordedEvent
from core.runs.archive import recorded
from core.runs.record import FINISHED, RunRecord
from dashboard import data
from dashboard.links import VISIT, linked

FILE = ASSETS / "sample-runs.zip"
SAMPLE = "sample"  # as `?replay=`: the first that ships


@dataclass(frozen=True)
class Recording:
    """A run that has ended, its events, and whether it came with the dashboard."""

    record: RunRecord
    events: Sequence[RecordedEvent]
    shipped: bool


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Recording]:
    """The recordings that ship, by run id. Raises BadFileError where the file is damaged or missing."""
    return {record.id: Recording(record, events, True) for record, events in recorded(FILE)}


def recording(run_id: str) -> Recording:
    """A recording by run id. Raises UnknownNameError for a run that is not there or has not finished."""
    if (shipped := samples().get(run_id)) is not None:
        return shipped
    record = data.store().get(run_id)
    if record.status != FINISHED:
        raise UnknownNameError("finished run", run_id, list(samples()))
    return Recording(record, data.events_of(record), False)


def first_sample() -> str:
    """The id of the recording to begin with."""
    return next(iter(samples()))


def open_replay() -> Recording | None:
    """The recording that is played (`?replay=`, a run id, or "sample"), None for none; leaving the page ends it."""
    visit = st.session_state.get(VISIT, 0)
    if st.session_state.get("visit of replay") != visit:
        for name in ("replay", "at"):
            if name not in st.query_params:
                st.session_state[name] = None
        st.session_state.pop("player", None)
    st.session_state["visit of replay"] = visit

    def check(text: str) -> str | None:
        return recording(first_sample() if text == SAMPLE else text).record.id

    chosen: str | None = linked("replay", None, check, lambda: st.session_state["replay"])
    return None if chosen is None else recording(chosen)


def start_replay(run_id: str) -> None:
    """Play that run from its beginning. A callback."""
    st.session_state["replay"] = run_id
    st.session_state["speed"] = st.session_state["at"] = None  # each has its own usual speed, and begins to play
    st.session_state.pop("player", None)

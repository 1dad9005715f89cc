"""The list of runs; choosing a row, or the same run in the select box, opens it."""

import pandas as pd
import streamlit as st

from core.pruning.methods import METHODS
from core.runs.record import FINISHED, RunRecord
from core.runs.status import current
from dashboard import data, theme

MOST = 50
TABLE, BOX = "table of runs", "run to open"


def run_list() -> None:
    """The newest runs, newest first, or a sentence where there are none."""
    records = data.recent_runs(MOST)
    st.subheader("Runs", anchor=False)
    if not records:
        st.caption(
            "There is no run yet. Start one above: as the form is set, it takes about 15 seconds on an idle machine."
        )
        return
    ids = [record.id for record in records]
    st.selectbox("Open a run", ids, index=None, key=BOX, on_change=_open_from_box, placeholder="Choose a run")
    st.dataframe(
        runs_table(records),
        hide_index=True,
        key=TABLE,
        on_select=_open_from_table,
        selection_mode="single-row",
        column_config={
            "Keep": st.column_config.NumberColumn(format="percent"),
            "Test accuracy": st.column_config.NumberColumn(format="%.1f %%"),
            "Started": st.column_config.DatetimeColumn(format="distance"),
        },
        alt=f"The {len(records)} newest runs with status, method, task and test accuracy",
    )
    st.session_state["listed runs"] = ids


def runs_table(records: list[RunRecord]) -> pd.DataFrame:
    """One row a run."""
    return pd.DataFrame(
        {
            "Run": [record.id for record in records],
            "Status": [theme.STATUSES[current(record)].title for record in records],
            "Test accuracy": [_test_accuracy(record) for record in records],
            "Method": [theme.method_title(record.config.method) for record in records],
            "Task": [record.config.task for record in records],
            "Keep": pd.Series([_keep(record) for record in records], dtype=float),
            "Started": pd.to_datetime([record.created for record in records], unit="s", utc=True),
        }
    )


def _keep(record: RunRecord) -> float | None:
    """The keep ratio asked for; None where nothing is removed."""
    return record.config.keep if METHODS[record.config.method].removes else None


def _test_accuracy(record: RunRecord) -> float | None:
    """In per cent."""
    return 100 * record.result["test_accuracy"] if record.status == FINISHED and record.result else None


def _open_from_box() -> None:
    if st.session_state[BOX]:
        st.session_state["run"] = st.session_state[BOX]


def _open_from_table() -> None:
    rows = st.session_state[TABLE]["selection"]["rows"]
    ids = st.session_state.get("listed runs", [])
    if rows and rows[0] < len(ids):
        st.session_state["run"] = ids[rows[0]]

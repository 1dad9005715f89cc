"""The list of runs, by tag where there are any; choosing a row, or the same run in the select box, opens it."""

import pandas as pd
import streamlit as st

from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs.record import FINISHED, QUEUED, RunRecord
from core.runs.status import current
from dashboard import columns, data, parts, theme
from dashboard.links import linked, one_of
from dashboard.recordings import first_sample, start_replay

MOST = 50
TABLE, BOX = "table of runs", "run to open"


def run_list() -> None:
    """The newest runs, newest first, or a sentence where there are none."""
    st.subheader("Runs", anchor=False)
    tag = _pick_tag()
    records, broken = data.store().listing(tag=tag, limit=MOST)
    parts.left_out(broken)
    if not records:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info("There is no run yet. Start one above, or first watch one that ships.", icon=":material/inbox:")
            st.button(
                "Watch a sample run", icon=":material/play_circle:", on_click=start_replay, args=(first_sample(),)
            )
        return
    ids = [record.id for record in records]
    st.selectbox("Open a run", ids, index=None, key=BOX, on_change=_open_from_box, placeholder="Choose a run")
    columns.table(
        runs_table(records),
        {"Keep": columns.RATIO, "Test accuracy": columns.PERCENT},
        {"Started": st.column_config.DatetimeColumn(format="distance")},
        key=TABLE,
        on_select=_open_from_table,
        selection_mode="single-row",
        alt=f"The {len(records)} newest runs with status, method, task and test accuracy",
    )
    st.session_state["listed runs"] = ids


def runs_table(records: list[RunRecord]) -> pd.DataFrame:
    """One row a run; what its keep ratio is of stands beside it where that is not the channels for all."""
    table = pd.DataFrame(
        {
            "Run": [record.id for record in records],
            "Status": _statuses(records),
            "Test accuracy": pd.Series([_test_accuracy(record) for record in records], dtype=float),
            "Method": [theme.method_title(record.config.method) for record in records],
            "Task": [record.config.task for record in records],
            "Keep": pd.Series([_keep(record) for record in records], dtype=float),
            "Of": [theme.share_of(record.config) for record in records],
            "Tags": [", ".join(record.tags) for record in records],
            "Started": pd.to_datetime([record.created for record in records], unit="s", utc=True),
        }
    )
    return table if any(record.config.of != RunConfig.of for record in records) else table.drop(columns="Of")


def _pick_tag() -> str | None:
    """The tag that all runs shown have (`?tag=`), None for any; asks nothing where there are no tags."""
    tags = data.known_tags()
    if not tags and "tag" not in st.query_params:
        return None
    return linked(
        "tag",
        None,
        one_of("tag", tags),
        lambda: st.pills("Tag", tags, key="tag", help="Only runs with this tag. Tags are edited on a run's own page."),
    )


def _statuses(records: list[RunRecord]) -> list[str]:
    """The status of each, and of those that wait their position in the queue."""
    waiting = data.store().list(status=QUEUED)
    return [
        theme.STATUSES[status].title
        + (f", number {data.queue_position(record.id, waiting)}" if status == QUEUED else "")
        for record in records
        for status in [current(record)]
    ]


def _keep(record: RunRecord) -> float | None:
    """The keep ratio asked for, in per cent; None where nothing is removed."""
    return 100 * record.config.keep if METHODS[record.config.method].removes else None


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

"""All channel groups: where neighbours agree, where they do not; a click opens the group."""

import pandas as pd
import streamlit as st

from dashboard.errors import as_sentence
from dashboard.figures import groups
from dashboard.figures.task_map import clicked_task as clicked
from dashboard.votes.view import View

CHART = "overview of groups"
PLAIN = {"displayModeBar": False}


def draw(view: View) -> None:
    """The overview, as a chart and as a table."""
    counts = groups.tallies(view.votes, view.selection)
    words = takeaway(view, counts)
    st.markdown(words)
    st.plotly_chart(
        groups.groups_overview(counts, view.group),
        key=CHART,
        on_select=_open,
        selection_mode="points",
        config=PLAIN,
        alt=f"Channels of each group, kept or dropped. {words}".replace("**", ""),
    )
    st.caption("A bar is a channel group. Click one to open it, or choose it in the box above.")
    with st.expander("The same in numbers", icon=":material/table:"):
        st.dataframe(_table(counts), hide_index=True, alt="Channels of each group by what became of them")


def takeaway(view: View, counts: dict[str, groups.Tally]) -> str:
    """How far neighbours agree over all groups."""
    total = sum(tally.size for tally in counts.values())
    agreed = sum(tally.agreed for tally in counts.values())
    unwanted = sum(tally.unwanted for tally in counts.values())
    kept = sum(map(len, view.selection.kept.values()))
    if len(view.near) == 1:
        return f"One neighbour votes alone: **{kept:,}** of {total:,} channels in {len(counts)} groups are selected."
    best = max(counts, key=lambda group: counts[group].agreed / counts[group].size)
    return (
        f"{len(view.near)} neighbours want **{total - unwanted:,}** of {total:,} channels in {len(counts)} groups; "
        f"**{kept:,}** are selected, **{agreed:,}** of them because all agree. They agree most in {best}."
    )


def _table(counts: dict[str, groups.Tally]) -> pd.DataFrame:
    rows = [
        (group, tally.size, tally.agreed, tally.contested, tally.lost, tally.unwanted)
        for group, tally in counts.items()
    ]
    return pd.DataFrame(rows, columns=["Group", "Channels", *(name for name, _, _ in groups.KINDS)])


@as_sentence()
def _open() -> None:
    """A click on a bar opens its group; a second one sends nothing and changes nothing."""
    if (group := clicked(st.session_state[CHART])) is not None:
        st.session_state["group"] = group
        st.session_state["view"] = "group"

"""One channel group: who kept which channel, and how many votes channels got."""

import pandas as pd
import streamlit as st

from dashboard import links, theme
from dashboard.errors import as_sentence
from dashboard.figures import overlaps
from dashboard.figures import votes as figures
from dashboard.pick import pick_one
from dashboard.takeaways import votes_takeaway
from dashboard.votes.view import View

CHART = "heatmap of votes"
STILL = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
PLAIN = {"displayModeBar": False}


def draw(view: View) -> None:
    """The heatmap, the channel that is looked at, and the histogram."""
    group, votes, selection = view.group, view.votes, view.selection
    words = votes_takeaway(votes, selection, group, overlaps.chance_in(view.selections, group))
    st.markdown(words)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shade = pick_one("shade", "Colour of a kept channel", "colour of channels", theme.SHADES, in_a_row=True)
        channel = pick_channel(view)
    st.plotly_chart(
        figures.vote_heatmap(votes, selection, group, view.labels, shade, channel),
        key=CHART,
        on_select=_look,
        selection_mode="points",
        config=STILL,
        alt=f"Heatmap of {len(view.near)} neighbours by {votes.sizes[group]} channels of {group}. {words}".replace(
            "**", ""
        ),
    )
    st.caption(
        "A row is a neighbour, a column a channel; grey means removed. Click a column to see who voted for it, drag to "
        "zoom in, double-click to go back."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _who(view, channel)
    with right:
        _histogram(view)


def pick_channel(view: View) -> int:
    """The channel that is looked at (`?channel=`); the one with most votes unless another was asked for."""
    size = view.votes.sizes[view.group]
    return links.linked(
        "channel",
        int(figures.channel_order(view.votes, view.selection, view.group)[0]),
        links.whole(f"A channel of {view.group}", 0, size - 1),
        lambda: st.number_input(
            f"Channel (0 to {size - 1})",
            0,
            size - 1,
            step=1,
            key="channel",
            width=170,
            help="Who voted for it is told below. A click on a column of the heatmap chooses it too.",
        ),
    )


def _who(view: View, channel: int) -> None:
    st.subheader(f"Who voted for channel {channel}", anchor=False)
    place = {ballot.task: row for row, ballot in enumerate(view.votes.ballots)}
    voters = sorted(view.votes.who(view.group, channel), key=lambda voter: (-voter.vote, place[voter.task]))
    table = view.votes.table(view.group)
    kept = channel in view.selection.kept[view.group]
    fate = "is **kept**" if kept else "is **dropped**"
    least = float(table[view.selection.mask(view.group)].min())
    if not voters:
        st.markdown(f"No neighbour kept channel {channel}, and it {fate}.")
        return
    tie = ", as ties at the threshold are broken" if not kept and table[channel] >= least else ""
    st.markdown(
        f"Channel {channel} {fate}: {len(voters)} of {len(view.near)} neighbours voted for it, which makes "
        f"{theme.decimal(float(table[channel]))} votes; the threshold is {theme.decimal(least)}{tie}."
    )
    ranks = figures.rank_within(view.votes.importance(view.group), view.votes.voters(view.group))[:, channel]
    rows = [
        (
            place[voter.task] + 1,
            voter.task,
            voter.vote,
            100 * ranks[place[voter.task]],
            view.near[place[voter.task]].task.title,
        )
        for voter in voters
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Rank", "Task", "Vote", "Importance", "Classes"]),
        hide_index=True,
        column_config={
            "Rank": st.column_config.NumberColumn(width=50, help="Among the neighbours, the most similar first"),
            "Vote": st.column_config.NumberColumn(format="%.2f", width=60),
            "Importance": st.column_config.ProgressColumn(
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help="To that neighbour: among the channels it kept in this group, 100 % is the most important",
            ),
        },
        alt=f"Neighbours that voted for channel {channel} of {view.group}",
    )


def _histogram(view: View) -> None:
    st.subheader("Votes per channel", anchor=False)
    seats = len(view.selection.kept[view.group])
    st.plotly_chart(
        figures.vote_histogram(view.votes, view.selection, view.group),
        config=PLAIN,
        alt=f"Histogram of votes in {view.group}; {seats} channels are at or above the threshold.",
    )
    st.caption(
        "Where more channels share the threshold than there are seats, "
        + (
            "the lower channel number wins here; a run decides such ties by the backbone's own weights."
            if view.zoo.tie_break() is None
            else "the backbone's own weights decide: larger ones win."
        )
    )


@as_sentence()
def _look() -> None:
    """A click on a column chooses its channel; a second one sends nothing and changes nothing."""
    if (channel := figures.clicked_channel(st.session_state[CHART])) is not None:
        st.session_state["channel"] = channel

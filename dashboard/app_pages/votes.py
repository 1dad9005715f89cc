"""Votes: which channels the neighbours kept in one group, how many votes they got, and how much neighbours agree."""

import streamlit as st

from core.voting import select
from dashboard import data, links, state, theme, voters
from dashboard.figures import overlaps
from dashboard.figures import votes as figures
from dashboard.takeaways import votes_takeaway

STILL = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
PLAIN = {"displayModeBar": False}

links.heading("Votes", "task", "k", "similarity", "chosen", "group", "keep", "weighting")
zoo = data.zoo()

with st.container(border=True):
    first, second, third = st.columns([5, 3, 2], vertical_alignment="bottom")
    with first:
        target = state.pick_task(data.targets(zoo))
    with second:
        k = state.pick_k(zoo, target)
    with third:
        similarity = state.pick_similarity()
    first, second, third = st.columns([5, 3, 2], vertical_alignment="bottom")
    with first:
        group = state.pick_group(zoo.groups)
    with second:
        keep = state.pick_keep(zoo)
    with third:
        weighting = state.pick_weighting()

near = voters.voters(zoo, target, k, similarity)
votes = data.votes_by(zoo, near, weighting, keep)
tie_break = zoo.tie_break()
selection = select(votes, keep, tie_break)
labels = [f"{rank} · {neighbour.task.id}" for rank, neighbour in enumerate(near, 1)]
selections = [ballot.selection for ballot in votes.ballots]
chance = overlaps.chance_in(selections, group)
takeaway = votes_takeaway(votes, selection, group, chance)

voters.banner(near, k)
st.markdown(takeaway)

shade = st.segmented_control(
    "Colour of a kept channel",
    list(theme.SHADES),
    default="importance",
    required=True,
    format_func=lambda name: theme.SHADES.get(name, name),
    key="colour of votes",
)
st.plotly_chart(
    figures.vote_heatmap(votes, selection, group, labels, shade or "importance"),
    config=STILL,
    alt=f"Heatmap of {len(near)} neighbours by {zoo.groups[group]} channels of {group}. {takeaway}".replace("**", ""),
)
st.caption("A row is a neighbour, a column a channel; grey means removed. Drag to zoom in, double-click to go back.")

left, right = st.columns(2, gap="medium")
with left:
    st.subheader("Votes per channel", anchor=False)
    st.plotly_chart(
        figures.vote_histogram(votes, selection, group),
        config=PLAIN,
        alt=f"Histogram of votes in {group}; {len(selection.kept[group])} channels are at or above the threshold.",
    )
    st.caption(
        "Where more channels share the threshold than there are seats, "
        + (
            "the lower channel number wins here; a run decides such ties by the backbone's own weights."
            if tie_break is None
            else "the backbone's own weights decide: larger ones win."
        )
    )
with right:
    st.subheader("Overlap by depth", anchor=False)
    if len(selections) > 1:
        means = overlaps.mean_overlap_by_group(selections)
        chances = {name: overlaps.chance_in(selections, name) for name in zoo.groups}
        st.plotly_chart(
            overlaps.overlap_by_depth(means, chances, group),
            config=PLAIN,
            alt=f"Mean overlap of the neighbours by depth; {theme.decimal(means[group])} in {group}, chance is "
            f"{theme.decimal(chance)}.",
        )
        st.caption("Above the dashed line, neighbours agree more than random selections of the same size would.")
    else:
        st.caption("One neighbour alone agrees with itself: choose K of 2 or more to see overlaps.")

if len(selections) > 1:
    st.subheader(f"Overlap in {group}", anchor=False)
    matrix = overlaps.overlap_matrix(selections, group)
    st.plotly_chart(
        overlaps.overlap_heatmap(matrix, labels, chance),
        config=PLAIN,
        width=min(760, 320 + 60 * len(near)),
        alt=f"Overlap of each pair of neighbours in {group}; chance is {theme.decimal(chance)}.",
    )
    st.caption(
        f"Overlap is the share of channels both keep among those either keeps. Two random selections that keep "
        f"k = {theme.percent(selections[0].keep_ratio(group))} overlap by k / (2 - k) = {theme.decimal(chance)}."
    )

if st.button("Prune this task", type="primary", icon=":material/content_cut:"):
    st.session_state["run"] = None
    state.go("app_pages/run.py")

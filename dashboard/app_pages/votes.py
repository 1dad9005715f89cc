"""Votes: what the voted network gets right before training, which channels neighbours kept, and how far they agree."""

import streamlit as st

from dashboard import data, links, state, voters, zoo_states
from dashboard.pick import pick_one
from dashboard.votes import group, overlap, overview, trial, what_if
from dashboard.votes.view import View, counted

SECTIONS = {
    "overview": ":material/stacked_bar_chart: All groups",
    "group": ":material/grid_on: One group",
    "what-if": ":material/swap_horiz: What if",
    "overlap": ":material/join_inner: Overlap",
}

links.heading(
    "Votes",
    *("task", "k", "similarity", "chosen", "keep", "allocation", "weighting", "start", "view", "group"),
    *links.VOTES[2:],
)
zoo = state.zoo()
state.zoo_line(zoo)
zoo_states.need_targets(zoo, data.targets(zoo))

with st.container(border=True):
    first, second, third = st.columns([5, 3, 2], vertical_alignment="bottom")
    with first:
        target = state.pick_task(data.targets(zoo))
    with second:
        k = state.pick_k(zoo, target)
    with third:
        similarity = state.pick_similarity()
    first, between, second, third = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    with first:
        keep = state.pick_keep(zoo)
    with between:
        allocation = state.pick_allocation()
    with second:
        weighting = state.pick_weighting()
    with third:
        start = state.pick_start()

zoo_states.need_votes(zoo)
near = voters.voters(zoo, target, k, similarity)
voters.banner(near, k)
before_training = st.container()

with st.container(horizontal=True, vertical_alignment="bottom"):
    section = pick_one("view", "Look at", "section", SECTIONS, in_a_row=True, wrap=True)
    with st.container(width=420):
        chosen_group = state.pick_group(zoo.groups)

votes, selection = counted(zoo, near, weighting, keep, allocation)
view = View(
    zoo, target, similarity, tuple(near), bool(voters.hand_picked()), weighting, keep, start, chosen_group, votes,
    selection, allocation,
)  # fmt: skip
trial.begin(view)  # works on it while the page is drawn

if section == "overview":
    overview.draw(view)
elif section == "group":
    group.draw(view)
elif section == "what-if":
    what_if.draw(view, k)
else:
    overlap.draw(view)

with before_training:
    trial.panel(view)

if st.button("Prune this task", type="primary", icon=":material/content_cut:"):
    st.session_state["run"] = None
    state.go("app_pages/run.py")

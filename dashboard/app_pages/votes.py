"""Votes: what the voted network gets right before training, which channels neighbours kept, and how far they agree."""

import streamlit as st

from core.channels.budget import KIND
from dashboard import data, links, state, voters, zoo_states
from dashboard.errors import ToldError
from dashboard.pick import pick_one
from dashboard.size_budget import pick_budget
from dashboard.votes import group, overlap, overview, trial, what_if
from dashboard.votes.view import View, counted
from dashboard.ways import NEW, RUN, way

SECTIONS = {
    "overview": ":material/stacked_bar_chart: All groups",
    "group": ":material/grid_on: One group",
    "what-if": ":material/swap_horiz: What if",
    "overlap": ":material/join_inner: Overlap",
}

links.heading(
    "Votes",
    *("task", "k", "similarity", "chosen", "keep", *KIND, "weighting", "start", "view", "group"),
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
    keep_at, second, third = st.columns([4, 3, 3], vertical_alignment="bottom")
    with second:
        weighting = state.pick_weighting()
    with third:
        start = state.pick_start()
    budget = pick_budget(zoo, keep_at)

zoo_states.need_votes(zoo)
if budget is None:
    raise ToldError
near = voters.voters(zoo, target, k, similarity)
voters.banner(near, k)
before_training = st.container()

with st.container(horizontal=True, vertical_alignment="bottom"):
    section = pick_one("view", "Look at", "section", SECTIONS, in_a_row=True, wrap=True)
    with st.container(width=420):
        chosen_group = state.pick_group(zoo.groups)

votes, selection = counted(zoo, target, near, weighting, budget)
view = View(
    zoo, target, similarity, tuple(near), bool(voters.hand_picked()), weighting, budget, start, chosen_group, votes,
    selection,
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

way(RUN, "Prune this task", ":material/content_cut:", {**st.query_params.to_dict(), "run": NEW}, primary=True)

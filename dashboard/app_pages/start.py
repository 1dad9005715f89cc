"""Start: what this is, in one picture and two sentences, where to begin, and the runs."""

import streamlit as st

from core.runs.record import RunRecord
from core.runs.status import current
from dashboard import links, parts
from dashboard.data import recent_runs
from dashboard.figures import pictures
from dashboard.progress import ACTIVE
from dashboard.recordings import SAMPLE
from dashboard.run_states import read_only
from dashboard.watch import watch
from dashboard.ways import MAP, NEW, RUN, VOTES, way

RECENT = 6
EVERY = 3.0  # seconds
STEPS = (
    (
        "1 · Pick a task",
        pictures.neighbours_panel(),
        "A target task among earlier tasks, with lines to its four nearest neighbours.",
        "Choose a target task and see which earlier tasks are most like it.",
        MAP,
        "Open the task map",
        ":material/scatter_plot:",
    ),
    (
        "2 · Look at the votes",
        pictures.votes_panel(),
        "Four neighbours, each with the channels it kept; the four channels with most votes are selected.",
        "Each neighbour votes for the channels its own pruned model kept.",
        VOTES,
        "Inspect the votes",
        ":material/how_to_vote:",
    ),
    (
        "3 · Prune",
        pictures.slim_panel(),
        "A wide network becomes a narrow one.",
        "The winners become a slim model, ready after a few iterations of fine-tuning.",
        RUN,
        "Start pruning",
        ":material/content_cut:",
    ),
)

links.heading("Meta-Vote Studio")
st.markdown(
    "Pruning one network for many tasks repeats the same costly search each time. "
    "**Meta-Vote Pruning** lets the most similar earlier tasks vote for the channels to keep."
)
read_only()
with st.container(horizontal=True, vertical_alignment="center"):
    way(RUN, "Watch a sample run", ":material/play_circle:", {"replay": SAMPLE}, primary=True)
    st.caption("A recording of a real run, in a quarter of a minute: nothing has to be started.", width="content")

with st.grid(3, min_column_width=260, gap="medium"):
    for heading, picture, alt, sentence, page, label, icon in STEPS:
        with st.container(border=True, height="stretch"):
            st.image(picture, width="stretch", alt=alt)
            st.subheader(heading, anchor=False)
            st.markdown(sentence)
            st.space("stretch")
            form = {"run": NEW} if page == RUN else None  # not the run that was open last
            way(page, label, icon, form, wide=True)


def split() -> tuple[list[RunRecord], list[RunRecord]]:
    """The newest runs: those in progress, and those that are not."""
    records = recent_runs(60)
    active = [record for record in records if current(record) in ACTIVE]
    return active, [record for record in records if record not in active]


def show(runs: tuple[list[RunRecord], list[RunRecord]]) -> None:
    """Both lists, each with its heading."""
    active, ended = runs[0], runs[1][:RECENT]
    st.subheader("In progress", anchor=False)
    if not active:
        st.caption("Nothing is running. Step 3 starts a run.")
    for record in active:
        parts.run_line(record)
    if ended:
        st.subheader("Recent runs", anchor=False)
    for record in ended:
        parts.run_line(record)


watch(split(), split, lambda runs: EVERY if runs[0] else None, show)

"""What is to be said of a zoo that is too small to say much, or whose models are of another backbone than it says."""

from collections.abc import Sequence

import streamlit as st

from core.errors import MetaVoteError
from core.tasks.task import Task
from core.zoo.zoo import Zoo
from dashboard import data
from dashboard.compose import dialog
from dashboard.errors import ToldError
from dashboard.ways import MAP, ZOOS, way

FEWEST_TASKS = 4
BUILD = "python -m core zoo build my-zoo --setting emoji"


def say_what_is_unusual(zoo: Zoo) -> bool:
    """One sentence and the ways to mend it, for each thing that is; returns whether its models can vote."""
    if len(zoo.tasks) < FEWEST_TASKS:
        number = "one task" if len(zoo.tasks) == 1 else f"{len(zoo.tasks)} tasks"
        st.info(
            f"This zoo has only {number}, so that a map and a vote say little: build one of {FEWEST_TASKS} tasks or "
            "more.",
            icon=":material/info:",
        )
        _way_out(zoo, "Build a larger one", "How to build a larger one")
    sentence = _mismatch(zoo)
    if sentence:
        st.error(sentence, icon=":material/error:")
        _way_out(zoo, "Build one that fits", "How to build one that fits")
    return not sentence


def need_targets(zoo: Zoo, targets: Sequence[Task], on_map: bool = False) -> None:
    """For a page that needs a target to choose: where there is none, says so, with the way to one, and ends there."""
    if targets:
        return
    st.info(
        f"The zoo {zoo.id} has no target yet: compose one of any classes that it should prune for next.",
        icon=":material/adjust:",
    )
    if on_map and st.button("New target", icon=":material/add:", type="primary", key="first target"):
        dialog(zoo)
    if not on_map:
        way(MAP, "Open the task map", ":material/scatter_plot:", {"zoo": zoo.id})
    raise ToldError


def need_votes(zoo: Zoo) -> None:
    """The same, for a page that shows nothing without votes, and ends there."""
    if not say_what_is_unusual(zoo):
        raise ToldError


def _way_out(zoo: Zoo, here: str, in_a_terminal: str) -> None:
    """The way to the Zoos page, and the command that does the same."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        way(ZOOS, here, ":material/construction:", {"zoo": zoo.id, "do": "build"})
        with st.popover(in_a_terminal, icon=":material/terminal:"):
            st.markdown("In a terminal, on the tasks that ship; the command goes on where it was stopped:")
            st.code(BUILD, language="bash", wrap_lines=True)


@st.cache_data(max_entries=4, hash_funcs={Zoo: data._identity}, show_spinner=False)
def _mismatch(zoo: Zoo) -> str:
    """Why the zoo's models cannot vote, in a sentence; "" where they can, as far as the first one tells."""
    try:
        zoo.model(zoo.tasks[0].id, weights=False)
    except MetaVoteError as error:
        return str(error)
    return ""

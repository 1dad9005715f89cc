"""The choices that all pages share, each a widget that is in step with the page's link."""

from collections.abc import Callable, Collection, Mapping, Sequence

import streamlit as st

from core.errors import BadValueError
from core.pruning.config import SIMILARITIES
from core.tasks.task import Task
from core.voting import WEIGHTINGS
from core.zoo.zoo import Zoo, zoo_ids
from dashboard import data, theme
from dashboard.links import linked, notice, one_of, whole
from dashboard.pick import pick_one
from dashboard.ways import NEW, ZOOS, way

DEFAULT_K, MOST_K = 5, 24
ZOO = "zoo"
ON_THE_ZOO = ("task", "chosen", "detail", "group", "channel", "keep", "colour")


def zoo() -> Zoo:
    """The zoo that all pages use (`?zoo=`), chosen on the Zoos page; the shipped one by default.

    Where that one was removed meanwhile, the page is drawn anew with the shipped one, and says so; a click is dropped.
    """
    ids = zoo_ids()
    still_here(ZOO, "zoo", ids, data.DEFAULT_ZOO, forget_what_hangs_on_the_zoo)
    return data.zoo(linked(ZOO, data.DEFAULT_ZOO, one_of("zoo", ids), lambda: st.session_state[ZOO]))


def still_here(
    key: str, kind: str, ids: Collection[str], default: str, forget: Callable[[], None] = lambda: None
) -> None:
    """Let go of what a widget holds if it was removed meanwhile: the page is drawn again with the default, and says so.

    A click is dropped with it, as it was meant for what is gone. forget: lets go of what depends on it.
    """
    removed = f"{key} that was removed while pages used it"
    if (gone := st.session_state.pop(removed, None)) is not None:
        notice(f"The {kind} {gone} was removed. Showing {default} instead.")
    if (held := st.session_state.get(key)) is not None and held not in ids:
        st.session_state[key] = default
        forget()
        st.query_params.pop(key, None)
        st.session_state[removed] = held
        st.rerun()


def use_zoo(id: str) -> None:
    """Have all pages use that zoo. A callback."""
    st.session_state[ZOO] = id
    forget_what_hangs_on_the_zoo()


def forget_what_hangs_on_the_zoo() -> None:
    """Let go of choices that were made among the tasks and channels of another zoo. A callback."""
    for name in ON_THE_ZOO:
        st.session_state[name] = None
        st.query_params.pop(name, None)


def zoo_line(used: Zoo) -> None:
    """Where the zoo is not the shipped one: which it is, with the way to choose another."""
    if used.id != data.DEFAULT_ZOO:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f":material/database: Zoo **{used.id}**, on the backbone {used.backbone}", width="content")
            way(ZOOS, "Choose another", ":material/database:", {ZOO: used.id})


def pick_task(targets: Sequence[Task]) -> Task:
    """The target task, chosen from a list or by link (`?task=`)."""
    by_id = {task.id: task for task in targets}
    chosen = pick_one(
        "task",
        "Target task",
        "stored target task",
        {task.id: f"{task.id} · {task.title}" for task in targets},
        help="The task to prune the backbone for. Type to search by class.",
    )
    return by_id[chosen]


def pick_k(zoo: Zoo, target: Task) -> int:
    """How many neighbours (`?k=`), at most as many as the zoo has tasks that may vote for the target."""
    most = min(MOST_K, len(zoo.voters(target)))
    if not most:
        raise BadValueError(f"No task of the zoo {zoo.id} may vote for {target.id}: choose another target task.")
    if most == 1:  # a slider needs two ends
        st.session_state["k"] = 1
        st.markdown("Neighbours (K): **1**, as one task alone may vote")
        return 1
    return linked(
        "k",
        min(DEFAULT_K, most),
        whole("K", 1, most),
        lambda: st.slider(
            "Neighbours (K)", 1, most, key="k", persist_state="session", help="How many of the most similar tasks vote."
        ),
    )


def pick_similarity() -> str:
    """How similarity is measured (`?similarity=`)."""
    return pick_one(
        "similarity",
        "Similarity",
        "similarity",
        {name: theme.SIMILARITIES.get(name, name) for name in SIMILARITIES},
        help=" · ".join(f"{theme.SIMILARITIES[name]}: {text}" for name, text in theme.SIMILARITY_HELP.items()),
    )


def pick_weighting() -> str:
    """How much each neighbour's vote counts (`?weighting=`)."""
    return pick_one(
        "weighting",
        "Weighting of votes",
        "weighting of votes",
        {name: theme.WEIGHTINGS.get(name, name) for name in WEIGHTINGS},
        help="Every neighbour alike, the more similar ones more, or each by its own importance of the channel.",
    )


def pick_start() -> str:
    """Where the weights of kept channels start (`?start=`), before any training."""
    return pick_one(
        "start",
        "Weights start as",
        "start of the weights",
        theme.STARTS,
        help="What kept channels begin with: the mean over the neighbours that kept them, or what the backbone had."
        " The difference is what the neighbours' weights bring; the rest is what their mask brings.",
    )


def pick_layout() -> str:
    """Which stored layout the map shows (`?layout=`)."""
    return pick_one(
        "layout",
        "Layout of the map",
        "layout",
        theme.LAYOUTS,
        in_a_row=True,
        help="  \n".join(f"{theme.LAYOUTS[kind]} {text}." for kind, text in theme.LAYOUT_HELP.items()),
    )


def pick_group(sizes: Mapping[str, int]) -> str:
    """A channel group (`?group=`), in order of depth; the deepest unless told otherwise."""
    return pick_one(
        "group",
        "Channel group",
        "channel group",
        {name: f"{place} · {name} · {size} channels" for place, (name, size) in enumerate(sizes.items(), 1)},
        list(sizes)[-1],
        help="Channels that must be removed together, from the input (1) to the output. A name says where: "
        "layer4.1.conv1 is the first convolution of the second block (counted from 0) of stage 4.",
    )


def open_run() -> str | None:
    """The id of the run that is open (`?run=`), None for none; `?run=new` leaves the one that is."""

    def check(text: str) -> str | None:
        return None if text == NEW else data.store().get(text).id

    chosen: str | None = linked("run", None, check, lambda: st.session_state["run"])
    return chosen

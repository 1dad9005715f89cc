"""The form that has a zoo built: tasks drawn from a data set, backbone, method, keep ratio; how long it will take."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.backbones.listing import DEFAULT, backbone_ids
from core.errors import MetaVoteError
from core.tasks.datasets import class_names, dataset_names
from core.tasks.draw import MOST_TARGETS, MOST_TASKS, Draw, drawn_tasks
from core.tasks.task import Task
from core.tasks.upload import uploaded
from core.workshop import work
from core.zoo.plan import MOST_WORKERS, buildable
from dashboard import data, state, theme
from dashboard.compose import title as dataset_title
from dashboard.errors import as_sentence
from dashboard.links import linked, whole
from dashboard.pick import pick_number, pick_one
from dashboard.size_budget import LEAST_KEEP, ratio
from dashboard.zoos.forecast import forecast, pace_of

APART = {"no": "may share classes", "yes": "share no class"}
APART_HELP = "Sharing none is the harder test: a third of the classes is then kept for the targets alone."
NAME = "name of new zoo"


def draw() -> None:
    """What to draw tasks from, how to prune for them, the forecast, and the button."""
    st.markdown(
        "**Build a zoo**: tasks are drawn by chance from a data set, and the backbone is pruned for each of them. It "
        "takes minutes to hours, in a process of its own: you may close this page."
    )
    wanted, settings = _tasks(), _settings()
    usual = "" if wanted is None else _suggested(wanted)
    name = st.text_input("Name", key=NAME, max_chars=80, placeholder=usual, help="Part of every link to it.")
    if wanted is None or settings is None:  # and a sentence says why, below what was typed
        build_button({}, False, "build zoo")
        return
    how, workers = settings
    document = {"zoo": name.strip() or usual, **how, "workers": workers, "draw": {**vars(wanted)}}
    build_button(document, _told(wanted, how, workers), "build zoo")


def build_button(document: dict[str, Any], possible: bool, key: str) -> None:
    """Has a zoo built as a recipe says, and draws the page anew, which then tells how far it is."""
    if st.button("Build", icon=":material/construction:", type="primary", disabled=not possible, key=key):
        with as_sentence():
            work.build(document)
            st.rerun()


def _tasks() -> Draw | None:
    """The draw; None while a number cannot be."""
    names = [name for name, found in dataset_names().items() if found.available] + uploaded()
    with st.grid(3, min_column_width=180):
        dataset = pick_one("dataset", "Data set", "data set", {name: dataset_title(name) for name in names})
        most = max(2, min(20, len(class_names(dataset))))
        number = _number("drawn", "Tasks", 20, 1, MOST_TASKS, "How many pruned models the zoo will hold.")
        size = _number("each", "Classes each", min(5, most), 2, most, "How many classes each task tells apart.")
        targets = _number("held", "Targets", 4, 0, MOST_TARGETS, "Tasks that are held out, to prune for later.")
        seed = _number("drawseed", "Draw", 0, 0, 9999, "Another number draws other tasks.")
        apart = pick_one("apart", "Targets and zoo", "answer", APART, help=APART_HELP)
    if number is None or size is None or targets is None or seed is None:
        return None
    return Draw(dataset, number, size, targets, seed, apart == "yes")


def _number(key: str, label: str, default: int, least: int, most: int, help: str) -> int | None:
    return pick_number(label, key, default, whole(label, least, most), help)


def _settings() -> tuple[dict[str, Any], int] | None:
    """How to prune for each task, and by how many processes; None while a number cannot be."""
    ids = {id: id for id in backbone_ids()}
    state.still_here("backbone", "backbone", ids, DEFAULT)
    methods = {name: theme.method_title(name) for name in buildable()}
    with st.expander("Backbone and method", icon=":material/tune:"), st.grid(3, min_column_width=180):
        backbone = pick_one("backbone", "Backbone", "backbone", ids, DEFAULT)
        method = pick_one("how", "Method", "method", methods, "taylor", help="How each task's channels are found.")
        keep = linked(
            "share",
            0.2,
            ratio,
            lambda: st.slider("Keep ratio", LEAST_KEEP, 1.0, step=0.01, key="share", persist_state="session",
                              help="Share of the channels that each model keeps in every group."),
        )  # fmt: skip
        iterations = _number("steps", "Iterations", 240, 0, 5000, "Training iterations for each model; 240 is usual.")
        seed = _number("zooseed", "Seed", 0, 0, 9999, "Of all that is drawn while training.")
        workers = _number("workers", "Processes", 1, 1, MOST_WORKERS, "Models worked on at the same time.")
    if iterations is None or seed is None or workers is None:
        return None
    settings = {"backbone": backbone, "method": method, "keep": keep, "iterations": iterations, "seed": seed}
    return settings, workers


def _suggested(wanted: Draw) -> str:
    return work.free_name(f"{dataset_title(wanted.dataset).lower()}-{wanted.tasks}x{wanted.classes}")


def _told(wanted: Draw, settings: dict[str, Any], workers: int) -> bool:
    """What will be drawn, and how long about building takes; False, and a sentence, where it cannot be."""
    try:
        tasks, targets = drawn_tasks(wanted)
    except MetaVoteError as error:
        st.error(str(error), icon=":material/error:")
        return False
    return predicted(tasks, targets, settings, workers)


def predicted(tasks: Sequence[Task], targets: Sequence[Task], settings: dict[str, Any], workers: int) -> bool:
    """What will be built, and how long about it will take; False, and a sentence, where it cannot be."""
    try:
        told = forecast(tasks, targets, settings, workers, pace_of(data.recent_runs(100), data.task_of_run))
    except MetaVoteError as error:
        st.error(str(error), icon=":material/error:")
        return False
    st.caption(f"The first of {theme.counted(len(tasks), 'task')}: {tasks[0].title}.")
    about = "" if told.seconds is None else f"Predicted: **about {theme.duration(told.seconds)}**. "
    st.markdown(f":material/timer: {about}{told.source}")
    return True

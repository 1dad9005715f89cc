"""The form that has a zoo built as a YAML file says: tasks that are named, drawn, or both."""

from pathlib import Path

import streamlit as st

from core.channels.budget import KIND
from core.errors import MetaVoteError
from core.workshop import work
from core.zoo.recipe import parsed, plan_of
from dashboard.zoos.build_form import build_button, predicted

LARGEST = 1  # megabyte
EXAMPLE = """\
keep: 0.2              # share of the channels that each model keeps
iterations: 240        # of training, for each model
workers: 1             # models worked on at the same time
tasks:                 # what to prune for
  - {dataset: emoji, classes: [tool, plant, heart]}
  - {dataset: emoji, classes: ["animal-*"]}        # all classes that the pattern fits
targets:               # held out, to prune for later
  - {dataset: emoji, classes: [sport, flag, person-role]}
draw:                  # more tasks, drawn by chance
  {dataset: emoji, tasks: 10, classes: 5, targets: 2}
"""


def draw() -> None:
    """The file, what it comes to, and the button."""
    st.markdown(
        "**Build a zoo** of tasks of your own choice: the backbone is pruned for each that the file names. It takes "
        "minutes to hours, in a process of its own: you may close this page."
    )
    file = st.file_uploader(
        "Tasks and settings, as YAML",
        type=["yaml", "yml"],
        key="recipe",
        max_upload_size=LARGEST,
        help="As `python -m core zoo build --from` reads it. Checked to the letter before any work.",
    )
    with st.expander("What such a file says", icon=":material/description:", expanded=file is None):
        st.code(EXAMPLE, language="yaml")
        st.caption("Only tasks or draw is needed. docs/zoos.md lists all that may stand in one.")
    if file is None:
        return
    try:
        recipe, document = parsed(file.getvalue(), file.name)
        plan, workers = plan_of(recipe)
    except MetaVoteError as error:
        st.error(str(error), icon=":material/error:")
        return
    usual = plan.id or work.free_name(Path(file.name).stem)
    name = st.text_input(
        "Name", key="name of listed zoo", max_chars=80, placeholder=usual, help="Part of every link to it."
    )
    settings = {key: getattr(plan, key) for key in ("backbone", "method", "keep", "iterations", "seed", *KIND)}
    possible = predicted(plan.tasks, plan.targets, settings, workers)
    build_button({**document, "zoo": name.strip() or usual}, possible, "build listed")

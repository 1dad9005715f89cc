"""The Zoos page from top to bottom."""

import streamlit as st

from core.zoo.summary import Summary
from dashboard import data
from dashboard.pick import pick_one
from dashboard.zoos import backbones, build_form, orders, overview, passing_on, recipe_form

SECTIONS = {
    "build": ":material/construction: Build",
    "import": ":material/upload_file: Import",
    "merge": ":material/merge: Merge",
    "backbone": ":material/hub: Backbones",
}
SOURCES = {"draw": ":material/casino: Drawn by chance", "file": ":material/list_alt: From a file"}


def draw() -> None:
    """The orders in work, the zoos that are here, the one that is used, and the ways to more."""
    orders.take_up()
    found, broken = data.summaries()
    orders.in_work()
    chosen = overview.pick_zoo([one.id for one in found])
    overview.table(found, broken, chosen)
    used = next((one for one in found if one.id == chosen), None)
    if used is not None:
        overview.details(used, data.zoo(chosen))
    _more(found)


def _more(found: list[Summary]) -> None:
    """One of the ways to another zoo or backbone."""
    st.subheader("More zoos and backbones", anchor=False)
    section = pick_one("do", "What to do", "thing to do", SECTIONS, in_a_row=True, label_visibility="collapsed")
    with st.container(border=True):
        if section == "build":
            source = pick_one("from", "Tasks", "source of tasks", SOURCES, in_a_row=True)
            (recipe_form if source == "file" else build_form).draw()
        elif section == "import":
            passing_on.import_form()
        elif section == "merge":
            passing_on.merge_form(found)
        else:
            backbones.draw()

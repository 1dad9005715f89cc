"""Pieces that several pages draw: a run's badge and line, thumbnails of classes."""

import re
import string
import time
from collections.abc import Mapping, Sequence

import streamlit as st

from core.pruning.methods import METHODS
from core.runs.record import FINISHED, RunRecord
from core.runs.status import current
from core.tasks.datasets import class_title
from core.tasks.task import Task
from dashboard import theme
from dashboard.data import PICTURE, class_strip
from dashboard.ways import RUN

MOST_TOLD = 5  # damaged runs with a sentence of their own


def status_badge(status: str) -> None:
    """A run's status: word, colour and icon."""
    look = theme.STATUSES[status]
    st.badge(look.title, icon=look.icon, color=look.colour)


def run_line(record: RunRecord) -> None:
    """One run in a list: badge, a link that opens it, and what it came to."""
    status = current(record)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(status)
        st.page_link(RUN, label=record.id, query_params={"run": record.id})
        st.caption(run_summary(record, status))


def run_summary(record: RunRecord, status: str) -> str:
    """Method, keep ratio, result or age, in a few words."""
    parts = [theme.method_title(record.config.method)]
    if METHODS[record.config.method].removes:
        parts.append(f"keep {record.config.budget.in_words()}")
    if status == FINISHED and record.result:
        parts.append(f"{theme.percent(record.result['test_accuracy'], 1)} on test")
    parts.append(theme.ago(time.time() - record.created))
    return " · ".join(parts)


def class_gallery(task: Task, images: int = 6) -> None:
    """A task's classes, each with a strip of example images."""
    with st.grid("auto", min_column_width=170, gap="small"):
        for name in task.classes:
            with st.container(gap="xxsmall"):
                if strip := class_strip(task.dataset, name, images, paper()):
                    st.image(strip, width="stretch", alt=f"Examples of {class_title(task.dataset, name)}")
                st.caption(theme.class_label(task.dataset, name))


def task_row(task: Task, label: str, shared_with: Task, width: int = PICTURE) -> None:
    """One zoo task in a line: its label, and one image per class; classes the target has too are in bold."""
    st.markdown(label)
    with st.container(horizontal=True, gap="small"):
        for name in task.classes:
            label = theme.class_label(task.dataset, name)
            with st.container(width=width + 40, gap="xxsmall"):
                if picture := class_strip(task.dataset, name, 1, paper()):
                    st.image(picture, width=width, alt=f"Example of {class_title(task.dataset, name)}")
                st.caption(f"**{label}**" if name in shared_with.classes else label)


def paper() -> str:
    """The colour that pictures stand on, for the theme that is on."""
    return theme.PAPER.get(st.context.theme.type or "light", theme.WHITE)


def sentence_list(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def literal(text: str) -> str:
    """Text from elsewhere, such as a file's name, as Markdown that shows every character and links to nothing."""
    return re.sub(rf"([{re.escape(string.punctuation)}])", r"\\\1", " ".join(text.split()))


def left_out(broken: Mapping[str, str]) -> None:
    """A box with a sentence on each run that is damaged, and so is not on the page; nothing where none is."""
    if broken:
        more = f"  \nAnd {len(broken) - MOST_TOLD} more." if len(broken) > MOST_TOLD else ""
        sentences = "  \n".join(map(literal, list(broken.values())[:MOST_TOLD]))  # which may quote somebody's link
        st.warning(f"Left out: {sentences}{more}", icon=":material/broken_image:")

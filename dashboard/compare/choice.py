"""The Compare page's choices, each a widget in step with the link: filters, how the table looks, what is compared."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.errors import BadValueError, UnknownNameError
from core.pruning.methods import METHODS
from core.runs.record import LOST, STORED
from dashboard import theme
from dashboard.compare.frame import COLUMNS, DEFAULT_COLUMNS, GROUPS, ORDERS, Filters
from dashboard.compare.many import linked_many
from dashboard.links import held, linked, one_of
from dashboard.pick import pick_one

LONGEST_TEXT = 200
NO_BASELINE = "none"
MOST_BY_HAND = 100  # runs that a link still names one by one
TABS = {
    "overview": "Overview",
    "tradeoffs": "Trade-offs",
    "settings": "Settings",
    "layers": "Layers",
    "spread": "Seeds",
    "checklist": "Checklist",
    "save": "Save",
}
AXES = {"iterations": "Iterations", "macs": "MACs", "seconds": "Seconds"}
BY = {"run": "Each run", "variant": "Mean of each method"}


def pick_filters(frame: pd.DataFrame) -> Filters:
    """Words, tasks, methods, statuses and tags (`?text=`, `?tasks=`, ...)."""
    with st.grid(5, min_column_width=165):
        text = linked(
            "text",
            "",
            _words,
            lambda: st.text_input(
                "Search", key="text", persist_state="session", placeholder="id, task, method, tag, note"
            ),
        )
        tasks = _several("Task", "tasks", sorted(set(frame["Task"])), {})
        titles = {name: method.title for name, method in METHODS.items()}
        methods = _several("Method", "methods", [name for name in METHODS if name in set(frame["_method"])], titles)
        looks = {name: look.title for name, look in theme.STATUSES.items()}
        statuses = _several("Status", "statuses", [*STORED, LOST], looks)
        tags = _several("Tag", "tags", sorted({tag for tags in frame["_tags"] for tag in tags}), {})
    return Filters(text, tasks, methods, statuses, tags)


def _words(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise BadValueError(f"What is searched for may have {LONGEST_TEXT} characters.")
    return text


def _several(label: str, key: str, known: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    def draw() -> Sequence[str]:
        return st.multiselect(
            label,
            known,
            format_func=lambda name: titles.get(name, name),
            key=key,
            persist_state="session",
            placeholder="Any",
            select_all=False,
        )

    return linked_many(key, one_of(label.lower(), known), draw)


def pick_grouped() -> str:
    """By what the table is grouped (`?grouped=`)."""
    return pick_one("grouped", "Group by", "grouping", GROUPS, "none", in_a_row=True)


def pick_order() -> str:
    """In which order runs are listed (`?order=`)."""
    help = "A click on a column's heading sorts by it too."
    return pick_one("order", "Order", "order", ORDERS, "newest", help=help)


def pick_columns() -> list[str]:
    """Which columns the table has (`?columns=`)."""

    def draw() -> Sequence[str]:
        return st.multiselect(
            "Columns",
            list(COLUMNS),
            key="columns",
            persist_state="session",
            select_all=True,
            help="The run's id is always there.",
        )

    return linked_many("columns", one_of("column", list(COLUMNS)), draw, DEFAULT_COLUMNS)


def pick_every(shown: int) -> bool:
    """Whether all runs that the table shows are compared (`?every=yes`)."""
    return linked(
        "every",
        False,
        _on,
        lambda: st.toggle(
            f"Compare all {shown:,} shown",
            key="every",
            persist_state="session",
            help="Every run that the filters let through, whatever is chosen in the table.",
        ),
    )


def _on(text: str) -> bool:
    if text not in ("True", "False"):
        raise BadValueError(f"'every' is True or False, not '{text}'.")
    return text == "True"


def pick_runs(labels: Mapping[str, str]) -> list[str]:
    """The runs compared (`?runs=`), by id; the same as the chosen rows of the table."""

    def known(id: str) -> str:
        if id not in labels:
            raise UnknownNameError("run", id, labels)
        return id

    def draw() -> Sequence[str]:
        return st.multiselect(
            "Runs compared",
            list(labels),
            format_func=lambda id: labels.get(id, id),
            key="runs",
            persist_state="session",
            placeholder="Choose rows above, or type a part of an id",
            max_selections=MOST_BY_HAND,
            select_all=False,
            wrap=True,
        )

    return linked_many("runs", known, draw)


def held_baseline(names: Mapping[str, str], first: str) -> str:
    """The baseline that was chosen before the box is drawn: a run among `names`, "none", or else `first`."""
    chosen = held("baseline")
    return str(chosen) if chosen in (*names, NO_BASELINE) else first


def pick_baseline(names: Mapping[str, str], stands_for: Mapping[str, str], first: str) -> str | None:
    """The run that the others are held against (`?baseline=`): `first` unless another is pinned.

    stands_for: ids that are not among `names`, and the one that takes their place.
    """
    chosen = pick_one(
        "baseline",
        "Baseline",
        "baseline among the runs compared",
        {**names, NO_BASELINE: "No baseline"},
        first,
        stands_for=stands_for,
        always=True,  # which run is the first changes as runs finish
        help="Differences are relative to this run. Means are compared with all runs of its setting.",
    )
    return None if chosen == NO_BASELINE else chosen


def pick_by(default: str, offered: Sequence[str]) -> str:
    """Whether a mark stands for a run or for the mean of a method's runs (`?by=`)."""
    return pick_one(
        "by",
        "Draw",
        "way to draw runs",
        {name: BY[name] for name in offered},
        default,
        in_a_row=True,
        help="The mean is over tasks and seeds, of runs with the same settings.",
    )


def pick_axis() -> str:
    """What curves run against (`?axis=`)."""
    return pick_one(
        "axis",
        "Against",
        "axis",
        AXES,
        in_a_row=True,
        help="MACs: all that was spent, finding neighbours included. Seconds depend on what else the machine did.",
    )


def pick_tab() -> str:
    """Which view of the comparison is open (`?tab=`)."""
    return pick_one("tab", "View", "view", TABS, in_a_row=True, label_visibility="collapsed", wrap=True)


def pick_with(names: Mapping[str, str]) -> str:
    """The run whose mask is laid over the baseline's (`?with=`)."""
    return pick_one("with", "Compare its mask with", "run with a mask to compare", names)

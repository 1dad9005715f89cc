"""The table of all runs: filter, group, order, choose columns, and choose runs by their rows."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import columns as looks
from dashboard.columns import Look
from dashboard.compare import choice
from dashboard.compare.frame import (
    ACCURACIES,
    ALWAYS,
    COLUMNS,
    GROUPS,
    Filters,
    after_click,
    groups_of,
    narrowed,
    positions,
    with_of,
)

TABLE, GROUP_TABLE, LISTED, GROUPS_LISTED = (
    "compare: runs",
    "compare: groups",
    "compare: listed",
    "compare: groups listed",
)
HEIGHT = 268  # pixels


def table_of_runs(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Filters and looks: the rows they leave, which `draw_rows` then draws, and whether all of those are compared."""
    filters = choice.pick_filters(frame)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        grouped = choice.pick_grouped()
        with st.popover("Columns and order", icon=":material/view_column:"):
            order = choice.pick_order()
            columns = choice.pick_columns()
        shown = narrowed(frame, filters, order, grouped)
        every = choice.pick_every(len(shown))
    if grouped != "none":
        _groups(frame, filters, grouped)
    shown.attrs["columns"] = [ALWAYS, *with_of(_in_place(columns, grouped), shown)]
    return shown, every


def _in_place(columns: Sequence[str], grouped: str) -> list[str]:
    """The chosen columns, the one that the table is grouped by first."""
    if grouped == "none":
        return list(columns)
    first = GROUPS[grouped]
    return [first, *(name for name in columns if name != first)]


def draw_rows(shown: pd.DataFrame, chosen: Sequence[str], selectable: bool) -> None:
    """The rows themselves, those of the chosen runs selected."""
    columns = shown.attrs["columns"]
    listed = shown[ALWAYS].tolist()
    if not listed:
        st.caption("No run passes these filters: take one away.")
        return
    told, others = _looks(), _others(columns)
    alt = f"Table of {len(listed):,} runs; choose rows to compare them"
    if not selectable:
        looks.table(shown[columns], told, others, height=_height(len(listed)), alt=alt)
        return
    st.session_state[LISTED] = listed
    _select(TABLE, positions(listed, chosen))
    looks.table(
        shown[columns],
        told,
        others,
        height=_height(len(listed)),
        key=TABLE,
        on_select=_choose_rows,
        selection_mode="multi-row",
        placeholder="",
        alt=alt,
    )


def _height(rows: int) -> Any:
    return "content" if rows <= 6 else HEIGHT


def _select(key: str, rows: Sequence[int]) -> None:
    """Select these rows of the table under `key`, where they are not selected yet."""
    held: Any = st.session_state.get(key)
    if held is None and not rows:
        return
    if held is None or sorted(held["selection"]["rows"]) != list(rows):
        st.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}


def _choose_rows() -> None:
    rows, listed = st.session_state[TABLE]["selection"]["rows"], st.session_state.get(LISTED, [])
    st.session_state["runs"] = after_click(st.session_state.get("runs") or [], listed, rows)


def _groups(frame: pd.DataFrame, filters: Filters, grouped: str) -> None:
    """One row a group of what the other filters leave; choosing rows filters by them."""
    key = "tasks" if grouped == "task" else "methods"
    others = Filters(
        filters.text,
        () if key == "tasks" else filters.tasks,
        () if key == "methods" else filters.methods,
        filters.statuses,
        filters.tags,
    )
    groups = groups_of(narrowed(frame, others), grouped)
    ids = groups["_id"].tolist()
    st.session_state[GROUPS_LISTED] = (key, ids)
    _select(GROUP_TABLE, positions(ids, st.session_state.get(key) or []))
    looks.table(
        groups.drop(columns="_id"),
        dict.fromkeys(("Mean accuracy", "Standard deviation", "Best"), looks.PERCENT),
        height="content" if len(ids) <= 6 else 250,
        key=GROUP_TABLE,
        on_select=_choose_groups,
        selection_mode="multi-row",
        placeholder="",
        alt=f"{len(ids)} groups of runs by {grouped}, with their mean test accuracy",
    )
    st.caption(
        f"Choose rows to list only the runs of those {GROUPS[grouped].lower()}s. "
        "Means are over all finished runs of a row, whatever their budgets."
    )


def _choose_groups() -> None:
    rows = st.session_state[GROUP_TABLE]["selection"]["rows"]
    key, ids = st.session_state[GROUPS_LISTED]
    st.session_state[key] = [ids[row] for row in sorted(rows) if row < len(ids)]


def _looks() -> dict[str, Look]:
    known = {
        **dict.fromkeys(ACCURACIES, looks.PERCENT),
        "Keep": looks.RATIO,
        "Reached": looks.FINELY,
        "Off by": looks.DEVIATION,
        "Iterations": looks.COUNT,
        "K": looks.COUNT,
        "Parameters": looks.SHORT,
        "MACs": looks.SHORT,
        "Latency": looks.MILLISECONDS,
        "Time": looks.SECONDS,
    }
    return {name: look.told(COLUMNS[name]) for name, look in known.items()}


def _others(columns: Sequence[str]) -> dict[str, Any]:
    known: dict[str, Any] = {
        ALWAYS: st.column_config.TextColumn(width="medium"),
        "Started": st.column_config.DatetimeColumn(format="distance", help=COLUMNS["Started"]),
    }
    return {name: known[name] for name in columns if name in known}

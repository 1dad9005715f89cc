"""Overlap (IoU) of pruned models: task by task, clustered, and by depth, always beside the chance level."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.channels.overlaps import clustered, overlap_matrix
from core.channels.selection import Selection
from core.zoo.zoo import Zoo
from dashboard import data, theme
from dashboard.figures import overlaps
from dashboard.pick import pick_one
from dashboard.votes.view import View

PLAIN = {"displayModeBar": False}
SCOPES = {"neighbours": "The neighbours", "zoo": "The whole zoo"}
EVERY_GROUP = "all groups"


def draw(view: View) -> None:
    """The matrix of one group or all, and the curves by depth."""
    first, second = st.columns(2)
    with first:
        scope = pick_one("scope", "Tasks", "set of tasks", SCOPES, in_a_row=True)
    with second:
        where = {"group": view.group, "all": "All groups together"}
        within = pick_one("within", "Overlap in", "set of channel groups", where, in_a_row=True)
    group = view.group if within == "group" else None
    if scope == "zoo":
        labels, selections = [task.id for task in view.zoo.tasks], zoo_selections(view.zoo, view.voted_at)
    else:
        labels, selections = view.labels, view.selections
    if len(selections) > 1:
        _matrix(labels, selections, group, _ids(view, scope))
    else:
        st.info(
            "One neighbour alone agrees with itself: choose K of 2 or more, or the whole zoo.", icon=":material/info:"
        )
    _by_depth(view)


def chance(selections: Sequence[Selection], group: str | None) -> float:
    """The overlap to expect by chance in a group, or averaged over all groups as the overlap is."""
    groups = selections[0].groups if group is None else (group,)
    return float(np.mean([overlaps.chance_in(selections, name) for name in groups]))


def _ids(view: View, scope: str) -> frozenset[str]:
    return frozenset(each.task.id for each in view.near) if scope == "zoo" else frozenset()


def _matrix(labels: list[str], selections: list[Selection], group: str | None, marked: frozenset[str]) -> None:
    where, level = group or EVERY_GROUP, chance(selections, group)
    st.subheader(f"Overlap in {where}", anchor=False)
    matrix = overlap_matrix(selections, group)
    order = clustered(matrix)
    named = [f"● {labels[row]}" if labels[row] in marked else labels[row] for row in order]
    mean = float(np.nanmean(matrix))
    alt = (
        f"Overlap of each pair of {len(labels)} tasks in {where}, like beside like: {theme.decimal(mean)} on average, "
        f"chance is {theme.decimal(level)}."
    )
    st.markdown(
        f"Two tasks share **{theme.decimal(mean)}** of their channels on average; two random selections would share "
        f"{theme.decimal(level)}."
    )
    st.plotly_chart(
        overlaps.overlap_heatmap(matrix[np.ix_(order, order)], named, level),
        config=PLAIN,
        width=min(760, 320 + 60 * len(labels)),
        alt=alt,
    )
    st.caption(
        "Overlap is the share of channels both keep among those either keeps; two random selections that keep k "
        "overlap by k / (2 - k). Tasks stand in the order of their clusters, like beside like"
        + (", the target's neighbours marked ●." if marked else ".")
    )


def _by_depth(view: View) -> None:
    st.subheader("Overlap by depth", anchor=False)
    everyone = zoo_selections(view.zoo, view.voted_at)
    lines, counts = pairs_by_depth(view.zoo, view.similarity, view.voted_at)
    if len(view.near) > 1:
        lines = {"Neighbours": overlaps.mean_overlap_by_group(view.selections), **lines}
    chances = {name: overlaps.chance_in(everyone, name) for name in view.zoo.groups}
    words = "; ".join(f"{name.lower()} {theme.decimal(line[view.group])}" for name, line in lines.items())
    st.plotly_chart(
        overlaps.overlap_by_depth(lines, chances, view.group),
        config=PLAIN,
        alt=f"Mean overlap by depth; in {view.group}: {words}, chance {theme.decimal(chances[view.group])}.",
    )
    st.caption(
        f"Similar and dissimilar are the quarter of all pairs of zoo tasks ({counts} each) with the highest and the "
        f"lowest {theme.SIMILARITIES[view.similarity]}. Above the dashed line, two tasks agree more than random "
        "selections of the same size would."
    )


@st.cache_data(max_entries=8, hash_funcs={Zoo: data._identity}, show_spinner=False)
def zoo_selections(zoo: Zoo, keep: float) -> list[Selection]:
    """What every zoo task keeps at that keep ratio, in the zoo's order."""
    return [zoo.selection(task.id, keep) for task in zoo.tasks]


@st.cache_data(max_entries=16, hash_funcs={Zoo: data._identity}, show_spinner=False)
def pairs_by_depth(zoo: Zoo, similarity: str, keep: float) -> tuple[dict[str, dict[str, float]], int]:
    """({"Similar pairs" and "Dissimilar pairs": {group: mean overlap}}, how many pairs each is made of)."""
    selections = zoo_selections(zoo, keep)
    values = np.asarray(zoo.similarity(similarity)[1][: len(zoo.tasks)], np.float64)
    rows, columns = np.triu_indices(len(selections), 1)
    order = np.argsort(((values + values.T) / 2)[rows, columns], kind="stable")
    part = max(1, len(order) // 4)
    ends = {"Similar pairs": order[-part:], "Dissimilar pairs": order[:part]}
    matrices = {group: overlap_matrix(selections, group)[rows, columns] for group in zoo.groups}
    return {name: _means(matrices, chosen) for name, chosen in ends.items()}, part


def _means(matrices: dict[str, npt.NDArray[np.float64]], chosen: npt.NDArray[np.int64]) -> dict[str, float]:
    return {group: float(pairs[chosen].mean()) for group, pairs in matrices.items()}

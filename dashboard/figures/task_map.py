"""The map of tasks: every zoo task and target as a point, the chosen target ringed, lines to its neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from math import hypot
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.tasks.task import LONGEST_TITLE, Task
from dashboard import theme

Coordinates = Mapping[str, tuple[float, float]]
HEIGHT = 500
APART = 0.065  # of the span: on a phone, about a neighbour's circle
DIMMED = 0.15
BRIGHT = 0.6  # of the span of a shade: from here on, text on a point is dark
MANY = 400  # points from which on they are drawn smaller, and without an outline


@dataclass(frozen=True)
class Shading:
    """The attribute that points are coloured by: task id -> value, and -> how it reads; a title for the legend."""

    title: str
    values: Mapping[str, float]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Look:
    """How the map is looked at. found: ids of the tasks that a search found, None without one; the others are dimmed.

    looked_at: the zoo task whose details are shown. notes: task id -> lines for its hover, below its classes.
    """

    shading: Shading | None = None
    found: frozenset[str] | None = None
    looked_at: str | None = None
    own: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


def task_map(
    zoo: Sequence[Task],
    targets: Sequence[Task],
    coordinates: Coordinates,
    chosen: Task,
    neighbours: Sequence[Task],
    look: Look | None = None,
) -> go.Figure:
    """Points carry their task id as `customdata`, so that a click can be told. Tasks without a place are left out."""
    look = look or Look()
    near = {task.id for task in neighbours}
    coordinates = apart(coordinates, [task.id for task in neighbours])
    others = [task for task in zoo if task.id not in near]
    rest = [task for task in targets if task.id != chosen.id]
    size = 7 if len(zoo) > MANY else 10
    figure = go.Figure()
    if chosen.id in coordinates:
        figure.add_trace(_lines(coordinates, chosen, neighbours))
    untold = [task for task in others if look.shading and task.id not in look.shading.values]
    others = [task for task in others if task not in untold]
    figure.add_trace(_points("Zoo task", others, coordinates, look, theme.ZOO_TASK, "circle", size))
    if untold:
        figure.add_trace(_points("Without a value", untold, coordinates, look, theme.ZOO_TASK, "circle", size))
    shipped, own = [t for t in rest if t.id not in look.own], [t for t in rest if t.id in look.own]
    figure.add_trace(_points("Other target", shipped, coordinates, look, theme.OTHER_TARGET, "diamond", 11))
    if own:
        figure.add_trace(_points("Target of yours", own, coordinates, look, theme.OTHER_TARGET, "star", 13))
    figure.add_trace(
        _points("Neighbour, by rank", neighbours, coordinates, look, theme.NEIGHBOUR, "circle", 19, ranked=True)
    )
    if look.looked_at in coordinates:
        figure.add_trace(_ring(coordinates[look.looked_at], theme.GREEN, 26, "Looked at"))
    if chosen.id in coordinates:
        figure.add_trace(_ring(coordinates[chosen.id], theme.TARGET, 30))
    figure.add_trace(_points("Target task", [chosen], coordinates, Look(notes=look.notes), theme.TARGET, "diamond", 15))
    _dress(figure, look.shading)
    return figure


def _dress(figure: go.Figure, shading: Shading | None) -> None:
    axis = {"showticklabels": False, "zeroline": False, "title": None, "showgrid": True}
    figure.update_layout(
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"},
        height=HEIGHT,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0},
        dragmode=False,
        hovermode="closest",
        uirevision="map",
    )
    if shading is not None:
        low, high = span(shading)
        figure.update_layout(
            coloraxis={
                "colorscale": theme.MAGNITUDES,
                "cmin": low - 1e-3 * (high - low),  # a tick on the very end would not be drawn
                "cmax": high + 1e-3 * (high - low),
                "colorbar": {
                    "orientation": "h",
                    "title": {"text": shading.title, "side": "top", "font": {"size": 13}},
                    "thickness": 10,
                    "x": 0,
                    "xanchor": "left",
                    "xpad": 24,  # room for half of the first tick's label
                    "ticklabeloverflow": "allow",
                    "len": 0.5,
                    "y": 1.0,
                    "yanchor": "bottom",
                    "tickmode": "array",
                    **_ticks(shading),
                },
            },
            margin={"t": 0},
        )


def span(shading: Shading) -> tuple[float, float]:
    """The least and the largest value; a little around a single one."""
    values = list(shading.values.values())
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(shading: Shading) -> dict[str, Any]:
    """The least and the largest value on the legend, as they read elsewhere."""
    ends = sorted(shading.values, key=lambda id: shading.values[id])
    shown = dict.fromkeys([ends[0], ends[-1]])
    if shading.values[ends[0]] == shading.values[ends[-1]]:
        shown = dict.fromkeys([ends[0]])
    return {"tickvals": [shading.values[id] for id in shown], "ticktext": [shading.texts[id] for id in shown]}


def apart(coordinates: Coordinates, ids: Sequence[str], least: float = APART) -> dict[str, tuple[float, float]]:
    """The coordinates with these points moved aside until each two are `least` of the map's span apart."""
    moved = dict(coordinates)
    placed = [id for id in ids if id in moved]
    if not placed:
        return moved
    gap = least * float(np.ptp(np.array(list(moved.values())), axis=0).max())
    points = [[float(x), float(y)] for x, y in (moved[id] for id in placed)]  # plain floats: few, and looked at often
    for _ in range(50):
        still = True
        for one, other in combinations(points, 2):
            x, y = other[0] - one[0], other[1] - one[1]
            distance = hypot(x, y)
            if distance < gap:
                still = False
                x, y = (x / distance, y / distance) if distance else (1.0, 0.0)
                push = (gap - distance) / 2
                one[0], one[1], other[0], other[1] = (
                    one[0] - x * push, one[1] - y * push, other[0] + x * push, other[1] + y * push
                )  # fmt: skip
        if still:
            break
    return moved | {id: (x, y) for id, (x, y) in zip(placed, points, strict=True)}


def task_map_alt(kind: str, chosen: Task, neighbours: Sequence[Task], trust: float) -> str:
    """What the map shows, in a sentence."""
    nearest = neighbours[0].id if neighbours else "none"
    return (
        f"{theme.LAYOUTS.get(kind, kind)} map of all tasks. Target {chosen.id} with lines to its {len(neighbours)} "
        f"neighbours; the most similar is {nearest}. Trustworthiness {theme.decimal(trust)}."
    )


def clicked_task(event: Mapping[str, Any]) -> str | None:
    """The task id of a Plotly selection event; None where nothing, or nothing with an id, was clicked."""
    for point in event.get("selection", {}).get("points", ()):
        found = point.get("customdata")
        found = found[0] if isinstance(found, list | tuple) and found else found
        if isinstance(found, str):
            return found
    return None


def _points(
    name: str,
    tasks: Sequence[Task],
    coordinates: Coordinates,
    look: Look,
    colour: str,
    symbol: str,
    size: int,
    ranked: bool = False,
) -> go.Scatter:
    placed = [(rank, task) for rank, task in enumerate(tasks, 1) if task.id in coordinates]
    ids = [task.id for _, task in placed]
    marker: dict[str, Any] = {
        "color": colour,
        "symbol": symbol,
        "size": size,
        "opacity": 1,
        # An outline tells apart points that touch, and takes a browser longer to draw than the points themselves.
        "line": {"width": 1 if len(ids) <= MANY else 0, "color": "white"},
    }
    ink: str | list[str] = "white"
    shading = look.shading
    if shading is not None and any(id in shading.values for id in ids):
        low, high = span(shading)
        values = [shading.values.get(id, low) for id in ids]
        # a colour axis would draw what has no value as the least one
        marker |= {"color": values, "coloraxis": "coloraxis"}
        if ranked:
            marker["line"] = {"width": 2.5, "color": theme.NEIGHBOUR}
            ink = ["#101418" if value > low + BRIGHT * (high - low) else "white" for value in values]
    elif shading is not None:
        marker |= {"color": theme.FAINT, "line": {"width": 1.5, "color": colour}}
    if look.found is not None:
        marker["opacity"] = [1.0 if id in look.found else DIMMED * (2 if ranked else 1) for id in ids]
        if not ranked:
            marker["size"] = [size + 3 if id in look.found else size for id in ids]
    kind = go.Scatter
    return kind(
        x=np.array([coordinates[id][0] for id in ids], np.float32),
        y=np.array([coordinates[id][1] for id in ids], np.float32),
        name=name,
        mode="markers+text" if ranked else "markers",
        text=[str(rank) for rank, _ in placed] if ranked else None,
        textfont={"color": ink, "size": 11},
        customdata=np.array(ids, object),
        hovertext=np.array([_hover(task, look.notes.get(task.id, "")) for _, task in placed], object),
        hovertemplate="%{hovertext}<extra></extra>",
        marker=marker,
        # Plotly would fade all points but the clicked one.
        selected={"marker": {"opacity": 1}} if look.found is None else None,
        unselected={"marker": {"opacity": 1}} if look.found is None else None,
    )


def _hover(task: Task, note: str) -> str:
    return f"<b>{task.id}</b><br>{class_lines(task)}" + (f"<br><i>{note}</i>" if note else "")


@lru_cache(maxsize=4096)
def class_lines(task: Task) -> str:
    """A task's classes, one a line; of many the first few, then how many there are."""
    lines = [theme.class_label(task.dataset, name) for name in task.classes[:LONGEST_TITLE]]
    more = [f"… ({len(task.classes)} classes)"] if len(task.classes) > LONGEST_TITLE else []
    return "<br>".join(lines + more)


def _lines(coordinates: Coordinates, chosen: Task, neighbours: Sequence[Task]) -> go.Scatter:
    (x, y), xs, ys = coordinates[chosen.id], [], []
    for task in neighbours:
        if task.id in coordinates:
            there = coordinates[task.id]
            xs += [x, there[0], None]
            ys += [y, there[1], None]
    line = {"color": theme.NEIGHBOUR, "width": 1.5}
    return go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _ring(where: tuple[float, float], colour: str, size: int, name: str | None = None) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 2.5}}
    return go.Scatter(
        x=[where[0]], y=[where[1]], mode="markers", marker=marker, hoverinfo="skip", name=name, showlegend=bool(name)
    )

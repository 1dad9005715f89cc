"""The map of tasks: every zoo task and target as a point, the chosen target ringed, lines to its neighbours."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.tasks.task import LONGEST_TITLE, Task
from dashboard import theme

Coordinates = Mapping[str, tuple[float, float]]
HEIGHT = 460
APART = 0.065  # of the span: on a phone, about a neighbour's circle


def task_map(
    zoo: Sequence[Task], targets: Sequence[Task], coordinates: Coordinates, chosen: Task, neighbours: Sequence[Task]
) -> go.Figure:
    """Points carry their task id as `customdata`, so that a click can be told. Tasks without a place are left out."""
    near = {task.id for task in neighbours}
    coordinates = apart(coordinates, [task.id for task in neighbours])
    others = [task for task in zoo if task.id not in near]
    rest = [task for task in targets if task.id != chosen.id]
    figure = go.Figure()
    if chosen.id in coordinates:
        figure.add_trace(_lines(coordinates, chosen, neighbours))
    figure.add_trace(_points("Zoo task", others, coordinates, theme.ZOO_TASK, "circle", 9))
    figure.add_trace(_points("Other target", rest, coordinates, theme.OTHER_TARGET, "diamond", 11))
    figure.add_trace(_points("Neighbour, by rank", neighbours, coordinates, theme.NEIGHBOUR, "circle", 19, ranked=True))
    if chosen.id in coordinates:
        figure.add_trace(_ring(coordinates[chosen.id]))
    figure.add_trace(_points("Target task", [chosen], coordinates, theme.TARGET, "diamond", 15))
    axis = {"showticklabels": False, "zeroline": False, "title": None, "showgrid": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x")
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0},
        dragmode=False,
        hovermode="closest",
    )
    return figure


def apart(coordinates: Coordinates, ids: Sequence[str], least: float = APART) -> dict[str, tuple[float, float]]:
    """The coordinates with these points moved aside until each two are `least` of the map's span apart."""
    moved = dict(coordinates)
    placed = [id for id in ids if id in moved]
    if not placed:
        return moved
    points = np.array([moved[id] for id in placed], np.float64)
    gap = least * float(np.ptp(np.array(list(moved.values())), axis=0).max())
    for _ in range(50):
        for i, j in combinations(range(len(points)), 2):
            way = points[j] - points[i]
            distance = float(np.hypot(*way))
            if distance < gap:
                way = way / distance if distance else np.array([1.0, 0.0])
                points[i] -= way * (gap - distance) / 2
                points[j] += way * (gap - distance) / 2
    return moved | {id: (float(x), float(y)) for id, (x, y) in zip(placed, points, strict=True)}


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
    colour: str,
    symbol: str,
    size: int,
    ranked: bool = False,
) -> go.Scatter:
    placed = [(rank, task) for rank, task in enumerate(tasks, 1) if task.id in coordinates]
    return go.Scatter(
        x=[coordinates[task.id][0] for _, task in placed],
        y=[coordinates[task.id][1] for _, task in placed],
        name=name,
        mode="markers+text" if ranked else "markers",
        text=[str(rank) for rank, _ in placed] if ranked else None,
        textfont={"color": "white", "size": 11},
        customdata=[task.id for _, task in placed],
        hovertext=[f"<b>{task.id}</b><br>{class_lines(task)}" for _, task in placed],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"color": colour, "symbol": symbol, "size": size, "opacity": 1, "line": {"width": 1, "color": "white"}},
        # Plotly would fade all points but the clicked one.
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


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


def _ring(where: tuple[float, float]) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": 30, "color": theme.TARGET, "line": {"width": 2.5}}
    return go.Scatter(x=[where[0]], y=[where[1]], mode="markers", marker=marker, hoverinfo="skip", showlegend=False)

"""Accuracy curves of several runs in one frame: in Vega for the page, where they may grow, in Plotly for reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd
import plotly.graph_objects as go

from core.reports.curves import MeanPoint, Point
from dashboard import theme
from dashboard.figures.marks import path_of, plotly_dash
from dashboard.theme import Style

HEIGHT = 360  # pixels
MOST_BANDS = 6  # more of them cover each other
TITLES = {"iterations": "Iteration", "macs": "Training MACs spent", "seconds": "Seconds since the start"}
FORMATS = {"iterations": ",d", "macs": "~s", "seconds": ",.1~f"}
COLUMNS = ["id", "name", "x", "accuracy", "low", "high"]


@dataclass(frozen=True)
class Line:
    """One curve: id, name, style, and points (x, accuracy, sample standard deviation or None), x ascending."""

    id: str
    name: str
    style: Style
    points: Sequence[tuple[float, float, float | None]]


def lines_of_runs(
    curves: Mapping[str, Sequence[Point]], names: Mapping[str, str], styles: Mapping[str, Style], axis: str
) -> list[Line]:
    """One line a run, against "iterations", "macs" or "seconds"; runs whose x is not known are left out."""
    lines = []
    for id, points in curves.items():
        told = [(_x(point, axis), point.accuracy, None) for point in points]
        known = [(x, accuracy, spread) for x, accuracy, spread in told if x is not None]
        if known:
            lines.append(Line(id, names[id], styles[id], known))
    return lines


def lines_of_means(
    means: Mapping[str, Sequence[MeanPoint]], names: Mapping[str, str], styles: Mapping[str, Style]
) -> list[Line]:
    """One line a group of runs, against iterations, with the spread over its runs."""
    return [
        Line(id, names[id], styles[id], [(float(point.iteration), point.accuracy, point.sd) for point in points])
        for id, points in means.items()
        if points
    ]


def _x(point: Point, axis: str) -> float | None:
    return point.macs if axis == "macs" else point.seconds if axis == "seconds" else float(point.iteration)


def overlay_data(lines: Sequence[Line]) -> pd.DataFrame:
    """One row a point: id, name, x, accuracy, and the ends of its spread."""
    rows = [
        (line.id, line.name, x, accuracy, max(0.0, accuracy - (spread or 0.0)), min(1.0, accuracy + (spread or 0.0)))
        for line in lines
        for x, accuracy, spread in line.points
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def overlay(lines: Sequence[Line], axis: str) -> alt.LayerChart | alt.FacetChart:
    """The curves in Vega, which takes growing data without flicker. No legend: the key stands above the views."""
    data, ids = overlay_data(lines), [line.id for line in lines]
    styles = [line.style for line in lines]
    colour = alt.Color("id:N", scale=alt.Scale(domain=ids, range=[style.colour for style in styles]), legend=None)
    dashes = [list(style.dash) or [1, 0] for style in styles]
    dash = alt.StrokeDash("id:N", scale=alt.Scale(domain=ids, range=dashes), legend=None)
    shape = alt.Shape("id:N", scale=alt.Scale(domain=ids, range=[path_of(one.symbol) for one in styles]), legend=None)
    x = alt.X(
        "x:Q",
        title=TITLES[axis],
        axis=alt.Axis(format=FORMATS[axis], grid=False, tickMinStep=1 if axis == "iterations" else 0),
    )
    y = alt.Y("accuracy:Q", title="Validation accuracy", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    tip = [
        alt.Tooltip("name:N", title="Run"),
        alt.Tooltip("x:Q", title=TITLES[axis], format=".3s" if axis == "macs" else FORMATS[axis]),
        alt.Tooltip("accuracy:Q", title="Accuracy", format=".1%"),
    ]
    base = alt.Chart(data).encode(x=x, color=colour)
    layers: list[alt.Chart] = []
    if len(lines) <= MOST_BANDS and any(spread for line in lines for _, _, spread in line.points):
        layers.append(
            base.mark_area(opacity=0.14, line=False).encode(y=alt.Y("low:Q", title="Validation accuracy"), y2="high:Q")
        )
    layers.append(base.mark_line(strokeWidth=2.5).encode(y=y, strokeDash=dash))
    hollow = [line.id for line in lines if line.style.symbol.endswith("-open")]
    for kind, filled in (
        (alt.FieldOneOfPredicate("id", [id for id in ids if id not in hollow]), True),
        (alt.FieldOneOfPredicate("id", hollow), False),
    ):
        points = base.transform_filter(kind).mark_point(filled=filled, size=60, strokeWidth=2, opacity=1)
        layers.append(points.encode(y=y, shape=shape, tooltip=tip))
    drawn: alt.LayerChart = alt.layer(*layers).properties(height=HEIGHT).configure(locale=theme.VEGA_LOCALE)
    return drawn


def overlay_still(lines: Sequence[Line], axis: str) -> go.Figure:
    """The same curves in Plotly, for a report: names in the legend."""
    figure = go.Figure()
    for line in lines:
        figure.add_trace(
            go.Scatter(
                x=[x for x, _, _ in line.points],
                y=[100 * accuracy for _, accuracy, _ in line.points],
                error_y={
                    "type": "data",
                    "array": [100 * (spread or 0.0) for _, _, spread in line.points],
                    "thickness": 1,
                },
                mode="lines+markers",
                name=line.name,
                line={"color": line.style.colour, "width": theme.LINE, "dash": plotly_dash(line.style)},
                marker={"symbol": line.style.symbol, "size": 8},
                hovertemplate="%{y:.1f} % at %{x:.4~s}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title=TITLES[axis])
    figure.update_yaxes(title="Validation accuracy", **theme.PERCENT_TICKS)
    legend = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}
    figure.update_layout(height=HEIGHT + 90, margin={"l": 4, "r": 8, "t": 8, "b": 4}, legend=legend)
    return figure


def overlay_alt(lines: Sequence[Line], axis: str) -> str:
    """Who ends highest, and how far the others are behind."""
    if not lines:
        return "No curve can be drawn yet."
    ends = sorted(((line.points[-1][1], line.name) for line in lines), reverse=True)
    best = f"{ends[0][1]} ends highest, at {theme.percent(ends[0][0], 1)} on validation"
    if len(ends) == 1:
        return f"Validation accuracy against {TITLES[axis].lower()}. {best}."
    return (
        f"Validation accuracy of {len(lines)} curves against {TITLES[axis].lower()}. {best}; "
        f"{ends[-1][1]} lowest, at {theme.percent(ends[-1][0], 1)}."
    )

"""Overlap (IoU) of the neighbours' selections, always beside what chance alone would give."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.channels.overlaps import overlap_matrix
from core.channels.selection import Selection, chance_overlap
from dashboard import theme

CELL = 46  # pixels
MOST_NUMBERS = 12  # tasks, up to which each cell has its number


def chance_in(selections: Sequence[Selection], group: str) -> float:
    """The overlap to expect of two random selections that keep as much as these do on average."""
    return chance_overlap(float(np.mean([selection.keep_ratio(group) for selection in selections])))


def mean_overlap_by_group(selections: Sequence[Selection]) -> dict[str, float]:
    """Mean IoU over all pairs, per group in depth order. Needs two selections or more."""
    return {group: float(np.nanmean(overlap_matrix(selections, group))) for group in selections[0].groups}


def overlap_heatmap(matrix: npt.NDArray[np.float64], labels: Sequence[str], chance: float) -> go.Figure:
    """The matrix with its numbers, the chance level marked on the colour scale."""
    known, few = matrix[np.isfinite(matrix)], len(labels) <= MOST_NUMBERS
    top = max(float(known.max()), 2 * chance)
    texts = [["" if np.isnan(value) else theme.decimal(value) for value in row] for row in matrix]
    bar = {
        "tickvals": [0, chance, top],
        "ticktext": ["0", f"chance {theme.decimal(chance)}", theme.decimal(top)],
        "thickness": 12,
        "outlinewidth": 0,
    }
    figure = go.Figure(
        go.Heatmap(
            z=matrix,
            x=list(labels),
            y=list(labels),
            zmin=0,
            zmax=top,
            colorscale=theme.MAGNITUDES,
            colorbar=bar,
            text=texts if few else None,
            texttemplate="%{text}" if few else None,
            textfont={"size": 13},
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
            hoverongaps=False,
            xgap=2 if few else 0,  # on a phone, gaps between many would be all there is to see
            ygap=2 if few else 0,
        )
    )
    figure.update_xaxes(showgrid=False, tickangle=-45)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    height = min(680, 130 + CELL * len(labels))
    figure.update_layout(
        height=height, margin={"l": 4, "r": 4, "t": 8, "b": 4}, plot_bgcolor=theme.FAINT, dragmode=False
    )
    return figure


DEPTH_LINES = (  # of whom, colour, dash
    ("Neighbours", theme.NEIGHBOUR, "solid"),
    ("Similar pairs", theme.SIMILAR, "dot"),
    ("Dissimilar pairs", theme.DISSIMILAR, "dashdot"),
)


def overlap_by_depth(lines: Mapping[str, Mapping[str, float]], chances: Mapping[str, float], group: str) -> go.Figure:
    """Mean overlap from the first group to the last, a line for each kind of pair, with chance as a dashed line."""
    groups = list(chances)
    depth = [*range(1, len(groups) + 1)]
    figure = go.Figure()
    for name, colour, dash in DEPTH_LINES:
        if name not in lines:
            continue
        figure.add_trace(
            go.Scatter(
                x=depth,
                y=[lines[name][each] for each in groups],
                mode="lines+markers",
                name=name,
                line={"color": colour, "width": theme.LINE, "dash": dash},
                customdata=groups,
                hovertemplate="%{customdata}: %{y:.2f}<extra>" + name + "</extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=depth,
            y=[chances[name] for name in groups],
            mode="lines",
            name="Chance",
            line={"color": theme.CHANCE, "width": theme.LINE, "dash": "dash"},
            hovertemplate="chance: %{y:.2f}<extra></extra>",
        )
    )
    here = groups.index(group)
    ring = {"size": 15, "symbol": "circle-open", "color": theme.TARGET, "line": {"width": 2.5}}
    spot = {"x": [depth[here]], "y": [next(iter(lines.values()))[group]]}
    figure.add_trace(go.Scatter(**spot, mode="markers", marker=ring, name="This group", hoverinfo="skip"))
    figure.update_xaxes(title="Channel group, by depth", dtick=max(1, len(groups) // 10))
    figure.update_yaxes(title="Mean overlap", rangemode="tozero")
    figure.update_layout(
        height=330,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
    )
    return figure

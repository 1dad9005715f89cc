"""The true similarities behind the map: the zoo tasks nearest to the target, within the span of the whole zoo."""

from collections.abc import Collection, Sequence
from statistics import median

import plotly.graph_objects as go

from dashboard import theme

LEAST_ROWS = 10
ROW = 26  # pixels


def similarity_chart(ranked: Sequence[tuple[str, float]], near: Collection[str], measure: str) -> go.Figure:
    """`ranked`: (task id, similarity) of all zoo tasks, best first; `near`: ids of the neighbours among them.

    All neighbours are shown, and the most similar others, up to so many rows. Dots, not bars: none of the measures has
    a zero to draw a bar from.
    """
    others = [id for id, _ in ranked if id not in near][: max(0, LEAST_ROWS - len(near))]
    rows = [row for row in ranked if row[0] in near or row[0] in others]
    values = [value for _, value in ranked]
    low, high = min(values), max(values)
    pad = (high - low) * 0.06 or 1.0
    figure = go.Figure()
    for name, part, colour, symbol in (
        ("Neighbour", [row for row in rows if row[0] in near], theme.NEIGHBOUR, "circle"),
        ("Does not vote", [row for row in rows if row[0] not in near], theme.ZOO_TASK, "circle-open"),
    ):
        figure.add_trace(_dots(name, part, low - pad, colour, symbol))
    middle = median(values)
    title = theme.SIMILARITIES.get(measure, measure)
    figure.update_layout(
        xaxis={"range": [low - pad, high + pad], "title": f"Similarity ({title}), larger is better"},
        yaxis={
            "autorange": "reversed",
            "title": None,
            "showgrid": False,
            # in order of similarity, whichever trace a row is of
            "categoryorder": "array",
            "categoryarray": [id for id, _ in rows],
        },
        shapes=[
            {
                **{"type": "line", "x0": middle, "x1": middle, "y0": 0, "y1": 1, "yref": "paper"},
                "line": {"color": theme.GREY, "dash": "dot", "width": 1.5},
            }
        ],
        annotations=[
            {
                **{"x": middle, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False},
                **{"text": "median of the zoo", "font": {"size": 11}},
            }
        ],
        height=96 + ROW * len(rows),
        margin={"l": 4, "r": 8, "t": 22, "b": 4},
        showlegend=False,
        dragmode=False,
    )
    return figure


def similarity_alt(ranked: Sequence[tuple[str, float]], near: Collection[str], measure: str) -> str:
    """What the chart shows, in a sentence."""
    values = [value for id, value in ranked if id in near]
    return (
        f"{theme.SIMILARITIES.get(measure, measure)} of the {len(values)} neighbours runs from "
        f"{theme.decimal(values[0])} to {theme.decimal(values[-1])}; the zoo's median is "
        f"{theme.decimal(median(value for _, value in ranked))}."
    )


def _dots(name: str, rows: Sequence[tuple[str, float]], start: float, colour: str, symbol: str) -> go.Scatter:
    """Each dot with a line from the left edge, drawn as an error bar that reaches there."""
    values = [value for _, value in rows]
    return go.Scatter(
        x=values,
        y=[id for id, _ in rows],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2, "color": colour}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0] * len(rows),
            "arrayminus": [value - start for value in values],
            "thickness": 1.5,
            "width": 0,
            "color": colour,
        },
        hovertemplate="%{y}: %{x:.3f}<extra>" + name + "</extra>",
    )

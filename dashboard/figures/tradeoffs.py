"""Accuracy against what it costs, with the Pareto front: nothing on it is beaten in both at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from core.reports.pareto import pareto_front
from dashboard import theme
from dashboard.theme import Style

HEIGHT = 330  # pixels
WIDE = 6.0  # largest cost over smallest from which the axis is logarithmic


@dataclass(frozen=True)
class Spot:
    """One run, or the mean of several, with its accuracy, sample standard deviation or None, and cost."""

    id: str
    name: str
    style: Style
    accuracy: float
    sd: float | None
    cost: float


def tradeoff(spots: Sequence[Spot], title: str, front: bool = True) -> go.Figure:
    """A mark a spot, costs to the right; with `front`, those that nothing beats joined by a stepped line."""
    figure = go.Figure()
    if front and len(spots) > 1:
        best = [spots[i] for i in pareto_front([(spot.cost, spot.accuracy) for spot in spots])]
        figure.add_trace(
            go.Scatter(
                x=[spot.cost for spot in best],
                y=[100 * spot.accuracy for spot in best],
                mode="lines",
                line={"color": theme.GREY, "width": 1.5, "shape": "hv", "dash": "dot"},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    for spot in spots:
        figure.add_trace(
            go.Scatter(
                x=[spot.cost],
                y=[100 * spot.accuracy],
                error_y={"type": "data", "array": [100 * spot.sd], "thickness": 1.2, "width": 3} if spot.sd else None,
                mode="markers",
                name=spot.name,
                marker={
                    "color": spot.style.colour,
                    "symbol": spot.style.symbol,
                    "size": 13,
                    "line": {"width": 2 if spot.style.symbol.endswith("-open") else 0, "color": spot.style.colour},
                },
                customdata=[_told(spot.cost)],
                hovertemplate="%{y:.1f} % · %{customdata}<extra>%{fullData.name}</extra>",
                showlegend=False,
            )
        )
    figure.update_xaxes(**_axis(title, [spot.cost for spot in spots]))
    figure.update_yaxes(title="Test accuracy", **theme.PERCENT_TICKS)
    figure.update_layout(height=HEIGHT, margin={"l": 4, "r": 8, "t": 8, "b": 4}, dragmode=False)
    return figure


def _axis(title: str, costs: Sequence[float]) -> dict[str, Any]:
    """A plain axis, or where costs span a wide range a logarithmic one with a few round numbers on it."""
    if not costs or min(costs) <= 0 or max(costs) / min(costs) < WIDE:
        return {"title": title}
    low, high = min(costs) / 1.6, max(costs) * 1.6
    steps = (1, 3) if high / low < 200 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    return {
        "title": f"{title}, logarithmic",
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [_told(tick).replace(".0 ", " ") for tick in ticks],
    }


def _told(cost: float) -> str:
    """A cost in three digits or so, large or small."""
    return theme.short(cost) if cost >= 100 else f"{cost:.3g}"


def tradeoff_alt(spots: Sequence[Spot], title: str, front: bool = True) -> str:
    """Which spots nothing beats."""
    what = f"Test accuracy against {title[0].lower()}{title[1:]}"
    if not front or len(spots) < 2:
        return f"{what}, {len(spots)} marks."
    best = [spots[i].name for i in pareto_front([(spot.cost, spot.accuracy) for spot in spots])]
    return f"{what}. Nothing beats {', '.join(best[:4])}{' and others' if len(best) > 4 else ''}."

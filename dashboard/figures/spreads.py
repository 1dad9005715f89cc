"""Mean and spread: every run as a dot, in a row with the runs that differ from it in task or seed alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard import theme
from dashboard.theme import Style

ROW = 46  # pixels


@dataclass(frozen=True)
class Bundle:
    """Runs of one kind: name, style, accuracies, their mean, and the sample standard deviation (None for one)."""

    name: str
    style: Style
    accuracies: Sequence[float]
    mean: float
    sd: float | None


def spread(bundles: Sequence[Bundle]) -> go.Figure:
    """A row a bundle: its runs as faint dots, its mean as a mark with the standard deviation to both sides."""
    figure = go.Figure()
    for bundle in bundles:
        colour = bundle.style.colour
        figure.add_trace(
            go.Scatter(
                x=[100 * one for one in bundle.accuracies] if len(bundle.accuracies) > 1 else [],
                y=[bundle.name] * len(bundle.accuracies) if len(bundle.accuracies) > 1 else [],
                mode="markers",
                marker={"color": colour, "size": 7, "opacity": 0.4},
                hovertemplate="%{x:.1f} %<extra>one run</extra>",
                showlegend=False,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=[100 * bundle.mean],
                y=[bundle.name],
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": bundle.style.symbol,
                    "size": 14,
                    "line": {"width": 2, "color": colour},
                },
                error_x={"type": "data", "array": [100 * bundle.sd], "thickness": 2, "width": 6, "color": colour}
                if bundle.sd
                else None,
                hovertemplate="mean %{x:.1f} %<extra>%{y}</extra>",
                showlegend=False,
            )
        )
    figure.update_xaxes(title="Test accuracy", **theme.PERCENT_TICKS)
    figure.update_yaxes(autorange="reversed", automargin=True, ticklabelstandoff=6)
    figure.update_layout(height=80 + ROW * len(bundles), margin={"l": 4, "r": 8, "t": 8, "b": 4}, dragmode=False)
    return figure


def spread_alt(bundles: Sequence[Bundle]) -> str:
    """The best mean with its spread, beside the next."""
    ordered = sorted(bundles, key=lambda one: -one.mean)
    told = [
        f"{one.name} {theme.percent(one.mean, 1)}{f' ± {theme.percent(one.sd, 1)}' if one.sd else ''}"
        for one in ordered
    ]
    return "Mean test accuracy and standard deviation: " + "; ".join(told[:6]) + "."

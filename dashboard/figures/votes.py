"""Votes of one channel group: who kept which channel, and how many votes channels got."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.channels.selection import Selection
from core.voting import Votes
from dashboard import theme

MOST_BINS, MOST_NAMED = 24, 8
ROW = 34  # pixels


def channel_order(votes: Votes, selection: Selection, group: str) -> npt.NDArray[np.int64]:
    """Original channel indices [n_g]: selected ones first, each part by votes, most first, then by index."""
    table = votes.table(group)
    return np.lexsort((np.arange(len(table)), -table, ~selection.mask(group)))


def rank_within(importance: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Each row's kept entries as ranks in (0, 1], 1 the most important; NaN elsewhere. [K, n] -> [K, n].

    Importances are heavy-tailed: as they are, all but a few would look alike.
    """
    ranks = np.full(importance.shape, np.nan)
    for row, (values, mask) in enumerate(zip(importance, kept, strict=True)):
        known = mask & np.isfinite(values)
        if known.any():
            ranks[row, known] = (np.argsort(np.argsort(values[known])) + 1) / known.sum()
    return ranks


def vote_heatmap(
    votes: Votes, selection: Selection, group: str, labels: Sequence[str], by: str, channel: int | None = None
) -> go.Figure:
    """Rows are neighbours, columns channels; coloured where kept, by "importance" rank or by vote "weight".

    A line divides the selected channels, on the left, from the others; an arrow marks the `channel` that is looked at.
    """
    order = channel_order(votes, selection, group)
    kept = votes.voters(group)[:, order]
    if by == "weight":
        z, title = np.where(kept, votes.shares[group][:, order], np.nan), "vote"
    else:
        z, title = rank_within(votes.importance(group)[:, order], kept), "importance"
    figure = go.Figure(
        go.Heatmap(
            z=z,
            y=list(labels),
            colorscale=theme.MAGNITUDES,
            zmin=0 if by == "weight" else None,
            colorbar=_colour_bar(title, z, by),
            hoverinfo="skip",
            ygap=3,
        )
    )
    figure.add_trace(_columns(votes, selection, group, order, labels))
    if channel is not None:
        place = int(np.flatnonzero(order == channel)[0])
        arrow = {"arrowhead": 2, "arrowcolor": theme.TARGET, "arrowwidth": 2.5, "ax": 0, "ay": 26, "text": ""}
        figure.add_annotation(x=place, y=0, yref="paper", yanchor="top", showarrow=True, **arrow)
    seats = len(selection.kept[group])
    figure.add_vline(x=seats - 0.5, line={"color": theme.TARGET, "width": 2})
    for text, side in ((f"{seats} selected", "right"), ("others", "left")):
        figure.add_annotation(
            x=seats - 0.5, y=1, yref="paper", yanchor="bottom", xanchor=side, yshift=3, showarrow=False, text=text
        )
    figure.update_xaxes(title="Channels, most votes first", showgrid=False, zeroline=False, showticklabels=False)
    figure.update_xaxes(range=[-0.5, len(order) - 0.5])
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    figure.update_layout(
        height=156 + ROW * len(labels),
        margin={"l": 4, "r": 4, "t": 26, "b": 80},
        plot_bgcolor=theme.FAINT,
        dragmode="zoom",
        hovermode="closest",
        hoverdistance=-1,  # the column under the pointer, however far above or below it the pointer is
        showlegend=False,
    )
    return figure


def _columns(
    votes: Votes, selection: Selection, group: str, order: npt.NDArray[np.int64], labels: Sequence[str]
) -> go.Scatter:
    """Points that nobody sees, one a column: a heatmap's own clicks never reach Python."""
    voters, table = votes.voters(group), votes.table(group)
    texts = []
    for channel in order:
        names = "".join(f"<br>✓ {labels[row]}" for row in np.flatnonzero(voters[:, channel])[:MOST_NAMED])
        more = int(voters[:, channel].sum()) - MOST_NAMED
        fate = "kept" if selection.mask(group)[channel] else "dropped"
        rest = f"<br>and {more} more" if more > 0 else ""
        texts.append(f"channel {channel}: {fate}, votes {theme.decimal(float(table[channel]))}{names}{rest}")
    return go.Scatter(
        x=[*range(len(order))],
        y=[labels[len(labels) // 2]] * len(order),
        mode="markers",
        marker={"opacity": 0, "size": 4},
        customdata=order.tolist(),
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )


def clicked_channel(event: Mapping[str, Any]) -> int | None:
    """The channel of a clicked column; None where nothing was chosen."""
    points = event.get("selection", {}).get("points", [])
    found = points[0].get("customdata") if points else None
    return int(found[0] if isinstance(found, list) else found) if found is not None else None


def vote_histogram(votes: Votes, selection: Selection, group: str) -> go.Figure:
    """Number of channels per number of votes, selected and not; a line at the fewest votes that were selected."""
    table, chosen = votes.table(group), selection.mask(group)
    edges = _edges(table, len(votes.ballots), votes.weighting)
    centres = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for name, part, colour, pattern in (
        ("Selected", chosen, theme.SELECTED, ""),
        ("Not selected", ~chosen, theme.NOT_SELECTED, "/"),
    ):
        heights, _ = np.histogram(table[part], edges)
        figure.add_trace(
            go.Bar(
                x=centres,
                y=heights,
                name=name,
                marker={"color": colour, "pattern": {"shape": pattern, "size": 5}},
                width=0.86 * (edges[1] - edges[0]),
                hovertemplate="%{y} channels<extra>" + name + "</extra>",
            )
        )
    least = float(table[chosen].min())
    figure.add_vline(x=least, line={"color": theme.TARGET, "dash": "dash", "width": 2})
    figure.add_annotation(
        x=least, y=1, yref="paper", yanchor="bottom", showarrow=False, text=f"threshold {theme.decimal(least, 2)}"
    )
    ticks = {"dtick": 1} if votes.weighting == "count" else {}
    figure.update_xaxes(title="Votes for a channel", **ticks)
    figure.update_yaxes(title="Channels")
    figure.update_layout(
        height=300,
        barmode="stack",
        bargap=0.1,
        margin={"l": 4, "r": 4, "t": 26, "b": 4},
        legend={"orientation": "h", "y": -0.28, "x": 0},
        dragmode=False,
    )
    return figure


def _edges(table: npt.NDArray[np.float64], ballots: int, weighting: str) -> npt.NDArray[np.float64]:
    if weighting == "count":
        return np.arange(ballots + 2, dtype=np.float64) - 0.5
    most = float(table.max()) * (1 + 1e-9) or 1.0
    return np.arange(MOST_BINS + 1, dtype=np.float64) * (most / MOST_BINS)


def _colour_bar(title: str, z: npt.NDArray[np.float64], by: str) -> dict[str, object]:
    # Below the channels, as a phone has no width to spare beside them; a title would be drawn over it there.
    bar: dict[str, object] = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "len": 0.5}
    bar |= {"thickness": 10, "outlinewidth": 0}
    known = z[np.isfinite(z)]
    if known.size:
        low, high = (0.0 if by == "weight" else float(known.min())), float(known.max())
        ends = ["no vote", f"{title} of {high:.3g}"] if by == "weight" else [f"low {title}", f"high {title}"]
        bar |= {"tickvals": [low, high], "ticktext": ends}
    return bar

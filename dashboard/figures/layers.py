"""How many channels runs keep in each group, and how far the masks of two runs agree, group by group."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.pruning.events import Pruned
from core.reports.masks import GroupMasks
from dashboard import theme
from dashboard.figures.marks import plotly_dash
from dashboard.theme import Style

PLAIN = {"l": 4, "r": 8, "t": 8, "b": 4}
# White figures reach 4.5:1 on each.
ONLY_A, BOTH, ONLY_B = theme.BLUE, theme.SHADES_OF[theme.GREY][1], theme.SHADES_OF[theme.VERMILION][1]


def alike(pruned: Mapping[str, Pruned]) -> dict[tuple[tuple[str, int], ...], list[str]]:
    """Runs that keep equally many channels in every group, together: those counts -> run ids."""
    found: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for id, event in pruned.items():
        found.setdefault(tuple(event.kept.items()), []).append(id)
    return found


def kept_by_layer(pruned: Mapping[str, Pruned], names: Mapping[str, str], styles: Mapping[str, Style]) -> go.Figure:
    """Share of channels removed in each group, by depth; runs that are alike share a line."""
    figure = go.Figure()
    for ids in alike(pruned).values():
        event, style = pruned[ids[0]], styles[ids[0]]
        name = names[ids[0]] if len(ids) == 1 else f"{names[ids[0]]} and {len(ids) - 1} alike"
        groups = list(event.kept)
        figure.add_trace(
            go.Scatter(
                x=groups,
                y=[100 - 100 * event.kept[group] / event.sizes[group] for group in groups],
                mode="lines+markers",
                name=name,
                line={"color": style.colour, "width": theme.LINE, "dash": plotly_dash(style)},
                marker={"symbol": style.symbol, "size": 9},
                customdata=[[event.kept[group], event.sizes[group]] for group in groups],
                hovertemplate="%{x}: %{y:.1f} % removed, %{customdata[0]} of %{customdata[1]} kept"
                "<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title=None, tickangle=-45)
    figure.update_yaxes(title="Channels removed", **theme.PERCENT_TICKS, range=[0, 103])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    several = len(figure.data) > 1
    figure.update_layout(
        height=380 if several else 250, margin=PLAIN, dragmode=False, showlegend=several, legend=legend
    )
    return figure


def masks_by_layer(masks: Sequence[GroupMasks]) -> go.Figure:
    """Of the channels that either run keeps, the share kept by both and by one alone, group by group."""
    groups = [f"{one.group} " for one in masks]
    figure = go.Figure()
    parts = (
        ("only the baseline", [one.only_a for one in masks], ONLY_A),
        ("both", [one.both for one in masks], BOTH),
        ("only the other", [one.only_b for one in masks], ONLY_B),
    )
    either = [one.both + one.only_a + one.only_b for one in masks]
    for name, counts, colour in parts:
        figure.add_trace(
            go.Bar(
                y=groups,
                x=[100 * count / whole for count, whole in zip(counts, either, strict=True)],
                orientation="h",
                name=name,
                marker={"color": colour},
                text=[str(count) if count else "" for count in counts],
                textposition="inside",
                insidetextanchor="middle",
                insidetextfont={"color": theme.WHITE},
                textangle=0,
                customdata=counts,
                hovertemplate="%{y}: %{customdata} channels kept by " + name + "<extra></extra>",
            )
        )
    figure.update_xaxes(title="Channels that either keeps", **theme.PERCENT_TICKS, range=[0, 100])
    figure.update_yaxes(autorange="reversed", ticks="")
    legend = {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    figure.update_layout(
        barmode="stack", height=110 + 26 * len(masks), margin=PLAIN, legend=legend, dragmode=False, bargap=0.25
    )
    return figure


def overlap_of_two(masks: Sequence[GroupMasks]) -> go.Figure:
    """Overlap by depth beside what two random masks of these sizes would reach."""
    groups = [one.group for one in masks]
    figure = go.Figure()
    for name, values, colour, dash, symbol in (
        ("Overlap", [one.overlap for one in masks], theme.BLUE, "solid", "circle"),
        ("Chance", [one.chance for one in masks], theme.CHANCE, "dash", "line-ew"),
    ):
        line = {"color": colour, "width": theme.LINE, "dash": dash}
        mode = "lines+markers" if symbol == "circle" else "lines"
        template = "%{x}: %{y:.2f}<extra>" + name + "</extra>"
        figure.add_trace(
            go.Scatter(x=groups, y=values, name=name, mode=mode, line=line, marker={"size": 9}, hovertemplate=template)
        )
    figure.update_xaxes(tickangle=-45)
    figure.update_yaxes(title="Overlap", range=[0, 1.03])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(height=110 + 26 * len(masks), margin=PLAIN, legend=legend, dragmode=False)
    return figure

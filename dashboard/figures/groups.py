"""All channel groups at a glance: what is kept by all, what is contested, what nobody wants; and what would change."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import plotly.graph_objects as go

from core.channels.selection import Selection
from core.voting import Votes
from dashboard import theme

# (name, colour, hatching): what is kept is blue, what is dropped grey; what neighbours disagree about is hatched.
KINDS = (
    ("Kept, all agree", theme.SELECTED, None),
    ("Kept, contested", "rgba(0, 114, 178, 0.35)", theme.SELECTED),
    ("Dropped, contested", theme.FAINT, theme.NOT_SELECTED),
    ("Dropped, all agree", theme.FAINT, None),
)


@dataclass(frozen=True)
class Tally:
    """Channels of one group: selected and wanted by all, selected otherwise, not selected though wanted, unwanted."""

    agreed: int
    contested: int
    lost: int
    unwanted: int

    @property
    def size(self) -> int:
        """Channels of the group."""
        return sum(astuple(self))


def tallies(votes: Votes, selection: Selection) -> dict[str, Tally]:
    """Group -> its tally, in depth order."""
    found = {}
    for group in votes.groups:
        voters, chosen = votes.voters(group), selection.mask(group)
        everyone, anyone = voters.all(axis=0), voters.any(axis=0)
        counts = (chosen & everyone, chosen & ~everyone, ~chosen & anyone, ~chosen & ~anyone)
        found[group] = Tally(*(int(each.sum()) for each in counts))
    return found


def groups_overview(counts: Mapping[str, Tally], open_group: str) -> go.Figure:
    """One bar a group, in depth order, cut into the four kinds; a click gives the group's name."""
    groups = list(counts)
    figure = go.Figure()
    for place, (name, colour, hatching) in enumerate(KINDS):
        numbers = [astuple(counts[group])[place] for group in groups]
        figure.add_trace(
            go.Bar(
                x=groups,
                y=[100 * number / counts[group].size for number, group in zip(numbers, groups, strict=True)],
                name=name,
                customdata=[[group, number, counts[group].size] for number, group in zip(numbers, groups, strict=True)],
                marker={"color": colour, "pattern": _hatched(hatching)},
                hovertemplate="%{customdata[0]}<br>%{customdata[1]} of %{customdata[2]} channels<extra>"
                + name
                + "</extra>",
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        )
    here = groups.index(open_group)
    figure.add_shape(
        type="rect", x0=here - 0.46, x1=here + 0.46, y0=0, y1=100, line={"color": theme.TARGET, "width": 2.5}
    )
    figure.update_xaxes(title="Channel group, from the input to the output", tickangle=-40, showgrid=False)
    figure.update_yaxes(title="Share of its channels", **theme.PERCENT_TICKS, range=[0, 101])
    figure.update_layout(
        height=400,
        barmode="stack",
        bargap=0.18,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        dragmode=False,
    )
    return figure


def _hatched(colour: str | None) -> dict[str, object]:
    return {"shape": "/", "size": 6, "fillmode": "overlay", "fgcolor": colour, "fgopacity": 1} if colour else {}


def changed(before: Selection, after: Selection) -> dict[str, tuple[list[int], list[int]]]:
    """Group -> (channels that are kept only before, those kept only after)."""
    return {
        group: (
            sorted(set(before.kept[group]) - set(after.kept[group])),
            sorted(set(after.kept[group]) - set(before.kept[group])),
        )
        for group in before.groups
    }


def changes_chart(before: Selection, after: Selection, open_group: str) -> go.Figure:
    """Per group, the share of the selected channels that would be others; a line at what chance alone would change."""
    swaps = changed(before, after)
    groups = list(swaps)
    shares = [100 * len(swaps[group][0]) / len(before.kept[group]) for group in groups]
    details = [[group, len(swaps[group][0]), len(before.kept[group])] for group in groups]
    figure = go.Figure(
        go.Bar(
            x=groups,
            y=shares,
            name="Would change",
            customdata=details,
            marker={"color": [theme.TARGET if group == open_group else theme.SELECTED for group in groups]},
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} of %{customdata[2]} selected change<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    figure.add_trace(
        go.Scatter(
            x=groups,
            y=[100 - 100 * before.keep_ratio(group) for group in groups],
            mode="lines",
            name="Chance: another random selection",
            line={"color": theme.CHANCE, "dash": "dash", "width": theme.LINE},
            hovertemplate="chance: %{y:.0f} %<extra></extra>",
        )
    )
    figure.update_xaxes(title="Channel group, from the input to the output", tickangle=-40, showgrid=False)
    figure.update_yaxes(title="Selected channels that change", **theme.PERCENT_TICKS, range=[0, 102])
    figure.update_layout(
        height=340,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
        bargap=0.25,
    )
    return figure

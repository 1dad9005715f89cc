"""The network, drawn layer by layer as it shrinks: each channel group as wide as the channels it still has."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from core.pruning.events import Pruned
from dashboard import theme

HEIGHT, STEPS, BAR = 380, (17, 30), 0.68  # pixels in all, least and most for a group; share of that for its bar
ROOM = 0.3  # of the widest bar, to the right of it, for the counts
DATA = "groups"


def network_chart(sizes: Mapping[str, int], kept: Mapping[str, int], colour: str) -> dict[str, Any]:
    """One row a channel group from input to output: what the backbone had, faint, and what is kept, in colour.

    A Vega-Lite chart that only differs in its data while the network shrinks.
    """
    step = min(STEPS[1], max(STEPS[0], HEIGHT // max(1, len(sizes))))
    bar = round(BAR * step)
    widest = max(sizes.values(), default=1)
    y = alt.Y(
        "group:N",
        sort=list(sizes),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelLimit=130, labelOverlap=False, grid=False),
    )
    x: dict[str, Any] = {"scale": alt.Scale(domain=[-widest / 2, (0.5 + ROOM) * widest], nice=False), "axis": None}
    base = alt.Chart(alt.NamedData(DATA)).encode(
        y=y, tooltip=["group:N", alt.Tooltip("kept:Q", title="kept"), alt.Tooltip("size:Q", title="of")]
    )
    whole = base.mark_bar(height=bar, color=theme.GREY, opacity=0.25, cornerRadius=2).encode(
        x=alt.X("full_from:Q", **x), x2="full_to:Q"
    )
    slim = base.mark_bar(height=bar, color=colour, cornerRadius=2).encode(x=alt.X("from:Q", **x), x2="to:Q")
    count = base.mark_text(align="right", baseline="middle", color=theme.GREY, fontSize=11).encode(
        text="text:N", x=alt.value("width")
    )
    layers = [one.properties(name=name) for name, one in (("whole", whole), ("kept", slim), ("count", count))]
    chart = alt.layer(*layers).properties(height={"step": step}, width="container").configure_view(strokeOpacity=0)
    spec: dict[str, Any] = chart.to_dict()
    return spec | {"datasets": {DATA: network_rows(sizes, kept)}}


def network_rows(sizes: Mapping[str, int], kept: Mapping[str, int]) -> pd.DataFrame:
    """One row a group: its channels, those kept, and the two bars' ends about the middle."""
    rows = [
        (name, size, kept.get(name, size), -size / 2, size / 2, -kept.get(name, size) / 2, kept.get(name, size) / 2)
        for name, size in sizes.items()
    ]
    columns = ["group", "size", "kept", "full_from", "full_to", "from", "to"]
    data = pd.DataFrame(rows, columns=columns)
    return data.assign(text=[f"{kept} / {size}" for kept, size in zip(data["kept"], data["size"], strict=True)])


def network_takeaway(event: Pruned, dense_params: int | None) -> str:
    """What the drawing says, in a sentence."""
    have, had = sum(event.kept.values()), sum(event.sizes.values())
    of = f" of {theme.short(dense_params)}" if dense_params else ""
    return (
        f"{theme.count(have)} of {theme.count(had)} channels are left in {len(event.sizes)} groups: "
        f"{theme.short(event.params)}{of} parameters, {theme.short(event.macs)} MACs."
    )

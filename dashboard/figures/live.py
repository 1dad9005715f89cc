"""A run on one clock: accuracy, loss and sparsity below each other, with its phases as bands behind them.

The specification depends on nothing that grows while the run does: only the data change, so that the browser keeps the
chart. One zooms by dragging across the strip of phases below: Streamlit undoes a zoom of the panels themselves with
each change of data, and leaves a plain selection alone. Vega, not Plotly, which would draw it anew each second.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import altair as alt
import pandas as pd

from core.pruning.events import PHASES
from dashboard import theme
from dashboard.progress import Progress, thinned

HEIGHTS = {"accuracy": 150, "loss": 130, "sparsity": 110}  # pixels
MARGIN = 46  # pixels left of all three, so that they stand exactly below each other
BAND, STRONG_BAND = 0.13, 0.55  # opacity behind the curves, and in the strip below them
TRAINING, VALIDATION, CHANNELS, PARAMETERS, GUESSING = "batch", "validation", "channels", "parameters", "guessing"
CLOCKS = {"iterations": "Iterations", "seconds": "Seconds"}
ZOOM, STRIP, STRIP_HEIGHT = "zoom", "strip", 22
DATA = "run"  # all rows are one table of that name, so that the specification need not name any content
COLUMNS = ["panel", "of", "at", "until", "value"]

Drawn: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
Row: TypeAlias = tuple[str, str, float, float | None, float | None]


def live_chart(
    run: Progress, iterations: int, colour: str, clock: str = "iterations", chance: float | None = None
) -> dict[str, Any]:
    """Three panels that share their x-axis, the iteration or the seconds since the start; a Vega-Lite chart.

    chance: the accuracy of guessing, drawn as a dashed line.
    """
    title = "Iteration" if clock == "iterations" else "Seconds since the start"
    x = alt.X("at:Q", title=title, scale=alt.Scale(domain={"param": ZOOM, "encoding": "x"}, nice=False))
    share = {"scale": alt.Scale(domain=[0, 1]), "axis": _axis("%")}
    plain = {"scale": alt.Scale(zero=True), "axis": _axis()}
    removed = {CHANNELS: colour, PARAMETERS: theme.GREY}
    panels: dict[str, list[Drawn]] = {
        "accuracy": [_guess(x, share), _lines(x, share, "accuracy", "Accuracy", {VALIDATION: colour})],
        "loss": [_lines(x, plain, "loss", "Loss", {VALIDATION: colour, TRAINING: theme.GREY})],
        "sparsity": [_lines(x, share, "sparsity", "Removed", removed, steps=True)],
    }
    drawn = [*(_panel(name, x, layers, last=name == "sparsity") for name, layers in panels.items()), _strip()]
    chart = alt.vconcat(*drawn, data=alt.NamedData(DATA), spacing=6)
    chart = chart.configure(view={"stroke": theme.FAINT}, locale=theme.VEGA_LOCALE)
    spec: dict[str, Any] = chart.to_dict()
    # As SVG, Vega calls what one drags across an image and gives it no words; the words of the chart are its alt text.
    spec["usermeta"] = {"embedOptions": {"renderer": "canvas"}}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}  # Streamlit's own for layers in rows runs over
    strip = spec["vconcat"][-1]["layer"][0]["name"]  # Altair numbers the names it was given
    spec["params"] = [{"name": ZOOM, "select": {"type": "interval", "encodings": ["x"]}, "views": [strip]}]
    spec["datasets"] = {DATA: live_rows(run, iterations, clock, chance)}
    return spec


def live_rows(run: Progress, iterations: int, clock: str, chance: float | None) -> pd.DataFrame:
    """All that is drawn: of which panel, of what, at which iteration or second (bands: until which), which value."""
    field = "iteration" if clock == "iterations" else "seconds"

    def at(event: object) -> float:
        return float(getattr(event, field))

    rows: list[Row] = [
        ("phase", theme.PHASES[one.phase], start, end, None)
        for one in run.phases
        for start, end in [(one.first, one.last) if clock == "iterations" else (one.began, one.ended)]
    ]
    # The whole of the clock, known or estimated, so that a curve grows into its frame.
    whole = iterations if clock == "iterations" else run.seconds + (run.left or 0.0)
    rows += [("frame", "frame", end, None, None) for end in (0.0, float(max(1, whole)))]
    rows += [("accuracy", VALIDATION, at(event), None, event.accuracy) for event in run.evaluations]
    rows += [("loss", TRAINING, at(event), None, event.loss) for event in thinned(run.steps)]
    rows += [("loss", VALIDATION, at(event), None, event.loss) for event in run.evaluations]
    if chance is not None:
        rows.append(("chance", GUESSING, 0.0, None, chance))
    rows += [("sparsity", name, where, None, value) for name, where, value in removals(run, field)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"at": float, "until": float, "value": float})


def removals(run: Progress, field: str = "iteration") -> list[tuple[str, float, float]]:
    """(of what, when, share removed since the start): channels and, where the dense count is known, parameters."""
    names = [CHANNELS] + ([PARAMETERS] if run.dense_params else [])
    rows = [(name, 0.0, 0.0) for name in names]
    for event in run.pruned:
        when = float(getattr(event, field))
        rows.append((CHANNELS, when, event.channel_sparsity))
        if run.dense_params:
            rows.append((PARAMETERS, when, 1 - event.params / run.dense_params))
    latest = {name: value for name, _, value in rows}
    now = float(run.iteration if field == "iteration" else run.seconds)
    return rows + [(name, now, value) for name, value in latest.items()]


def _axis(format: str | None = None) -> alt.Axis:
    return alt.Axis(
        minExtent=MARGIN, maxExtent=MARGIN, tickCount=4, titlePadding=4, format=format or alt.Undefined, grid=True
    )


def _of(panel: str, names: Sequence[str] | None = None) -> alt.Chart:
    """The rows of one panel, or of some lines in it."""
    chart = alt.Chart(alt.NamedData(DATA)).transform_filter(alt.FieldEqualPredicate(panel, "panel"))
    return chart if names is None else chart.transform_filter(alt.FieldOneOfPredicate("of", list(names)))


def _strip() -> Drawn:
    """All of the clock in one thin row, phase by phase: to see where one is, and to zoom in by dragging across it."""
    x = alt.X("at:Q", scale=alt.Scale(nice=False), axis=None)
    frame = _of("frame").mark_point(opacity=0).encode(x=x).properties(name=f"{STRIP} frame")
    bands = _bands(x, STRONG_BAND).properties(name=f"{STRIP} phases")
    strip: Drawn = alt.layer(bands, frame)
    ground = alt.ViewBackground(fill=theme.GREY, fillOpacity=0.12, cornerRadius=4)
    return strip.properties(height=STRIP_HEIGHT, name=STRIP, view=ground)


def _bands(x: alt.X, opacity: float) -> alt.Chart:
    names = [theme.PHASES[name] for name in PHASES]
    scale = alt.Scale(domain=names, range=[theme.PHASE_LOOKS[name].colour for name in PHASES])
    band = _of("phase").mark_rect(opacity=opacity, clip=True)
    shown: alt.Chart = band.encode(
        x=x,
        x2="until:Q",
        color=alt.Color("of:N", scale=scale, legend=None),
        tooltip=[alt.Tooltip("of:N", title="phase")],
    )
    return shown


def _guess(x: alt.X, y: dict[str, Any]) -> alt.Chart:
    line = _of("chance").properties(name="guessing").mark_rule(strokeDash=[4, 4], color=theme.CHANCE, strokeWidth=1.2)
    shown: alt.Chart = line.encode(
        y=alt.Y("value:Q", title="Accuracy", **y), tooltip=["of:N", alt.Tooltip("value:Q", format=".0%")]
    )
    return shown


def _lines(x: alt.X, y: dict[str, Any], panel: str, title: str, colours: dict[str, str], steps: bool = False) -> Drawn:
    """A thin grey line for what is in the background, a thick one with points for what matters."""
    corner: Literal["bottom-right", "top-right"] = "bottom-right" if steps else "top-right"  # where curves seldom go
    legend = alt.Legend(orient=corner, direction="horizontal", symbolType="stroke", offset=0, padding=2)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    shade = alt.Color("of:N", title=None, scale=scale, legend=legend if len(colours) > 1 else None)
    number = ".1%" if panel != "loss" else ".3f"
    faint = [name for name, colour in colours.items() if colour == theme.GREY]
    strong = [name for name in colours if name not in faint]
    looks: list[tuple[str, list[str], dict[str, Any]]] = [
        (f"{panel} behind", faint, {"strokeWidth": 1.2, "strokeDash": [6, 3] if steps else [1, 0]}),
        (f"{panel} before", strong, {"strokeWidth": theme.LINE, "point": {"size": 35}}),
    ]
    lines = [
        _of(panel, names)
        .properties(name=name)
        .mark_line(clip=True, interpolate="step-after" if steps else "linear", **look)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=title, **y),
            color=shade,
            tooltip=["of:N", alt.Tooltip("at:Q", format=".4~g"), alt.Tooltip("value:Q", format=number)],
        )
        for name, names, look in looks
        if names
    ]
    drawn: Drawn = alt.layer(*lines)
    return drawn


def _panel(name: str, x: alt.X, layers: Sequence[Drawn], last: bool) -> Drawn:
    """One panel, its phases behind all else; only the last shows its x-axis."""
    frame = _of("frame").mark_point(opacity=0).encode(x=x).properties(name=f"{name} frame")
    shown = [_bands(x, BAND).properties(name=f"{name} phases"), frame, *layers]
    if not last:
        hidden = alt.Axis(labels=False, ticks=False, title=None, grid=True, domain=False)
        for layer in [one for whole in shown for one in getattr(whole, "layer", [whole])]:
            if layer.encoding.x is not alt.Undefined:
                layer.encoding.x = x.copy()
                layer.encoding.x.axis = hidden
    panel: Drawn = alt.layer(*shown).resolve_scale(color="independent")
    return panel.properties(height=HEIGHTS[name], name=name)

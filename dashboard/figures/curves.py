"""Live curves of one run against its iterations. Vega charts: they take growing data without flicker."""

import altair as alt
import pandas as pd

from dashboard import theme
from dashboard.progress import Progress, thinned

HEIGHT = 260  # pixels, axes and legend included


def accuracy_curve(run: Progress, iterations: int, colour: str) -> alt.Chart:
    """Validation accuracy, in per cent, at each evaluation."""
    data = pd.DataFrame(
        {
            "iteration": [event.iteration for event in run.evaluations],
            "accuracy": [event.accuracy for event in run.evaluations],
        },
        dtype=float,
    )
    return _line(data, "accuracy", "Validation accuracy", iterations, colour, share=True)


def loss_curve(run: Progress, iterations: int, colour: str) -> alt.LayerChart | alt.FacetChart:
    """Training loss of each batch, thin, and validation loss at each evaluation, with points."""
    steps = thinned(run.steps)
    training = pd.DataFrame(
        {"iteration": [event.iteration for event in steps], "loss": [event.loss for event in steps]}, dtype=float
    ).assign(of="training batch")
    validation = pd.DataFrame(
        {
            "iteration": [event.iteration for event in run.evaluations],
            "loss": [event.loss for event in run.evaluations],
        },
        dtype=float,
    ).assign(of="validation")
    names = ["training batch", "validation"]
    shade = alt.Color("of:N", title=None, scale=alt.Scale(domain=names, range=[theme.GREY, colour]), legend=_LEGEND)
    base = alt.Chart(pd.concat([training, validation])).encode(
        x=_iterations(iterations),
        y=alt.Y("loss:Q", title="Loss", scale=alt.Scale(zero=True)),
        color=shade,
        tooltip=[alt.Tooltip("of:N", title="of"), "iteration:Q", alt.Tooltip("loss:Q", format=".3f")],
    )
    thin = base.transform_filter("datum.of == 'training batch'").mark_line(strokeWidth=1)
    thick = base.transform_filter("datum.of == 'validation'").mark_line(strokeWidth=2.5, point=True)
    return alt.layer(thin, thick).properties(height=HEIGHT)


def sparsity_curve(run: Progress, iterations: int, dense_params: int | None, colour: str) -> alt.Chart:
    """Share removed so far, of channels and, where the dense count is known, of parameters; steps at each removal."""
    rows = [(0, 0.0, "channels")] + ([(0, 0.0, "parameters")] if dense_params else [])
    for event in run.pruned:
        rows.append((event.iteration, event.channel_sparsity, "channels"))
        if dense_params:
            rows.append((event.iteration, 1 - event.params / dense_params, "parameters"))
    latest = {name: value for _, value, name in rows}
    rows += [(run.iteration, value, name) for name, value in latest.items()]
    data = pd.DataFrame(rows, columns=["iteration", "removed", "of"])
    names = list(latest)  # the legend names what is drawn
    colours, dashes = [colour, theme.GREY][: len(names)], [[1, 0], [6, 3]][: len(names)]
    shade = alt.Color("of:N", title=None, scale=alt.Scale(domain=names, range=colours), legend=_LEGEND)
    dash = alt.StrokeDash("of:N", scale=alt.Scale(domain=names, range=dashes), title=None, legend=_LEGEND)
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_line(interpolate="step-after", strokeWidth=2.5, point=True)
        .encode(
            x=_iterations(iterations),
            y=alt.Y("removed:Q", title="Removed", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=shade,
            strokeDash=dash,
            tooltip=["of:N", "iteration:Q", alt.Tooltip("removed:Q", format=".1%")],
        )
        .properties(height=HEIGHT)
    )
    return chart


_LEGEND = alt.Legend(orient="top", symbolType="stroke", offset=4, padding=0)


def _iterations(iterations: int) -> alt.X:
    # A fixed span, so that the curve grows into its frame and shows how far the run is.
    return alt.X("iteration:Q", title="Iteration", scale=alt.Scale(domain=[0, max(1, iterations)], nice=False))


def _line(data: pd.DataFrame, column: str, title: str, iterations: int, colour: str, share: bool) -> alt.Chart:
    axis = alt.Axis(format="%") if share else alt.Axis()
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=True)
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_line(strokeWidth=2.5, color=colour, point=alt.OverlayMarkDef(color=colour, size=45))
        .encode(
            x=_iterations(iterations),
            y=alt.Y(f"{column}:Q", title=title, axis=axis, scale=scale),
            tooltip=["iteration:Q", alt.Tooltip(f"{column}:Q", format=".1%" if share else ".3f")],
        )
        .properties(height=HEIGHT)
    )
    return chart

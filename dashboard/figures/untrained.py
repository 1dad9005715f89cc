"""Accuracy before any training against the keep ratio. A Vega chart: it fills in point by point without flicker.

Its marks are hidden from screen readers, which read the chart's alt text: one without data has no name to read.
"""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from dashboard import theme

HEIGHT = 230  # pixels


def untrained_curve(
    points: Mapping[float, float], here: tuple[float, float] | None, chance: float, dense: float | None, share: str
) -> alt.LayerChart | alt.FacetChart:
    """points: keep ratio -> accuracy, those known so far. here: the one asked about. dense: of the backbone.

    share: what a keep ratio is, as the axis says it.
    """
    levels = pd.DataFrame(
        [(chance, "guessing")] + ([(dense, "whole backbone")] if dense is not None else []),
        columns=["accuracy", "level"],
    )
    scale_x = alt.Scale(domain=[0, 1], nice=False)
    scale_y = alt.Scale(domain=[0, 1], nice=False)
    y = alt.Y("accuracy:Q", title="Accuracy before training", axis=alt.Axis(format="%", tickCount=5), scale=scale_y)
    x = alt.X("keep:Q", title=share, axis=alt.Axis(format="%", tickCount=5), scale=scale_x)
    rules = (
        alt.Chart(levels)
        .mark_rule(strokeWidth=2, aria=False)
        .encode(
            y=y,
            color=alt.Color(
                "level:N",
                title=None,
                legend=alt.Legend(orient="top", symbolType="stroke", offset=2, padding=0, labelLimit=200),
                scale=alt.Scale(domain=["guessing", "whole backbone"], range=[theme.CHANCE, theme.OTHER_TARGET]),
            ),
            strokeDash=alt.StrokeDash(
                "level:N",
                legend=None,
                scale=alt.Scale(domain=["guessing", "whole backbone"], range=[[6, 4], [2, 3]]),
            ),
            tooltip=[alt.Tooltip("level:N", title="level"), alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    tips = [alt.Tooltip("keep:Q", format=".0%", title=share.lower()), alt.Tooltip("accuracy:Q", format=".1%")]
    rows = pd.DataFrame(sorted(points.items()), columns=["keep", "accuracy"], dtype=float)
    line = (
        alt.Chart(rows)
        .mark_line(
            color=theme.SELECTED,
            strokeWidth=2.5,
            point=alt.OverlayMarkDef(color=theme.SELECTED, size=40, aria=False),
            aria=False,
        )
        .encode(x=x, y=y, tooltip=tips)
    )
    spot = (
        alt.Chart(pd.DataFrame([here] if here else [], columns=["keep", "accuracy"], dtype=float))
        .mark_point(color=theme.TARGET, size=170, strokeWidth=3, filled=False, aria=False)
        .encode(x=x, y=y, tooltip=tips)
    )
    drawn: alt.LayerChart = alt.layer(rules, line, spot).properties(height=HEIGHT).configure(locale=theme.VEGA_LOCALE)
    return drawn

"""Tables whose numbers are written as everywhere else, and sort as numbers.

A table's own formats know no "448 k", no true minus and no space before a percent sign. A styled frame does, at a price
that grows with its cells: beyond `MOST_CELLS` a table falls back on its own formats.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import theme

MOST_CELLS = 5_000


@dataclass(frozen=True)
class Look:
    """How a column's numbers are written, the nearest that a table does by itself, and what else is told of it."""

    write: Callable[[float], str]
    format: str
    help: str | None = None
    width: int | None = None

    def told(self, help: str) -> "Look":
        """The same, with words for who points at the heading."""
        return replace(self, help=help)


PERCENT = Look(lambda value: theme.percent(value / 100, 1), "%.1f %%")
FINELY = Look(lambda value: theme.percent(value / 100, 2), "%.2f %%")
RATIO = Look(lambda value: theme.ratio(value / 100), "%.4g %%")
POINTS = Look(lambda value: theme.points(value / 100), "%+.1f")
DEVIATION = Look(lambda value: theme.deviation(value / 100), "%+.1f %%")
SPREAD = Look(partial(theme.decimal, digits=1), "%.1f")
DECIMAL = Look(theme.decimal, "%.2f")
SIMILARITY = Look(partial(theme.decimal, digits=3), "%.3f")
COUNT = Look(theme.count, "%,.0f")
SHORT = Look(theme.short, "%,.0f")
TIMES = Look(theme.times, "%.1f ×")
TIMES_FINELY = Look(partial(theme.times, digits=2), "%.2f ×")
SECONDS = Look(partial(theme.duration, digits=1), "%.1f s")
DURATION = Look(theme.duration, "%.0f s")
MILLISECONDS = Look(lambda value: theme.milliseconds(value / 1000), "%.3g ms")
MEGABYTES = Look(lambda value: theme.megabytes(value * 1e6), "%.1f MB")


def table(
    frame: pd.DataFrame, looks: Mapping[str, Look], others: Mapping[str, Any] | None = None, **settings: Any
) -> Any:
    """Draw a frame as `st.dataframe` does: columns with a look are numbers, `others` are configured as they say.

    Shares are in per cent, latencies in milliseconds, sizes in megabytes.
    """
    here = {name: look for name, look in looks.items() if name in frame}
    data: Any = frame
    if styled := frame.size <= MOST_CELLS:
        data = frame.style.format({name: look.write for name, look in here.items()}, na_rep="")
    config = {
        name: st.column_config.NumberColumn(
            format=None if styled else look.format, help=look.help, width=look.width or None
        )
        for name, look in here.items()
    }
    return st.dataframe(data, hide_index=True, column_config={**config, **(others or {})}, **settings)

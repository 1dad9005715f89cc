"""How large the slim network may be: the choices of a budget, which Votes and Run share, in step with the link."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.channels.budget import KIND, Budget
from core.errors import BadValueError
from core.zoo.zoo import Zoo
from dashboard import theme
from dashboard.links import linked, whole
from dashboard.pick import pick_number, pick_one

LEAST_KEEP, MOST_WIDTH = 0.01, 1024


def pick_budget(zoo: Zoo, keep_at: DeltaGenerator) -> Budget | None:
    """The keep ratio, drawn in `keep_at`, and in a fold here what it is of and how it is shared out.

    None, and a sentence below it, while a number may not be.
    """
    asked = any(name in st.query_params for name in KIND)
    with keep_at:
        keep = _keep(zoo)
    with (
        st.expander("Size budget", icon=":material/straighten:", expanded=asked),
        st.grid(2, min_column_width=150),
    ):
        of, allocation = _of(), _allocation()
        least = _width("Least width", "least_width", "The least width", "Channels that every group keeps at least.")
        multiple = _width(
            "In multiples of",
            "multiple",
            "What widths are multiples of",
            "Widths are multiples of this, or a group's own size: 8 suits many devices.",
        )
    return None if least is None or multiple is None else Budget(keep, of, allocation, least, multiple)


def _keep(zoo: Zoo) -> float:
    """The share of channels to keep (`?keep=`)."""
    return linked(
        "keep",
        zoo.keep,
        ratio,
        lambda: st.slider(
            "Keep ratio",
            LEAST_KEEP,
            1.0,
            step=0.01,
            key="keep",
            persist_state="session",
            help="Share to keep: of the channels of every group, unless the size budget says otherwise. "
            "Neighbours vote with what they then held.",
        ),
    )


def _allocation() -> str:
    """How the channels to keep are shared out among channel groups (`?allocation=`)."""
    help = "Uniform: one keep ratio for all channel groups. Global: the channels of all groups compete for a place."
    return pick_one("allocation", "Allocation", "allocation", theme.ALLOCATIONS, help=help)


def _of() -> str:
    """What the keep ratio is a share of (`?of=`)."""
    help = "The whole slim network keeps this share of the backbone's channels, parameters or MACs, within 2 %."
    return pick_one("of", "Keep ratio of", "measure of a keep ratio", theme.SHARES_OF, help=help)


def _width(label: str, key: str, what: str, help: str) -> int | None:
    """A bound on the widths of channel groups (`?least_width=`, `?multiple=`)."""
    return pick_number(label, key, 1, whole(what, 1, MOST_WIDTH), help)


def ratio(text: str) -> float:
    """A check for `linked`: a keep ratio that the slider can show."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not LEAST_KEEP <= value <= 1:
        raise BadValueError(f"The keep ratio must be from {LEAST_KEEP} to 1, not '{text}'.")
    return round(value, 4)

"""The choices of a new run, each a widget in step with the page's link; those all pages share are in `state`."""

from collections.abc import Sequence

import streamlit as st

from core.errors import BadValueError, UnknownNameError
from core.pruning.config import NEIGHBOURS, SAMPLINGS, WEIGHTS, RunConfig
from core.pruning.methods import METHODS
from dashboard import theme
from dashboard.links import linked, whole
from dashboard.pick import pick_one

# The form does not ask which run's mask, or which tasks by name: the command line and Python do.
OFFERED = [name for name in METHODS if name != "same-mask"]
VOTERS = [name for name in NEIGHBOURS if name != "chosen"]
MOST_SEEDS, MOST_WIDTH = 10, 1024
# What a number typed in may be. The browser would drop one outside its bounds without a word, so it is not told them.
NUMBERS = {
    "iterations": whole("Iterations", 0, 2000),
    "seed": whole("The seed", 0, 2**32 - 1),
    "seeds": whole("The number of seeds", 1, MOST_SEEDS),
    "least_width": whole("The least width", 1, MOST_WIDTH),
    "multiple": whole("What widths are multiples of", 1, MOST_WIDTH),
}
ALSO, PILLS = "also", "other methods"


def pick_method() -> str:
    """How the channels to keep are found (`?method=`)."""
    titles = {name: theme.method_title(name) for name in OFFERED}
    return pick_one("method", "Method", "method", titles, RunConfig.method, help="How the channels to keep are found.")


def pick_neighbours() -> str:
    """Who votes (`?neighbours=`)."""
    titles = {name: theme.NEIGHBOUR_CHOICES[name] for name in VOTERS}
    return pick_one("neighbours", "Neighbours", "neighbours", titles, help="Who votes; the others are controls.")


def pick_weights() -> str:
    """Where the kept channels' first weights come from (`?weights=`)."""
    titles = {name: theme.WEIGHTS[name] for name in WEIGHTS}
    help = "Where the kept channels' first weights come from."
    return pick_one("weights", "Weights", "weights", titles, help=help)


def pick_sampling() -> str:
    """How batches draw training images (`?sampling=`)."""
    help = "Where classes are of uneven size, drawing each as often lets the small ones count as much as the large."
    titles = {name: theme.IMAGE_SAMPLINGS[name] for name in SAMPLINGS}
    return pick_one("sampling", "Training images", "training images", titles, RunConfig.sampling, help=help)


def pick_of() -> str:
    """What the keep ratio is a share of (`?of=`)."""
    help = "The whole slim network keeps this share of the backbone's channels, parameters or MACs, within 2 %."
    return pick_one("of", "Keep ratio of", "measure of a keep ratio", theme.SHARES_OF, help=help)


def pick_number(label: str, key: str, default: int, step: int, help: str) -> int | None:
    """A whole number (`?iterations=`, `?seed=`, `?seeds=`); None, and a sentence below it, while it may not be so.

    One in a link that may not be is told above the page; one that was typed stays, for its writer to mend.
    """
    strict, typed = NUMBERS[key], str(st.session_state.get(key))

    def check(text: str) -> int:
        return int(text) if text == typed and text.removeprefix("-").isdecimal() else strict(text)

    def draw() -> int | None:
        return st.number_input(label, step=step, key=key, persist_state="session", help=help)

    value = linked(key, default, check, draw)
    try:
        return strict(str(value))
    except BadValueError as error:
        st.error(str(error), icon=":material/error:")
        return None


def pick_others(method: str) -> list[str]:
    """Other methods to start as well, on the same task (`?also=`)."""
    others = [name for name in OFFERED if name != method]

    def keep_pills() -> None:
        st.session_state[ALSO] = ",".join(st.session_state[PILLS])

    def draw() -> str:
        st.session_state[PILLS] = [name for name in _split(st.session_state[ALSO]) if name in others]
        st.pills(
            "The same task with other methods",
            others,
            selection_mode="multi",
            format_func=theme.method_title,
            key=PILLS,
            on_change=keep_pills,
            help="Each starts a run of its own, with the same keep ratio and iterations.",
        )
        return ",".join(st.session_state[PILLS])

    return _split(linked(ALSO, "", _methods, draw))


def choose_others(names: Sequence[str]) -> None:
    """Choose these other methods. A callback."""
    st.session_state[ALSO] = ",".join(names)


def _methods(text: str) -> str:
    for name in _split(text):
        if name not in OFFERED:
            raise UnknownNameError("method", name, OFFERED)
    return ",".join(_split(text))


def _split(text: str) -> list[str]:
    return [name for name in text.split(",") if name]

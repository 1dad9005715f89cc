"""The choices of a new run, each a widget in step with the page's link; those all pages share are in `state`."""

from collections.abc import Sequence

import streamlit as st

from core.errors import UnknownNameError
from core.pruning.config import NEIGHBOURS, SAMPLINGS, WEIGHTS, RunConfig
from core.pruning.methods import METHODS
from dashboard import theme
from dashboard.links import linked, whole
from dashboard.pick import pick_number, pick_one

# The form does not ask which run's mask, or which tasks by name: the command line and Python do.
OFFERED = [name for name, method in METHODS.items() if not method.keeps_mask]
VOTERS = [name for name in NEIGHBOURS if name != "chosen"]
MOST_SEEDS, MOST_ITERATIONS = 10, 2000
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


def pick_iterations() -> int | None:
    """How long to train (`?iterations=`)."""
    allowed, help = whole("Iterations", 0, MOST_ITERATIONS), "Training steps the run may spend."
    return pick_number("Iterations", "iterations", RunConfig.iterations, allowed, help, step=10)


def pick_seed() -> int | None:
    """The seed of every random draw (`?seed=`)."""
    return pick_number("Seed", "seed", RunConfig.seed, whole("The seed", 0, 2**32 - 1), "Same seed, same result.")


def pick_seeds() -> int | None:
    """How many runs of each method (`?seeds=`)."""
    help = "Runs of each method, with the seed above and those after it."
    return pick_number("Seeds", "seeds", 1, whole("The number of seeds", 1, MOST_SEEDS), help)


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

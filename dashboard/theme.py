"""How things look and read on every page: colours, symbols and labels; numbers as `core.numbers` writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count as count_from
from typing import Any

from core.numbers import MINUS as MINUS
from core.numbers import ago as ago
from core.numbers import count as count
from core.numbers import counted as counted
from core.numbers import decimal as decimal
from core.numbers import deviation as deviation
from core.numbers import duration as duration
from core.numbers import energy as energy
from core.numbers import mass as mass
from core.numbers import megabytes as megabytes
from core.numbers import milliseconds as milliseconds
from core.numbers import percent as percent
from core.numbers import points as points
from core.numbers import ratio as ratio
from core.numbers import short as short
from core.numbers import times as times
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs.record import CANCELLED, CANCELLING, FAILED, FINISHED, LOST, QUEUED, RUNNING
from core.tasks.datasets import class_title

# Okabe-Ito. These four reach 3:1 on the light and on the dark background; so does the grey.
BLUE, GREEN, PINK, VERMILION = "#0072B2", "#009E73", "#CC79A7", "#D55E00"
GREY = "#818A94"
FAINT = "rgba(129, 138, 148, 0.22)"

TARGET, NEIGHBOUR, ZOO_TASK, OTHER_TARGET = VERMILION, BLUE, GREY, PINK
SELECTED, NOT_SELECTED, CHANCE = BLUE, GREY, VERMILION
SIMILAR, DISSIMILAR = GREEN, PINK
# cividis without its darkest fifth, which the dark background would swallow.
MAGNITUDES = ["#35456C", "#4F576C", "#666970", "#7D7C78", "#958F78", "#AEA371", "#C8B866", "#E3CD52", "#FEE838"]
# What pictures stand on. White would glare in the dark, and dark symbols would vanish on a dark page.
WHITE = "#FFFFFF"
PAPER = {"light": WHITE, "dark": "#9AA5B1"}
# The primary colour, in .streamlit/config.toml too.
PRIMARY = {"light": BLUE, "dark": "#1C7BBA"}
# Words in the primary colour's hue that reach 4.5:1: the links' colours in .streamlit/config.toml.
MARKED = {"light": "#005A8E", "dark": "#7CC5EF"}

LINE, FAINT_LINE = 2.5, 1.0


@dataclass(frozen=True)
class Style:
    """A method's colour, Plotly marker symbol and Vega dash: never colour alone."""

    colour: str
    symbol: str
    dash: tuple[int, ...] = ()


METHOD_STYLES: dict[str, Style] = {
    "mvp": Style(BLUE, "diamond"),
    "same-mask": Style(BLUE, "diamond-open", (6, 3)),
    "taylor": Style(GREEN, "circle"),
    "taylor-oneshot": Style(GREEN, "circle-open", (6, 3)),
    "magnitude": Style(VERMILION, "square"),
    "l1": Style(VERMILION, "square-open", (6, 3)),
    "bn-scale": Style(PINK, "triangle-up"),
    "activation": Style(PINK, "triangle-up-open", (6, 3)),
    "random": Style(GREY, "x", (2, 3)),
    "dense": Style(GREY, "star"),
}


UNKNOWN_METHOD = Style(GREY, "circle")
# What runs beyond the first of a method take instead, each as far from both backgrounds as the method's own colour.
SHADES_OF: dict[str, tuple[str, ...]] = {
    BLUE: (BLUE, "#4A93C6", "#1F7FBF"),
    GREEN: (GREEN, "#007A59", "#2E9478"),
    PINK: (PINK, "#B25C8B", "#C0699A"),
    VERMILION: (VERMILION, "#B34F00", "#E0702A"),
    GREY: (GREY, "#68717B", "#757E88"),
}
SYMBOLS = (
    *("circle", "square", "triangle-up", "diamond", "x", "star"),
    *("triangle-down", "cross", "hexagon", "triangle-right", "triangle-left"),
)
DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 3), (10, 3, 2, 3))


def run_styles(methods: Mapping[str, str]) -> dict[str, Style]:
    """Run id -> how it is drawn in a comparison, given run id -> method; no two alike.

    The first run of a method looks as the method does everywhere. Later ones take its colour in another shade, another
    symbol and another dash; adding a run at the end changes none before it.
    """
    styles: dict[str, Style] = {}
    taken = {(style.symbol, style.dash) for style in METHOD_STYLES.values()}
    for id, method in methods.items():
        own = METHOD_STYLES.get(method, UNKNOWN_METHOD)
        style = own
        if own in styles.values():
            style = next(one for one in _variations(own) if (one.symbol, one.dash) not in taken)
        taken.add((style.symbol, style.dash))
        styles[id] = style
    return styles


def _variations(own: Style) -> Iterator[Style]:
    """Other styles in a method's colour, those first that differ most from the ones before."""
    shades, open_ones = SHADES_OF[own.colour], "-open" if own.symbol.endswith("-open") else ""
    for number in count_from(1):
        symbol = SYMBOLS[number % len(SYMBOLS)] + open_ones
        dash = DASHES[(number + number // len(SYMBOLS)) % len(DASHES)]
        rest = number // (len(SYMBOLS) * len(DASHES))  # past all there is, a longer and longer dash
        yield Style(shades[number % len(shades)], symbol, (*dash, *((4 * rest, 3) if rest else ())))


@dataclass(frozen=True)
class StatusLook:
    """A run status on a badge: word, colour name of `st.badge`, icon, and one sentence."""

    title: str
    colour: Any
    icon: str
    sentence: str


STATUSES: dict[str, StatusLook] = {
    QUEUED: StatusLook("Queued", "gray", ":material/schedule:", "It starts when the runs before it have ended."),
    RUNNING: StatusLook("Running", "blue", ":material/play_circle:", "You may close this page: the run goes on."),
    CANCELLING: StatusLook("Stopping", "orange", ":material/stop_circle:", "It stops within a few seconds."),
    CANCELLED: StatusLook("Cancelled", "gray", ":material/cancel:", "Resume it to go on from where it stopped."),
    FINISHED: StatusLook("Finished", "green", ":material/check_circle:", "The slim model is ready."),
    FAILED: StatusLook("Failed", "red", ":material/error:", "Read the reason, mend it, and retry."),
    LOST: StatusLook("Lost", "orange", ":material/link_off:", "Its process is gone: resume it where it stopped."),
}

SIMILARITIES = {
    "leep": "LEEP",
    "logme": "LogME",
    "prototypes": "Prototypes",
}
SIMILARITY_HELP = {
    "leep": "how well the zoo task's model, as it is, predicts the target's classes (0 is perfect)",
    "logme": "how well a linear model on the zoo task's features explains the target's classes",
    "prototypes": "how close the classes' mean features are to each other (0 is identical)",
}
NEIGHBOUR_CHOICES = {
    "nearest": "The K most similar",
    "random": "K at random (control)",
    "farthest": "The K least similar (control)",
    "all": "The whole zoo (control)",
    "chosen": "Chosen by hand",
}
WEIGHTINGS = {"count": "One task, one vote", "similarity": "By similarity", "score": "By importance"}
WEIGHTS = {
    "neighbours": "Mean of the neighbours'",
    "pretrained": "The backbone's (control)",
    "reinitialised": "Random (control)",
}
SHARES_OF = {"channels": "Channels", "params": "Parameters", "macs": "MACs"}
ALLOCATIONS = {"uniform": "Uniform", "global": "Global"}
IMAGE_SAMPLINGS = {"natural": "As they come", "balanced": "Every class as often"}
STARTS = {name: WEIGHTS[name] for name in ("neighbours", "pretrained")}
SHADES = {"importance": "Importance to that neighbour", "weight": "Weight of its vote"}
LAYOUTS = {"umap": "UMAP", "pca": "PCA", "mds": "MDS"}
LAYOUT_HELP = {
    "umap": "keeps tasks that are close together close, and bends the rest to fit",
    "pca": "looks from the side on which tasks differ most, and bends nothing",
    "mds": "keeps all distances, near and far, as true as a flat map can",
}
SETTINGS = {
    "task": "Task",
    "method": "Method",
    "keep": "Keep ratio",
    "iterations": "Iterations",
    "seed": "Seed",
    "k": "K",
    "similarity": "Similarity",
    "neighbours": "Neighbours",
    "chosen": "Voters",
    "weighting": "Weighting",
    "weights": "Weights",
    "mask_of": "Mask of",
    "sample": "Temperature of votes",
    "dynamic": "Dynamic votes",
    "backbone": "Backbone",
    "zoo": "Zoo",
    "threads": "Threads",
    "learning_rate": "Learning rate",
    "batch": "Batch",
    "sampling": "Training images",
    "of": "Keep ratio of",
    "allocation": "Allocation",
    "least_width": "Least width",
    "multiple": "Widths in multiples of",
    "skip_unreadable": "Unreadable images skipped",
}
TRUST_HELP = (
    "share of a task's 10 nearest on this map that are truly among its 10 nearest: at 100 % believe what stands around "
    "it, at 0 % nothing of it"
)
SHADES_OF_TASKS = {
    "kind": "Kind of task",
    "similarity": "Similarity to the target",
    "shared": "Shared classes",
    "accuracy": "Slim accuracy",
    "sparsity": "Parameters removed",
    "trust": "Trust in its place",
}
# Charts write numbers by themselves. Plotly's are of shares in per cent, for which it has no format with a space;
# Vega takes its formats' signs from here.
PERCENT_TICKS = {"ticksuffix": " %"}
VEGA_LOCALE = {
    "number": {
        "decimal": ".",
        "thousands": ",",
        "grouping": [3],
        "currency": ["", ""],
        "percent": " %",
        "minus": MINUS,
    }
}
PHASES = {
    "neighbours": "Finding neighbours",
    "selecting": "Selecting channels",
    "warming up": "Warming up",
    "pruning": "Pruning",
    "fine-tuning": "Fine-tuning",
    "testing": "Testing",
}


@dataclass(frozen=True)
class PhaseLook:
    """A phase's colour behind the curves, and the colour name of its badge above them."""

    colour: str
    badge: Any


PHASE_LOOKS: dict[str, PhaseLook] = {
    "neighbours": PhaseLook(PINK, "violet"),
    "selecting": PhaseLook(GREY, "gray"),
    "warming up": PhaseLook("#E69F00", "orange"),
    "pruning": PhaseLook(VERMILION, "red"),
    "fine-tuning": PhaseLook(BLUE, "blue"),
    "testing": PhaseLook(GREEN, "green"),
}


def class_label(dataset: str, name: str) -> str:
    """What people read for a class, with the id that the command line and Python know it by: "hearts (heart)"."""
    title = class_title(dataset, name)
    return title if title == name else f"{title} ({name})"


def share_of(config: RunConfig) -> str:
    """What a run's keep ratio is a share of; nothing where it is asked for none, or takes another run's mask."""
    return SHARES_OF[config.of] if METHODS[config.method].removes and config.mask_of is None else ""


def method_title(name: str) -> str:
    """What people read for a method; an unknown one keeps its name."""
    return METHODS[name].title if name in METHODS else name

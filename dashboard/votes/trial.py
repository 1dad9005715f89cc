"""Try it without training: what the voted network gets right before any fine-tuning, beside what it comes to."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import streamlit as st

from core.channels.budget import WORDS, Budget
from core.channels.layers import Size
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs import previews
from dashboard import theme
from dashboard.figures.untrained import untrained_curve
from dashboard.votes import answers
from dashboard.votes.answers import Known
from dashboard.votes.view import View
from dashboard.watch import watch

EVERY, RARELY = 0.25, 3.0  # seconds between two looks while something is being worked on, and while a run trains
MOMENT = 0.3  # seconds
ASSEMBLING = "Assembling the slim network"  # what a warm worker says
CURVE = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)
FIRST = "The first answer takes some ten seconds; later ones come at once."


def begin(view: View) -> None:
    """Have it worked on from now on."""
    _look(wanted(view))


def panel(view: View) -> None:
    """The trial, refreshed until all of it is known."""
    configs = wanted(view)
    _wait_a_moment(configs)
    watch(_look(configs), lambda: _look(configs), _interval, lambda looked: _draw(view, configs, looked))


def _look(configs: list[RunConfig]) -> "Looked":
    trains = answers.run_trains()
    asked = configs[:2] if trains else configs  # a run that trains leaves no time for the curve
    return Looked(answers.look(asked, "trial"), len(asked), trains)


def _wait_a_moment(configs: list[RunConfig]) -> None:
    """An answer that is about to come is waited for: that takes less than asking again from the browser."""
    end = time.monotonic() + MOMENT
    while time.monotonic() < end:
        known = _look(configs).known
        if configs[0] in known.answers or known.doing != ASSEMBLING:
            return
        time.sleep(MOMENT / 10)


@dataclass(frozen=True)
class Looked:
    """What is known of the `asked` first wishes, and whether a run trains."""

    known: Known
    asked: int
    trains: bool


def _interval(looked: Looked) -> float | None:
    """Seconds until the next look; None where nothing will change by itself."""
    if looked.known.state in ("died", "failed"):
        return None
    if len(looked.known.answers) < looked.asked:
        return EVERY
    return RARELY if looked.trains else None


def wanted(view: View) -> list[RunConfig]:
    """What is asked for, the most wanted first: this network, the whole backbone, and other keep ratios, near first."""
    usual = {"k": 5, "neighbours": "nearest", "chosen": (), **asdict(Budget(1.0))}
    dense, here = view.config(method="dense", weights="pretrained", **usual), view.budget.keep
    others = sorted((keep for keep in CURVE if keep != here), key=lambda keep: abs(keep - here))
    return [view.config(), dense, *(view.config(keep=keep) for keep in others)]


def size_of(view: View, known: Known) -> Size | None:
    """What the slim network comes to: told ahead where the zoo says how, else once it was assembled."""
    if view.zoo.layers is not None:
        return view.zoo.layers.size(view.selection.counts, len(view.target.classes))
    told = known.answers.get(view.config(), {})
    return Size(told["params"], told["macs"], 4 * told["params"]) if "params" in told else None


def whole_size(view: View) -> Size | None:
    """What the whole backbone comes to, where the zoo tells."""
    layers = view.zoo.layers
    return None if layers is None else layers.size(view.zoo.groups, len(view.target.classes))


def takeaway(view: View, accuracy: float, dense: float | None, share: float | None) -> str:
    """The trial in a sentence."""
    chance = 1 / len(view.target.classes)
    many = len(view.near)
    voted = f"as {many} neighbours voted" if many > 1 else "as one neighbour voted"
    at = f", {voted}" + (f", with {theme.percent(share, 1)} of the backbone's parameters" if share is not None else "")
    beside = f"guessing gets {theme.percent(chance)}"
    if dense is not None:
        beside += f", the whole backbone {theme.percent(dense)}"
    return f"**{theme.percent(accuracy)}** of validation images are right **before any training**{at}; {beside}."


def _draw(view: View, configs: list[RunConfig], looked: Looked) -> None:
    known = looked.known
    here, dense = known.accuracy(configs[0]), known.accuracy(configs[1])
    with st.container(border=True, key="trial"):
        st.subheader("Try it without training", anchor=False)
        left, right = st.columns([5, 4], gap="medium")
        with left:
            st.metric(
                "Accuracy before training",
                theme.percent(here) if here is not None else "…",
                f"guessing: {theme.percent(1 / len(view.target.classes))}",
                delta_color="off",
                delta_arrow="off",
                help="Of the target's validation images, right after the vote: BatchNorm is settled and the head set "
                "from class means, but nothing is trained.",
            )
            _sizes(view, known)
            _state(view, looked, here, dense, known.error(configs[0]))
        with right:
            points = {
                c.keep: a for c in configs if METHODS[c.method].needs_zoo and (a := known.accuracy(c)) is not None
            }
            _curve(view, points, here, dense)


def _sizes(view: View, known: Known) -> None:
    size, whole = size_of(view, known), whole_size(view)
    told = "Told ahead, exactly, from how many channels are kept."
    cards = (
        ("Parameters", "params", theme.short, f"Numbers that the slim network holds. {told}"),
        ("MACs", "macs", theme.short, f"Multiply-accumulates for one image. {told}"),
        ("Size", "bytes", theme.megabytes, f"Of its weights as 32-bit numbers. {told}"),
    )
    with st.grid(3, min_column_width=100, gap="small"):
        for label, name, show, help in cards:
            value = show(getattr(size, name)) if size else "…"
            beside = f"of {show(getattr(whole, name))}" if whole else None
            st.metric(label, value, beside, delta_color="off", delta_arrow="off", help=help)


def _state(view: View, looked: Looked, here: float | None, dense: float | None, error: str | None) -> None:
    """One sentence on what is shown or on why nothing is yet, and where it helps, one button."""
    known, trains = looked.known, looked.trains
    if error is not None:
        st.info(f"This cannot be tried here. {error}", icon=":material/block:")
    elif here is not None:
        size, whole = size_of(view, known), whole_size(view)
        st.markdown(takeaway(view, here, dense, size.params / whole.params if size and whole else None))
        if trains:
            st.caption(":material/hourglass: A run trains, so the curve waits until it has ended.")
    elif known.state in ("died", "failed"):
        st.warning(f"{known.doing} Nothing is lost.", icon=":material/link_off:")
        if known.state == "failed" and (log := previews.log_tail()):
            st.code(log, language=None)
        st.button("Start it again", icon=":material/refresh:", on_click=previews.restart, key="restart previews")
    elif known.state == "starting" or known.doing != ASSEMBLING:
        st.markdown(f":material/hourglass_top: {known.doing} … {FIRST}")
    elif trains:
        st.markdown(":material/hourglass: A run trains, so this takes a few seconds …")
    else:
        st.markdown(f":material/hourglass_top: {known.doing} …")


def _curve(view: View, points: Mapping[float, float], here: float | None, dense: float | None) -> None:
    chance, share = 1 / len(view.target.classes), f"Share of the {WORDS[view.budget.of]} kept"
    spot = (view.budget.keep, here) if here is not None else None
    words = "; ".join(f"{theme.percent(keep)} kept: {theme.percent(points[keep])}" for keep in sorted(points))
    st.altair_chart(
        untrained_curve(points, spot, chance, dense, share),
        key="untrained curve",
        alt=f"Accuracy before training. {share}: {words or 'not known yet'}. Guessing: {theme.percent(chance)}.",
    )

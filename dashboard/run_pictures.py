"""What a run looks like, live or played again: its phases, its curves on one clock, and the network as it shrinks."""

import streamlit as st

from core.runs.record import RunRecord
from dashboard import data, theme
from dashboard.figures import live as curves
from dashboard.figures.network import network_chart, network_takeaway
from dashboard.pick import pick_one
from dashboard.progress import Progress


def pictures(record: RunRecord, seen: Progress, live: bool) -> None:
    """Phases, curves and network; nothing before there is something to draw."""
    if not (seen.steps or seen.evaluations or seen.pruned):
        return
    style = theme.METHOD_STYLES[record.config.method]
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.markdown("**Accuracy, loss and sparsity**")
        phases(seen)
        clock = pick_clock()
        task = data.task_of_run(record)
        chance = 1 / len(task.classes) if task else None
        st.vega_lite_chart(
            curves.live_chart(seen, record.config.iterations, style.colour, clock, chance),
            width="stretch",
            key="curves",
            # While the run goes on, the words stay the same as the chart does; the sentence below tells the news.
            alt=f"Accuracy, loss and sparsity of {record.id} by {clock}."
            + ("" if live else f" {curves_takeaway(seen)}"),
        )
        st.caption(
            f"{curves_takeaway(seen)} The dashed line is guessing. Drag across the strip below the curves to zoom in, "
            "double-click it to see all."
        )
    with right, st.container(border=True, height="stretch"):
        network(seen, style.colour, live)


def phases(seen: Progress) -> None:
    """The phases so far, each with its time, in the colours of the bands behind the curves."""
    badges = []
    for span in seen.phases:
        current = span is seen.phases[-1] and not seen.finished
        took = "" if current else f" {theme.duration(span.seconds) if span.seconds >= 1 else '< 1 s'}"
        mark = ":material/play_arrow: " if current else ""
        badges.append(f":{theme.PHASE_LOOKS[span.phase].badge}-badge[{mark}{theme.PHASES[span.phase]}{took}]")
    st.markdown(" ".join(badges))


def pick_clock() -> str:
    """What the curves are drawn against (`?clock=`)."""
    return pick_one("clock", "Clock of the curves", "clock", curves.CLOCKS, in_a_row=True, label_visibility="collapsed")


def curves_takeaway(seen: Progress) -> str:
    """Where accuracy, loss and sparsity stand, in a sentence."""
    parts = [f"After {seen.iteration} iterations"]
    if seen.evaluations:
        best = max(seen.evaluations, key=lambda event: event.accuracy)
        now = seen.evaluations[-1]
        parts.append(f"accuracy on validation is {theme.percent(now.accuracy, 1)}")
        if best.accuracy > now.accuracy:
            parts[-1] += f" (best: {theme.percent(best.accuracy, 1)} at {best.iteration})"
    if seen.steps:
        parts.append(f"the loss of the last batch {theme.decimal(seen.steps[-1].loss)}")
    removed = seen.pruned[-1].channel_sparsity if seen.pruned else 0.0
    parts.append(f"{theme.percent(removed)} of the channels are removed")
    return ", ".join(parts) + "."


def network(seen: Progress, colour: str, live: bool) -> None:
    """The network, layer by layer, as it is now; it is whole until a round has pruned it."""
    st.markdown("**The network, layer by layer**")
    if not seen.pruned:
        st.caption("No channel has been removed: the network is whole.")
        return
    now = seen.pruned[-1]
    takeaway = network_takeaway(now, seen.dense_params)
    st.vega_lite_chart(
        network_chart(now.sizes, now.kept, colour),
        width="stretch",
        key="network",
        alt="Channels kept of each channel group, from input to output." + ("" if live else f" {takeaway}"),
    )
    st.caption(f"{takeaway} Grey is what the backbone had; each row is a channel group, from input to output.")

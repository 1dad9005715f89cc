"""What a finished run came to: accuracy, requested against achieved, size, and what it cost."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.pruning.events import Finished
from core.pruning.methods import METHODS
from core.runs.record import RunRecord
from dashboard import data, theme


def result(record: RunRecord, end: Finished) -> None:
    """The final numbers, a card each."""
    st.subheader("Result", anchor=False)
    with st.grid(4, min_column_width=150):
        for label, value, beside, help in metrics(record, end):
            st.metric(
                label, value, beside, delta_color="off", delta_arrow="off", border=True, height="stretch", help=help
            )


def cost(end: Finished) -> None:
    """What the run cost."""
    st.subheader("Cost", anchor=False)
    st.table(cost_rows(end.cost), border="horizontal", width="content", alt="What the run cost")


def metrics(record: RunRecord, end: Finished) -> list[tuple[str, str, str | None, str]]:
    """(label, value, what to hold it against, help) of the final numbers."""
    asked, got = record.config.keep, 1 - end.achieved["channel_sparsity"]
    params, macs = end.achieved["params"], end.achieved["macs"]
    task = data.task_of_run(record)
    kept = theme.percent(got, 1)
    beside = None if kept == theme.percent(asked, 1) else f"asked: {theme.ratio(asked)}"
    return [
        (
            "Test accuracy",
            theme.percent(end.test_accuracy, 1),
            f"guessing: {theme.percent(1 / len(task.classes))}" if task else None,
            "On the test split, touched once, at the end; beside it, what guessing among the classes would get.",
        ),
        (
            "Channels kept",
            kept,
            beside if METHODS[record.config.method].removes else "none removed",
            "Achieved over all channel groups; below it what was asked for, where that differs.",
        ),
        (
            "Parameters",
            theme.short(params),
            f"of {theme.short(end.dense['params'])}",
            f"{theme.percent(1 - params / end.dense['params'], 1)} of the backbone's are removed.",
        ),
        (
            "MACs",
            theme.short(macs),
            f"of {theme.short(end.dense['macs'])}",
            f"Multiply-accumulates for one image; {theme.percent(1 - macs / end.dense['macs'], 1)} are removed.",
        ),
    ]


def cost_rows(cost: Mapping[str, Any]) -> dict[str, str]:
    """What was spent, in words people read; what was not recorded is left out."""
    shown = (
        ("Time", "seconds", theme.duration),
        ("CPU time", "cpu_seconds", theme.duration),
        ("Iterations", "iterations", theme.count),
        ("Training MACs", "macs", theme.short),
        ("Peak memory", "peak_memory_bytes", lambda size: f"{theme.short(size)}B"),
        ("Energy, estimated", "energy_kwh", theme.energy),
        ("CO2e, estimated", "co2e_grams", theme.mass),
    )
    return {label: form(cost[key]) for label, key, form in shown if cost.get(key) is not None}

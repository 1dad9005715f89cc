"""What a finished run came to: accuracy, requested against achieved, size, and what it cost."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.pruning.events import Finished
from core.runs.record import RunRecord
from dashboard import theme


def result(record: RunRecord, end: Finished) -> None:
    """The final numbers as metrics, then the cost."""
    st.subheader("Result", anchor=False)
    with st.grid(4, min_column_width=180):
        for label, value, help in metrics(record, end):
            st.metric(label, value, border=True, height="stretch", help=help)
    st.subheader("Cost", anchor=False)
    st.table(cost_rows(end.cost), border="horizontal", width="content", alt="What the run cost")


def metrics(record: RunRecord, end: Finished) -> list[tuple[str, str, str]]:
    """(label, value, help) of the final numbers."""
    asked, got = record.config.keep, 1 - end.achieved["channel_sparsity"]
    params, macs = end.achieved["params"], end.achieved["macs"]
    return [
        ("Test accuracy", theme.percent(end.test_accuracy, 1), "On the test split, touched once, at the end."),
        (
            "Channels kept",
            f"{theme.percent(got, 1)} ({theme.percent(asked)})",
            "Achieved, and in brackets what was asked for, over all channel groups.",
        ),
        (
            "Parameters",
            f"{theme.short(params)} of {theme.short(end.dense['params'])}",
            f"{theme.percent(1 - params / end.dense['params'], 1)} of the backbone's are removed.",
        ),
        (
            "MACs",
            f"{theme.short(macs)} of {theme.short(end.dense['macs'])}",
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
        ("CO2e, estimated", "co2e_grams", lambda grams: f"{theme.decimal(grams, 2)} g"),
    )
    return {label: form(cost[key]) for label, key, form in shown if cost.get(key) is not None}

"""What a finished run came to: accuracy, requested against achieved, size, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.pruning.engine import RUN_AGAIN, is_outdated
from core.pruning.events import Finished
from core.pruning.methods import METHODS
from core.reports.by_class import ClassFigures, balanced_where_uneven, class_figures, imbalance_of, uneven_words
from core.reports.records import reached
from core.reports.tables import reached as in_words
from core.runs.record import RunRecord
from dashboard import data, theme


def result(record: RunRecord, end: Finished) -> None:
    """The final numbers, a card each."""
    st.subheader("Result", anchor=False)
    found = metrics(record, end)
    with st.grid(len(found), min_column_width=150):
        for label, value, beside, help in found:
            st.metric(
                label, value, beside, delta_color="off", delta_arrow="off", border=True, height="stretch", help=help
            )
    if sentence := hit(record, end):
        st.caption(sentence)
    if is_outdated(end.to_dict()):
        st.warning(RUN_AGAIN, icon=":material/history:")


def hit(record: RunRecord, end: Finished) -> str | None:
    """What was asked for, what was reached of it, and how far that is off; None where there was nothing to reach."""
    share, off = reached(record.config, {"achieved": end.achieved})
    if share is None or off is None:
        return None
    asked = record.config.budget.in_words(whole=True)
    return f"Asked to keep {asked}; reached {in_words(share, off)}."


def classes(record: RunRecord, end: Finished) -> None:
    """The test accuracy class by class, open where the task is imbalanced."""
    figures = class_figures(end.to_dict())
    if not figures:
        return
    uneven = uneven_words(imbalance_of(end.to_dict()))
    share = st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)
    with st.expander(f"Accuracy of the {len(figures)} classes", icon=":material/category:", expanded=bool(uneven)):
        st.dataframe(
            class_table(record, figures),
            hide_index=True,
            height="content" if len(figures) <= 12 else 458,
            column_config={"Test accuracy": share},
            alt=f"Test accuracy of {len(figures)} classes, and the images each has",
        )
        if uneven:
            st.caption(f"{uneven}: the balanced accuracy, the mean of these rows, counts every class alike.")


def class_table(record: RunRecord, figures: Sequence[ClassFigures]) -> pd.DataFrame:
    """One row a class in the task's order: name, test accuracy, images by split."""
    task = data.task_of_run(record)
    known = task.classes if task else ()
    names = [theme.class_label(task.dataset, one.name) if task and one.name in known else one.name for one in figures]
    return pd.DataFrame(
        {
            "Class": names,
            "Test accuracy": 100 * pd.Series([one.accuracy for one in figures], dtype=float),
            "Training images": [one.train for one in figures],
            "Validation": [one.validation for one in figures],
            "Test": [one.test for one in figures],
        }
    )


def cost(end: Finished) -> None:
    """What the run cost."""
    st.subheader("Cost", anchor=False)
    st.table(cost_rows(end.cost), border="horizontal", width="content", alt="What the run cost")


def metrics(record: RunRecord, end: Finished) -> list[tuple[str, str, str | None, str]]:
    """(label, value, what to hold it against, help) of the final numbers."""
    config, got = record.config, 1 - end.achieved["channel_sparsity"]
    params, macs = end.achieved["params"], end.achieved["macs"]
    task = data.task_of_run(record)
    kept = theme.percent(got, 1)
    asked = f"asked: {theme.ratio(config.keep)}"
    by_channels = config.of == "channels" and kept != theme.percent(config.keep, 1)
    return [
        (
            "Test accuracy",
            theme.percent(end.test_accuracy, 1),
            f"guessing: {theme.percent(1 / len(task.classes))}" if task else None,
            "On the test split, touched once, at the end; beside it, what guessing among the classes would get.",
        ),
        *_beside_accuracy(end),
        (
            "Channels kept",
            kept,
            (asked if by_channels else None) if METHODS[config.method].removes else "none removed",
            "Achieved over all channel groups; below it what was asked for, where that differs.",
        ),
        (
            "Parameters",
            theme.short(params),
            f"of {theme.short(end.dense['params'])}" + (f", {asked}" if config.of == "params" else ""),
            f"{theme.percent(1 - params / end.dense['params'], 1)} of the backbone's are removed.",
        ),
        (
            "MACs",
            theme.short(macs),
            f"of {theme.short(end.dense['macs'])}" + (f", {asked}" if config.of == "macs" else ""),
            f"Multiply-accumulates for one image; {theme.percent(1 - macs / end.dense['macs'], 1)} are removed.",
        ),
    ]


def _beside_accuracy(end: Finished) -> list[tuple[str, str, str | None, str]]:
    """What accuracy alone does not tell: balanced accuracy of an imbalanced task, top-5 where classes are many."""
    found: list[tuple[str, str, str | None, str]] = []
    ratio = imbalance_of(end.to_dict())
    if (balanced := balanced_where_uneven(end.test_balanced_accuracy, ratio)) is not None:
        help = f"The mean of the classes' own test accuracies. {uneven_words(ratio)}."
        found.append(("Balanced accuracy", theme.percent(balanced, 1), None, help))
    if end.test_top5_accuracy is not None:
        help = "Share of test images whose class is among the five the network finds most likely."
        found.append(("Top-5 accuracy", theme.percent(end.test_top5_accuracy, 1), None, help))
    return found


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

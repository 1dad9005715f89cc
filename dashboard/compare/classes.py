"""The runs compared class by class, where all are on one task."""

import pandas as pd
import streamlit as st

from core.reports.by_class import class_figures, uneven_words
from dashboard import columns
from dashboard.compare.compared import Compared

IMAGES, FIXED = "Training images", 2  # columns before those of runs


def class_table(compared: Compared) -> pd.DataFrame:
    """One row a class, one column a finished run with its test accuracy there; empty where runs are on several tasks.

    Runs made before classes were recorded are left out.
    """
    told = {record.id: class_figures(record.result) for record in compared.records}
    shown = {row.run: told[row.run] for row in compared.finished if told[row.run]}
    if not shown or len(compared.tasks) > 1:
        return pd.DataFrame()
    first = next(iter(shown.values()))
    accuracies = {
        compared.names[id]: 100 * pd.Series([one.accuracy for one in mine], dtype=float) for id, mine in shown.items()
    }
    return pd.DataFrame({"Class": [one.name for one in first], IMAGES: [one.train for one in first], **accuracies})


def by_class(compared: Compared) -> None:
    """The table, open where the task is imbalanced."""
    table = class_table(compared)
    if table.empty:
        return
    uneven = uneven_words(max((row.imbalance for row in compared.finished if row.imbalance), default=None))
    with st.expander("Test accuracy class by class", icon=":material/category:", expanded=bool(uneven)):
        columns.table(
            table,
            {IMAGES: columns.COUNT} | dict.fromkeys(table.columns[FIXED:], columns.PERCENT),
            height="content" if len(table) <= 12 else 458,
            placeholder="",
            alt=f"Test accuracy of {len(table)} classes in {len(table.columns) - FIXED} runs",
        )
        if uneven:
            st.caption(f"{uneven}.")

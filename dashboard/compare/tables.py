"""The comparison's tables: results beside the baseline, what differs, summaries over seeds. Pure: data -> DataFrame."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from core.reports.by_class import balanced_where_uneven
from core.reports.compare import Row, Summary
from core.reports.differences import differing_settings, shared_settings
from dashboard import theme
from dashboard.compare.compared import Compared
from dashboard.compare.entries import Key, key_of
from dashboard.compare.names import shown
from dashboard.figures.marks import mark_url
from dashboard.theme import Style

MARK, NAME, BALANCED, TOP5, LATENCY = " ", "Run", "Balanced", "Top-5", "Latency"
NOT_COMPARED, SETUP = "Not compared", "Setup"
# Columns that are there if a run has something to say in them.
MAYBE = (BALANCED, TOP5, LATENCY, "× latency", NOT_COMPARED, SETUP)
CPU_TIME, TIME, MACS_REDUCTION = "CPU time", "Time", "MACs reduction"
BASELINE = " (baseline)"
ASKED, REACHED, OFF_BY = "Asked to keep", "Reached", "Off by"


def results(compared: Compared) -> pd.DataFrame:
    """One row a run: mark, accuracy, name, size and cost, and with a baseline what each is more or less than it.

    Accuracy comes before the name, so that a phone shows it.
    """
    base, rows = compared.base, compared.rows
    bases = {row.run: None if row.not_compared else base for row in rows}
    table = pd.DataFrame(
        {
            MARK: [mark_url(compared.styles[row.run]) for row in rows],
            "Test accuracy": _numbers([_percent(row.test_accuracy) for row in rows]),
            "Δ points": _numbers([_percent(row.difference) for row in rows]),
            NOT_COMPARED: [row.not_compared or "" for row in rows],
            NAME: [_pinned(compared, row) for row in rows],
            "Status": [theme.STATUSES[compared.statuses[row.run]].title for row in rows],
            BALANCED: _numbers(
                [_percent(balanced_where_uneven(row.test_balanced_accuracy, row.imbalance)) for row in rows]
            ),
            TOP5: _numbers([_percent(row.test_top5_accuracy) for row in rows]),
            "Validation": _numbers([_percent(row.validation_accuracy) for row in rows]),
            "Parameters": _numbers([row.params for row in rows]),
            "× parameters": _numbers([_times(row, bases[row.run], lambda one: one.params) for row in rows]),
            "MACs": _numbers([row.macs for row in rows]),
            "× MACs": _numbers([_times(row, bases[row.run], lambda one: one.macs) for row in rows]),
            LATENCY: _numbers([None if row.latency is None else 1000 * row.latency for row in rows]),
            "× latency": _numbers([_times(row, _alike(bases[row.run], row), lambda one: one.latency) for row in rows]),
            ASKED: [_asked(row, compared) for row in rows],
            REACHED: _numbers([_percent(row.share) for row in rows]),
            OFF_BY: _numbers([None if row.deviation is None else round(100 * row.deviation, 1) + 0.0 for row in rows]),
            "Iterations": _numbers([row.iterations for row in rows]),
            CPU_TIME: _numbers([row.cpu_seconds for row in rows]),
            "× CPU": _numbers([_times(row, bases[row.run], lambda one: one.cpu_seconds) for row in rows]),
            SETUP: [row.setup for row in rows],
            "Id": [row.run for row in rows],
        }
    )
    if base is None or len(rows) == 1:
        table = table.drop(columns=["Δ points", "× parameters", "× MACs", "× latency", "× CPU"])
    empty = [name for name in MAYBE if name in table and table[name].replace("", None).isna().all()]
    table = table.drop(columns=empty)
    return table.drop(columns="Status") if not compared.active and not compared.without_result else table


def _alike(base: Row | None, row: Row) -> Row | None:
    """The baseline, where its latency was measured under the same conditions."""
    return base if base is not None and base.measured_on == row.measured_on else None


def _asked(row: Row, compared: Compared) -> str:
    """The size budget in words; a dash where nothing was to be removed."""
    budgets = {record.id: record.config.budget for record in compared.records}
    return "—" if row.keep is None else budgets[row.run].in_words(whole=True)


def _pinned(compared: Compared, row: Row) -> str:
    name = compared.names[row.run]
    return f"{name}{BASELINE}" if row.run == compared.baseline else name


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _times(row: Row, base: Row | None, value: Callable[[Row], float | None]) -> float | None:
    """How many times the baseline's."""
    if base is None or row.run == base.run:
        return None
    own, other = value(row), value(base)
    return None if own is None or not other else own / other


def _numbers(values: Sequence[float | None]) -> pd.Series:
    return pd.Series(values, dtype=float)


def differences(compared: Compared) -> pd.DataFrame:
    """One row a run, one column a setting in which the runs are not all the same."""
    table = differing_settings([record.config for record in compared.records])
    columns = {theme.SETTINGS.get(name, name): [shown(name, one) for one in values] for name, values in table.items()}
    marks = [mark_url(compared.styles[id]) for id in compared.ids]
    return pd.DataFrame({MARK: marks, NAME: [compared.names[id] for id in compared.ids], **columns})


def in_common(compared: Compared) -> dict[str, str]:
    """Setting -> value, of those that all runs share."""
    shared = shared_settings([record.config for record in compared.records])
    return {theme.SETTINGS.get(name, name): shown(name, value) for name, value in shared.items()}


def summaries(found: Sequence[Summary], names: Mapping[Key, str]) -> pd.DataFrame:
    """One row a kind of run: number, mean, spreads, difference to the baseline's kind, and how much smaller it is."""
    rows = [
        {
            "Method": f"{names[key_of(one)]}{BASELINE}" if one.is_baseline else names[key_of(one)],
            "Runs": one.runs,
            "Tasks": one.tasks,
            "Mean accuracy": _percent(one.mean),
            BALANCED: _percent(balanced_where_uneven(one.balanced, one.imbalance)),
            TOP5: _percent(one.top5),
            "Standard deviation": _percent(one.sd),
            "Over seeds": _percent(one.seed_sd),
            "Δ points": _percent(one.difference),
            "Standard error": _percent(one.difference_se),
            "Pairs": one.pairs if one.difference is not None else None,
            NOT_COMPARED: one.not_compared,
            "Compression": one.compression,
            MACS_REDUCTION: one.macs_reduction,
            TIME: one.seconds,
        }
        for one in found
    ]
    table = pd.DataFrame(rows)
    for name in table.columns[3:].drop(NOT_COMPARED, errors="ignore"):
        table[name] = table[name].astype(float)
    return table.dropna(axis="columns", how="all").reset_index(drop=True)


def with_marks(table: pd.DataFrame, styles: Mapping[str, Style]) -> pd.DataFrame:
    """The table of summaries, each row's mark in front."""
    marks = [mark_url(styles[name.removesuffix(BASELINE)]) for name in table["Method"]]
    return pd.concat([pd.DataFrame({MARK: marks}), table], axis="columns")

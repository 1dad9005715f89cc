"""Runs side by side: summaries by variant and budget, and differences to a baseline among comparable runs."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from core.errors import BadValueError, UnknownNameError
from core.numbers import counted, ratio
from core.reports.comparability import mismatch, with_setups
from core.reports.rows import Comparison as Comparison
from core.reports.rows import Row as Row
from core.reports.rows import Summary as Summary
from core.runs.record import FINISHED

DEFAULT_BASELINE = "mvp"
NO_PAIR, SEVERAL = "no common task and seed", "several baselines fit"


def compare(rows: Iterable[Row], baseline: str | None = None) -> Comparison:
    """Summarise rows, with differences to `baseline`: a run's id, a method, or a variant as it is written in the table.

    To a run, as `compare_to` has them; to a variant, at each one's own keep ratio and iterations. Without a baseline,
    `mvp` is it if it is there in one variant only. Raises UnknownNameError for a baseline that no finished run has,
    BadValueError for one that stands for several variants.
    """
    rows = with_setups(rows)
    if (run := next((row for row in rows if row.run == baseline and _is_finished(row)), None)) is not None:
        return compare_to(rows, run)
    cells = _cells(rows)
    names = {(key[0], key[1]) for key in cells}
    wanted = baseline or DEFAULT_BASELINE
    matching = sorted(variant for variant, method in names if wanted in (variant, method))
    if wanted in matching:
        matching = [wanted]
    if baseline is not None and not matching:
        raise UnknownNameError("baseline", baseline, {name for pair in names for name in pair})
    if baseline is not None and len(matching) > 1:
        raise BadValueError(f"The baseline '{baseline}' stands for {len(matching)} variants: name {_listed(matching)}.")
    against = matching[0] if len(matching) == 1 else None
    return Comparison(
        rows, _sorted(_at_its_budget(_summary(key, runs), key, cells, against) for key, runs in cells.items())
    )


def compare_to(rows: Iterable[Row], base: Row | None) -> Comparison:
    """Summarise rows, with the difference of each finished run to one run, and of each summary to that run's own.

    So a difference depends on nothing else: pairs of a summary are of the same task and seed, whatever its keep ratio
    and iterations. No difference is taken between runs that are not comparable. base: None for no differences.
    """
    rows = with_setups(rows)
    cells = _cells(rows)
    if base is None:
        return Comparison(rows, _sorted(_summary(key, runs) for key, runs in cells.items()))
    base = next(row for row in rows if row.run == base.run)
    name, found = setting(base), cells[_key(base)]
    summaries = (
        replace(_summary(key, runs), baseline=name, is_baseline=True)
        if key == _key(base)
        else _paired(_summary(key, runs), runs, found, name)
        for key, runs in cells.items()
    )
    return Comparison(tuple(_held_against(row, base) for row in rows), _sorted(summaries), base)


def setting(row: Row) -> str:
    """A row's setting in words: variant, keep ratio, iterations, and what tells its inputs from others'."""
    keep = "" if row.keep is None else f", keep {ratio(row.keep)}"
    return f"{row.variant}{keep}, {counted(row.iterations, 'iteration')}{f', {row.setup}' if row.setup else ''}"


def _held_against(row: Row, base: Row) -> Row:
    """The row with its difference to the baseline, or why there is none."""
    if row.run == base.run or not _is_finished(row):
        return row
    if (reason := mismatch(row, base)) is not None:
        return replace(row, not_compared=reason)
    return replace(row, difference=(row.test_accuracy or 0.0) - (base.test_accuracy or 0.0))


def _sorted(found: Iterable[Summary]) -> tuple[Summary, ...]:
    def place(one: Summary) -> tuple[float, int, float, str, str]:
        return (-1 if one.keep is None else one.keep, one.iterations, -one.mean, one.variant, one.setup)

    return tuple(sorted(found, key=place))


def _is_finished(row: Row) -> bool:
    return row.status == FINISHED and row.test_accuracy is not None


_Key = tuple[str, str, float | None, int, str]  # variant, method, keep, iterations, setup
_Cells = dict[tuple[str, int], list[Row]]  # (task, seed) -> its runs


def _cells(rows: Iterable[Row]) -> dict[_Key, _Cells]:
    """Finished rows by variant, budget and setup, then by task and seed."""
    found: dict[_Key, _Cells] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if _is_finished(row):
            found[_key(row)][row.task, row.seed].append(row)
    return {key: dict(cells) for key, cells in found.items()}


def _key(row: Row) -> _Key:
    return row.variant, row.method, row.keep, row.iterations, row.setup


def _accuracies(cells: _Cells) -> dict[tuple[str, int], float]:
    return {cell: _mean(row.test_accuracy for row in rows) or 0.0 for cell, rows in cells.items()}


def _summary(key: _Key, cells: _Cells) -> Summary:
    variant, method, keep, iterations, setup = key
    accuracy = _accuracies(cells)
    rows = _rows(cells)
    by_task: dict[str, list[float]] = defaultdict(list)
    for (task, _), value in accuracy.items():
        by_task[task].append(value)
    return Summary(
        variant=variant,
        method=method,
        keep=keep,
        iterations=iterations,
        runs=len(rows),
        n=len(cells),
        tasks=len(by_task),
        mean=statistics.fmean(accuracy.values()),
        sd=_deviation(list(accuracy.values())),
        seed_sd=_pooled_deviation(list(by_task.values())),
        compression=_mean(_ratio(row.dense_params, row.params) for row in rows),
        macs_reduction=_mean(_ratio(row.dense_macs, row.macs) for row in rows),
        seconds=_mean(row.seconds for row in rows),
        params=_mean(row.params for row in rows),
        macs=_mean(row.macs for row in rows),
        share=_mean(row.share for row in rows),
        balanced=_mean_of_all(cells, lambda row: row.test_balanced_accuracy),
        top5=_mean_of_all(cells, lambda row: row.test_top5_accuracy),
        imbalance=max((row.imbalance for row in rows if row.imbalance is not None), default=None),
        of=measure(rows),
        setup=setup,
    )


def _mean_of_all(cells: _Cells, value: Callable[[Row], float | None]) -> float | None:
    """The mean over cells of a figure that every run in them has; None where one lacks it."""
    found = [[value(row) for row in rows] for rows in cells.values()]
    if any(one is None for each in found for one in each):
        return None
    return _mean(_mean(each) for each in found)


def _at_its_budget(summary: Summary, key: _Key, cells: Mapping[_Key, _Cells], against: str | None) -> Summary:
    """The summary with its difference to the baseline of the same keep ratio (where both have one) and iterations."""
    if against is None or summary.variant == against:
        return replace(summary, baseline=against, is_baseline=against is not None)
    _, _, keep, iterations, _ = key
    candidates = [
        found
        for (variant, _, other, spent, _), found in cells.items()
        if variant == against and spent == iterations and (keep is None or other is None or keep == other)
        if len(measures(_rows(found)) | measures(_rows(cells[key]))) < 2
    ]
    fitting = [found for found in candidates if _mismatch_of(cells[key], found) is None]
    if len(fitting) == 1:
        return _paired(summary, cells[key], fitting[0], against)
    reasons = {_mismatch_of(cells[key], found) for found in candidates} - {None}
    # none at this budget, or on these inputs; or an unpruned network beside several keep ratios
    alone = reasons.pop() if len(reasons) == 1 and not fitting else SEVERAL if fitting else None
    return replace(summary, baseline=against, not_compared=alone)


def _mismatch_of(own: _Cells, base: _Cells) -> str | None:
    """Why two groups of runs are not comparable: on a task that both have, or if they have none in common, at all."""
    pairs = [(one, other) for cell in own if cell in base for one in own[cell] for other in base[cell]]
    for one, other in pairs or [(_rows(own)[0], _rows(base)[0])]:
        if (reason := mismatch(one, other, tasks=False)) is not None:
            return reason
    return None


def _paired(summary: Summary, cells: _Cells, others: _Cells, baseline: str) -> Summary:
    """The summary with its difference to these other runs, pair by pair of the same task and seed."""
    if (reason := _mismatch_of(cells, others)) is not None:
        return replace(summary, baseline=baseline, not_compared=reason)
    own, base = _accuracies(cells), _accuracies(others)
    gaps = [own[cell] - base[cell] for cell in own if cell in base]
    spread = _deviation(gaps)
    return replace(
        summary,
        baseline=baseline,
        difference=_mean(gaps),
        difference_se=None if spread is None else spread / math.sqrt(len(gaps)),
        pairs=len(gaps),
        not_compared=None if gaps else NO_PAIR,
    )


def _rows(cells: _Cells) -> list[Row]:
    return [row for found in cells.values() for row in found]


def measures(rows: Iterable[Row]) -> set[str]:
    """What the keep ratios of these runs are shares of."""
    return {row.of for row in rows if row.of is not None}


def measure(rows: Iterable[Row]) -> str | None:
    """The one thing that the keep ratios of these runs are shares of; None where there are several, or none."""
    found = measures(rows)
    return found.pop() if len(found) == 1 else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _pooled_deviation(groups: Sequence[Sequence[float]]) -> float | None:
    """Square root of the within-group variances averaged by their degrees of freedom; None if all groups have one."""
    repeated = [group for group in groups if len(group) > 1]
    if not repeated:
        return None
    freedom = sum(len(group) - 1 for group in repeated)
    return math.sqrt(sum(statistics.variance(group) * (len(group) - 1) for group in repeated) / freedom)


def _ratio(whole: float | None, part: float | None) -> float | None:
    return whole / part if whole is not None and part else None


def _listed(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)

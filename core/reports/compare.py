"""Runs side by side: one row a run, and one summary a variant and budget, with paired differences to a baseline."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.channels.budget import KIND
from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS

# Task, seed, keep ratio and iterations have columns of their own; threads and whose mask is kept name no variant.
_NOT_OPTIONS = ("task", "method", "keep", "iterations", "seed", "threads", "mask_of")
# What makes two runs of one method different variants.
OPTIONS = tuple(one.name for one in fields(RunConfig) if one.name not in _NOT_OPTIONS)
_ZOO_OPTIONS = ("k", "similarity", "neighbours", "chosen", "weighting", "sample", "dynamic", "zoo")
# Options that are left as they are by nearly everybody: only those who change them are named by them.
_UNNAMED = {
    name: getattr(RunConfig, name) for name in (*KIND, "dynamic", "sampling", "similarity", "neighbours", "weighting")
}
DEFAULT_BASELINE = "mvp"


@dataclass(frozen=True)
class Row:
    """One run in a comparison. Accuracies and sparsity are shares (0 to 1); what a run has not reached is None.

    imbalance: training images of its task's largest class for each of the smallest's.
    of: what `keep` is a share of. share: what it came to. deviation: how far that is off `keep`, relative to it.
    latency, dense_latency: median seconds of one image through the slim and the unpruned network, where that was
    measured; `measured_on` says on what machine and threads, and only latencies of the same can be held together.
    """

    run: str
    status: str
    variant: str
    method: str
    options: Mapping[str, Any]
    task: str
    keep: float | None
    iterations: int
    seed: int
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    test_balanced_accuracy: float | None = None
    test_top5_accuracy: float | None = None
    imbalance: float | None = None
    params: int | None = None
    macs: int | None = None
    dense_params: int | None = None
    dense_macs: int | None = None
    channel_sparsity: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    of: str | None = None
    share: float | None = None
    deviation: float | None = None
    tags: tuple[str, ...] = ()
    latency: float | None = None
    dense_latency: float | None = None
    measured_on: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in the order of the columns."""
        return asdict(self) | {"options": dict(self.options), "tags": list(self.tags)}


@dataclass(frozen=True)
class Summary:
    """Finished runs of one variant at one keep ratio and number of iterations.

    n counts (task, seed) cells; a cell run twice counts once, with its mean. `sd` is the sample standard deviation over
    cells, `seed_sd` the one over seeds within a task, pooled. `difference` is the mean of this minus the baseline over
    the `pairs` cells both have, `difference_se` its standard error. `params`, `macs` and `share` are means, as are
    `compression` and `speed_up`, which hold them against the unpruned network. `balanced` and `top5` are means over
    cells of those test accuracies, where every run has one, `imbalance` the largest of a run. `of` is what the keep
    ratio is a share of, where that is one thing for all. Statistics that n does not allow are None.
    """

    variant: str
    method: str
    keep: float | None
    iterations: int
    runs: int
    n: int
    tasks: int
    mean: float
    sd: float | None
    seed_sd: float | None
    compression: float | None
    speed_up: float | None
    seconds: float | None
    baseline: str | None = None
    difference: float | None = None
    difference_se: float | None = None
    pairs: int = 0
    params: float | None = None
    macs: float | None = None
    balanced: float | None = None
    top5: float | None = None
    imbalance: float | None = None
    share: float | None = None
    of: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in the order of the columns."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Rows in the order asked for, and their summaries, best mean first within one keep ratio and iterations."""

    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]

    def to_dict(self) -> dict[str, Any]:
        """{"runs": [...], "summary": [...]}."""
        return {"runs": [row.to_dict() for row in self.rows], "summary": [one.to_dict() for one in self.summaries]}


def compare(rows: Iterable[Row], baseline: str | None = None) -> Comparison:
    """Summarise rows, with differences to `baseline` (a method, or a variant as it is written in the table).

    Without one, `mvp` is the baseline if it is there in one variant only. Raises UnknownNameError for a baseline that
    no finished run has, BadValueError for one that stands for several variants.
    """
    rows = tuple(rows)
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
    found = [_paired(_summary(key, runs), key, cells, against) for key, runs in cells.items()]
    found.sort(key=lambda one: (-1 if one.keep is None else one.keep, one.iterations, -one.mean, one.variant))
    return Comparison(rows, tuple(found))


_Key = tuple[str, str, float | None, int]  # variant, method, keep, iterations
_Cells = dict[tuple[str, int], list[Row]]  # (task, seed) -> its runs


def _cells(rows: Iterable[Row]) -> dict[_Key, _Cells]:
    """Finished rows by variant and budget, then by task and seed."""
    found: dict[_Key, _Cells] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.status == "finished" and row.test_accuracy is not None:
            found[row.variant, row.method, row.keep, row.iterations][row.task, row.seed].append(row)
    return {key: dict(cells) for key, cells in found.items()}


def _accuracies(cells: _Cells) -> dict[tuple[str, int], float]:
    return {cell: _mean(row.test_accuracy for row in rows) or 0.0 for cell, rows in cells.items()}


def _summary(key: _Key, cells: _Cells) -> Summary:
    variant, method, keep, iterations = key
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
        speed_up=_mean(_ratio(row.dense_macs, row.macs) for row in rows),
        seconds=_mean(row.seconds for row in rows),
        params=_mean(row.params for row in rows),
        macs=_mean(row.macs for row in rows),
        share=_mean(row.share for row in rows),
        balanced=_mean_of_all(cells, lambda row: row.test_balanced_accuracy),
        top5=_mean_of_all(cells, lambda row: row.test_top5_accuracy),
        imbalance=max((row.imbalance for row in rows if row.imbalance is not None), default=None),
        of=measure(rows),
    )


def _mean_of_all(cells: _Cells, value: Callable[[Row], float | None]) -> float | None:
    """The mean over cells of a figure that every run in them has; None where one lacks it."""
    found = [[value(row) for row in rows] for rows in cells.values()]
    if any(one is None for each in found for one in each):
        return None
    return _mean(_mean(each) for each in found)


def _paired(summary: Summary, key: _Key, cells: Mapping[_Key, _Cells], against: str | None) -> Summary:
    """The summary with its difference to the baseline of the same keep ratio (where both have one) and iterations."""
    if against is None or summary.variant == against:
        return replace(summary, baseline=against)
    _, _, keep, iterations = key
    candidates = [
        found
        for (variant, _, other, spent), found in cells.items()
        if variant == against and spent == iterations and (keep is None or other is None or keep == other)
        if len(measures(_rows(found)) | measures(_rows(cells[key]))) < 2
    ]
    if len(candidates) != 1:  # none at this budget; or an unpruned network beside several keep ratios
        return replace(summary, baseline=against)
    own, base = _accuracies(cells[key]), _accuracies(candidates[0])
    gaps = [own[cell] - base[cell] for cell in own if cell in base]
    spread = _deviation(gaps)
    return replace(
        summary,
        baseline=against,
        difference=_mean(gaps),
        difference_se=None if spread is None else spread / math.sqrt(len(gaps)),
        pairs=len(gaps),
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


def relevant_options(config: RunConfig) -> dict[str, Any]:
    """The options that matter to this run's method; those of voting matter only to methods that vote, those
    of a size budget only to methods that remove channels."""
    ignored = {
        *(() if config.needs_zoo else _ZOO_OPTIONS),
        *(() if METHODS[config.method].removes else KIND),
    }
    return {name: getattr(config, name) for name in OPTIONS if name not in ignored}


def differing_options(configs: Sequence[RunConfig]) -> list[dict[str, Any]]:
    """Per config, only those options in which the configs compared are not all the same.

    Each method has its usual weights, which its name already says: those of a method without neighbours are an option
    only beside a run of the same method with others.
    """
    options = [relevant_options(config) for config in configs]
    starts: dict[str, set[str | None]] = defaultdict(set)
    for config in configs:
        starts[config.method].add(config.weights)
    for config, one in zip(configs, options, strict=True):
        if not config.needs_zoo and len(starts[config.method]) == 1:
            del one["weights"]
    differ = [name for name in OPTIONS if len({one[name] for one in options if name in one}) > 1]
    return [{name: one[name] for name in differ if name in one} for one in options]


def variant_name(method: str, options: Mapping[str, Any]) -> str:
    """`mvp`, or `mvp k=3 weights=pretrained` where variants of it are compared; what is usual is not named."""
    given = (f"{name}={value}" for name, value in options.items() if value not in (None, (), _UNNAMED.get(name)))
    return " ".join([method, *given])


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

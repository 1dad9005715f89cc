"""Means, spreads and paired tests over targets. Runs of one target are not independent, so a target counts once."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scipy import stats as scipy_stats

from benchmarks.study.grid import Finished, Place

Values = Mapping[tuple[str, int], float]  # (target, seed) -> a number of that run
Key = tuple[str, str, float, int]  # question, variant, keep ratio, iterations


@dataclass(frozen=True)
class Summary:
    """n runs on some targets: mean of target means, standard deviation over targets, and over seeds within a target."""

    n: int
    targets: int
    mean: float
    sd: float
    seed_sd: float


@dataclass(frozen=True)
class Difference:
    """A minus B over the targets both have (each the mean of common seeds): mean, 95 % interval, paired t test."""

    targets: int
    pairs: int
    mean: float
    low: float
    high: float
    p: float
    wins: int


def collect(
    places: Iterable[Place], finished: Finished, number: str = "test_accuracy"
) -> dict[Key, dict[tuple[str, int], float]]:
    """Key -> (target, seed) -> a number of the finished run: "test_accuracy", or one of its cost account."""
    found: dict[Key, dict[tuple[str, int], float]] = defaultdict(dict)
    for place in places:
        record = finished.get(place.config)
        if record is not None and record.result is not None:
            source = record.result if number == "test_accuracy" else record.result["cost"]
            key = (place.question, place.variant, place.config.keep, place.config.iterations)
            found[key][place.config.task, place.config.seed] = float(source[number])
    return dict(found)


def by_target(values: Values) -> dict[str, list[float]]:
    """Target -> its values, one a seed."""
    out: dict[str, list[float]] = defaultdict(list)
    for (target, _), value in sorted(values.items()):
        out[target].append(value)
    return dict(out)


def summary(values: Values) -> Summary:
    """NaN where there is nothing to compute a figure from."""
    groups = by_target(values)
    means = [statistics.fmean(group) for group in groups.values()]
    freedom = sum(len(group) - 1 for group in groups.values())
    within = sum((value - statistics.fmean(group)) ** 2 for group in groups.values() for value in group)
    return Summary(
        len(values),
        len(groups),
        statistics.fmean(means) if means else math.nan,
        statistics.stdev(means) if len(means) > 1 else math.nan,
        math.sqrt(within / freedom) if freedom else math.nan,
    )


def difference(a: Values, b: Values) -> Difference:
    """A minus B, paired by target and seed; NaN intervals with fewer than two targets."""
    common = {cell: a[cell] - b[cell] for cell in a if cell in b}
    gaps = [statistics.fmean(group) for group in by_target(common).values()]
    if len(gaps) < 2:
        mean = gaps[0] if gaps else math.nan
        return Difference(len(gaps), len(common), mean, math.nan, math.nan, math.nan, sum(gap > 0 for gap in gaps))
    mean, error = statistics.fmean(gaps), statistics.stdev(gaps) / math.sqrt(len(gaps))
    half = float(scipy_stats.t.ppf(0.975, len(gaps) - 1)) * error
    p = float(scipy_stats.ttest_1samp(gaps, 0.0).pvalue) if error else math.nan
    return Difference(len(gaps), len(common), mean, mean - half, mean + half, p, sum(gap > 0 for gap in gaps))

"""Accuracy on the way: a run's validation curve by iteration, MACs or seconds, and the mean curve of many runs."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.pruning.events import Evaluation, Pruned, RecordedEvent
from core.pruning.meter import BACKWARD
from core.runs.record import FINISHED, RunRecord


@dataclass(frozen=True)
class Point:
    """One evaluation. `macs`: spent so far, None where that cannot be told; `seconds`: since the start of the run."""

    iteration: int
    accuracy: float
    seconds: float
    macs: float | None = None


@dataclass(frozen=True)
class MeanPoint:
    """Mean accuracy of `n` runs at one iteration, and the sample standard deviation over them (None for one run)."""

    iteration: int
    accuracy: float
    sd: float | None
    n: int


def curve(record: RunRecord, events: Iterable[RecordedEvent]) -> list[Point]:
    """A run's evaluations, oldest first, with what had been spent until then."""
    seen = list(events)
    spent = macs_spent(record, [event for event in seen if isinstance(event, Pruned)])
    return [
        Point(one.iteration, one.accuracy, one.seconds, spent.get(one.iteration))
        for one in seen
        if isinstance(one, Evaluation)
    ]


def macs_spent(record: RunRecord, pruned: Sequence[Pruned]) -> dict[int, float]:
    """MACs spent up to each iteration: the run's total less the training that was still to come.

    So all that is no training (finding neighbours, settling BatchNorm, the head) counts from the start. Training costs
    a forward and a backward pass of the network as wide as it then was. Empty for a run that has not finished, whose
    total is not known.
    """
    result = record.result or {}
    total, wide = (result.get("cost") or {}).get("macs"), (result.get("dense") or {}).get("macs")
    if record.status != FINISHED or total is None or wide is None:
        return {}
    one_image = (1 + BACKWARD) * record.config.batch
    left, found = float(total), {record.config.iterations: float(total)}
    for iteration in range(record.config.iterations - 1, -1, -1):
        width = next((event.macs for event in reversed(pruned) if event.iteration <= iteration), wide)
        left -= one_image * width
        found[iteration] = left
    return found if left >= 0 else {}  # batches smaller than asked for: the data set had no more images


def mean_curve(curves: Sequence[Sequence[Point]]) -> list[MeanPoint]:
    """The mean of several runs' curves, at those iterations where every one of them was measured."""
    at: Mapping[int, list[float]] = defaultdict(list)
    for points in curves:
        for iteration, accuracy in {point.iteration: point.accuracy for point in points}.items():
            at[iteration].append(accuracy)
    return [
        MeanPoint(
            iteration, statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values)
        )
        for iteration, values in sorted(at.items())
        if len(values) == len(curves)
    ]

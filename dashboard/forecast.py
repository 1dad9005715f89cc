"""What a run will take and leave, said before it starts: seconds, parameters, MACs. Pure: no clock, store or page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from core.channels.budget import Allowance
from core.channels.layers import Layers, Size
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.pruning.schedule import Schedule, schedule_of
from core.runs.record import FINISHED, RunRecord

# Seconds, fitted to the runs of `benchmarks/study-runs.zip` (one thread of an idle two-core machine, the shipped
# backbone): before and after training, finding and merging neighbours, and per iteration at four keep ratios.
START, NEIGHBOURS = 0.51, 0.15
PACE = ((0.1, 0.02), (0.2, 0.033), (0.5, 0.088), (1.0, 0.363))
LOADING = 8.0  # seconds until a worker that has to be started has loaded what it needs
LOOK_BACK = 20  # finished runs
ENOUGH = 20  # iterations: what shorter runs take is how they begin and end, which tells nothing of the pace


@dataclass(frozen=True)
class Pace:
    """How much longer this machine takes than the one the defaults were measured on, and from how many runs that is."""

    factor: float = 1.0
    runs: int = 0

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        last = "last run" if self.runs == 1 else f"last {self.runs} runs"
        return f"the pace of this machine's {last} of {ENOUGH} iterations or more"


@dataclass(frozen=True)
class Forecast:
    """seconds: of all runs together. size: what the first leaves, exact; dense: the backbone's; None where unknown.

    What a global budget leaves is not known before channels are scored.
    """

    seconds: float
    size: Size | None
    dense: Size | None


def forecast(
    configs: Sequence[RunConfig], classes: int, groups: Mapping[str, int], layers: Layers | None, pace: Pace
) -> Forecast:
    """What these runs, on a task of so many classes, will take and leave. Raises BadValueError for one that cannot be.

    groups: channels of each group. layers: what a network's size follows from, None where the zoo does not say.
    """
    seconds = pace.factor * sum(usual_seconds(config) for config in configs)
    if layers is None or not configs:
        return Forecast(seconds, None, None)
    dense = layers.size(groups, classes)
    left = [
        Allowance(config.budget, groups, layers, classes).counts() if METHODS[config.method].removes else dict(groups)
        for config in configs
    ]
    told = configs[0].allocation == "uniform" or not METHODS[configs[0].method].removes
    return Forecast(seconds, layers.size(left[0], classes) if told else None, dense)


def usual_seconds(config: RunConfig) -> float:
    """Seconds of a run on the machine that was measured. Raises BadValueError where the method cannot work so short."""
    schedule = schedule_of(config)
    keeps = keeps_of(config, schedule)
    if config.of != "channels":  # parameters and MACs go with the square of the widths
        keeps = [keep**0.5 for keep in keeps]
    return START + (NEIGHBOURS if config.needs_zoo else 0.0) + sum(map(pace_at, keeps))


def pace_at(keep: float) -> float:
    """Seconds per iteration at a keep ratio, on a straight line between those that were measured."""
    keep = max(keep, PACE[0][0])
    for (low, fast), (high, slow) in pairwise(PACE):
        if keep <= high:
            return fast + (slow - fast) * (keep - low) / (high - low)
    return PACE[-1][1]


def pace_of(records: Iterable[RunRecord], method: str) -> Pace:
    """This machine's pace: the median over its own last finished runs, those of the same method where there are any.

    Only those count that `tells_of_pace`.
    """
    own = [one for one in records if tells_of_pace(one)][:LOOK_BACK]
    alike = [one for one in own if one.config.method == method] or own
    ratios = [float(r.result["cost"]["seconds"]) / usual_seconds(r.config) for r in alike if r.result]
    return Pace(median(ratios), len(ratios)) if ratios else Pace()


def tells_of_pace(record: RunRecord) -> bool:
    """Whether a run says how fast this machine trains: finished here, in one sitting, and no shorter than `ENOUGH`.

    Imported runs tell of other machines, resumed ones of two sittings.
    """
    here = record.status == FINISHED and bool(record.machine) and record.attempt == 1 and bool(record.result)
    return here and record.config.iterations >= ENOUGH


def keeps_of(config: RunConfig, schedule: Schedule) -> list[float]:
    """The keep ratio of each iteration."""
    keep, rounds = schedule.first_keep, dict(schedule.rounds)
    if not METHODS[config.method].removes:
        keep = 1.0
    keeps = []
    for iteration in range(config.iterations):
        keep = rounds.get(iteration, keep)
        keeps.append(keep)
    return keeps

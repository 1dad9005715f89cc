"""How long building a zoo will take, said before it starts. Pure: no clock, store or page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from core.backbones.listing import about
from core.pruning.config import RunConfig
from core.pruning.schedule import Schedule, schedule_of
from core.runs.record import RunRecord
from core.tasks.task import Task
from dashboard.forecast import ENOUGH, LOADING, LOOK_BACK, Pace, keeps_of, pace_at, tells_of_pace, usual_seconds

# The pace was measured with this architecture at this size, where an iteration passes 64 images forward and back.
MEASURED = ("resnet18", 32)
SHIPPED = ("emoji-resnet18-simclr", "emoji-resnet18-supervised")
PASSES = 3 * 64
LOOKING = 0.65  # an image that is only looked at takes this share of a third of what training on it takes
# Validation images of a class, where these are many: looking at them then takes as long as training.
VALIDATION = {"fashion-mnist": 900, "cifar10": 750}
FEW = 40
# Seconds of one model: looking at one class's training images, for the similarities; and of the map, once.
LOOK, MAP = 0.35, 25.0
SLOWEST = 4.0  # times: runs that shared the cores with others took longer yet, which tells nothing of an hour's build


@dataclass(frozen=True)
class Forecast:
    """seconds: about, None where nothing like it has been measured; source: what that rests on, a sentence."""

    seconds: float | None
    source: str


def forecast(
    tasks: Sequence[Task], targets: Sequence[Task], settings: Mapping[str, Any], workers: int, pace: Pace
) -> Forecast:
    """pace: of this machine, as `pace_of` has it. Raises BadValueError, BadFileError."""
    backbone = about(settings["backbone"])
    if (backbone.architecture, backbone.size) != MEASURED:
        return Forecast(
            None, "How long it takes is told once the first model is done: nothing like it was measured yet."
        )
    config = RunConfig(tasks[0].id, learning_rate=0.02, threads=1, **settings)
    classes = {(task.dataset, name) for task in (*tasks, *targets) for name in task.classes}
    train = pace.factor * expected(config, tasks[0]) * len(tasks) / min(workers, len(tasks))
    seconds = LOADING * (1 + (workers > 1)) + train + pace.factor * LOOK * len(classes) * len(tasks) + MAP
    own = f"Told from {pace.basis} on a shipped backbone."
    idle = (
        f"Told from the pace of an idle two-core machine, until a run of {ENOUGH} iterations or more has finished here."
    )
    return Forecast(seconds, own if pace.runs else idle)


def expected(config: RunConfig, task: Task) -> float:
    """Seconds of a run on the machine that was measured, its looks at the validation images included."""
    schedule = schedule_of(config)
    looks = sum(map(schedule.evaluate_at, range(1, config.iterations + 1)))
    return usual_seconds(config) + LOOKING * looks * _validation(task) * _mean_pace(config, schedule) / PASSES


def pace_of(records: Iterable[RunRecord], task_of: Callable[[RunRecord], Task | None]) -> Pace:
    """How much longer this machine takes than the one that was measured: the median over its own last runs that tell
    of it, on the shipped backbones, SLOWEST at most; 1 where there are none."""
    ratios = []
    for one in records:
        if tells_of_pace(one) and one.config.backbone in SHIPPED and one.result and (task := task_of(one)) is not None:
            ratios.append(float(one.result["cost"]["seconds"]) / expected(one.config, task))
    last = ratios[:LOOK_BACK]
    return Pace(min(SLOWEST, median(last)), len(last)) if last else Pace()


def _validation(task: Task) -> int:
    return len(task.classes) * VALIDATION.get(task.dataset, FEW)


def _mean_pace(config: RunConfig, schedule: Schedule) -> float:
    """Seconds of an iteration, over the way from the dense network to the slim one."""
    paces = [pace_at(keep) for keep in keeps_of(config, schedule)]
    return sum(paces) / len(paces) if paces else pace_at(config.keep)

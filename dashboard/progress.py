"""How far a run is: its record and events turned into what the live view shows. Pure: no clock, no store, no page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, RecordedEvent, Step
from core.runs.record import CANCELLING, QUEUED, RUNNING

ACTIVE = (QUEUED, RUNNING, CANCELLING)
MOST_POINTS = 400
RECENT = 20  # steps that the estimate of the time left looks back on


@dataclass(frozen=True)
class Progress:
    """A run's events by kind, and where it stands. `left` is None while it cannot be estimated."""

    steps: Sequence[Step] = field(default_factory=tuple)
    evaluations: Sequence[Evaluation] = field(default_factory=tuple)
    pruned: Sequence[Pruned] = field(default_factory=tuple)
    finished: Finished | None = None
    phase: str | None = None
    iteration: int = 0
    fraction: float = 0.0
    seconds: float = 0.0
    left: float | None = None


def progress(events: Iterable[RecordedEvent], iterations: int) -> Progress:
    """Where a run of so many `iterations` stands after these events, oldest first."""
    seen = list(events)
    steps = [event for event in seen if isinstance(event, Step)]
    phases = [event.phase for event in seen if isinstance(event, PhaseChanged)]
    finished = next((event for event in seen if isinstance(event, Finished)), None)
    iteration = max((event.iteration for event in seen), default=0)
    fraction = 1.0 if finished else min(1.0, iteration / iterations) if iterations else 0.0
    return Progress(
        steps=steps,
        evaluations=[event for event in seen if isinstance(event, Evaluation)],
        pruned=[event for event in seen if isinstance(event, Pruned)],
        finished=finished,
        phase=phases[-1] if phases else None,
        iteration=iteration,
        fraction=fraction,
        seconds=seen[-1].seconds if seen else 0.0,
        left=None if finished else time_left(steps, iterations),
    )


def time_left(steps: Sequence[Step], iterations: int) -> float | None:
    """Seconds the remaining iterations will take at the pace of the last ones; None before there is a pace."""
    recent = steps[-RECENT:]
    if len(recent) < 3 or recent[-1].iteration <= recent[0].iteration:
        return None
    pace = (recent[-1].seconds - recent[0].seconds) / (recent[-1].iteration - recent[0].iteration)
    return pace * max(0, iterations - recent[-1].iteration)


def thinned(items: Sequence[Step], most: int = MOST_POINTS) -> list[Step]:
    """At most about `most` of the items, evenly spaced, the last one always among them."""
    stride = -(-len(items) // most) if items else 1
    kept = list(items[::stride])
    if items and kept[-1] is not items[-1]:
        kept.append(items[-1])
    return kept

"""How far a run is: its record and events turned into what the live view shows. Pure: no clock, no store, no page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, RecordedEvent, Step
from core.runs.record import CANCELLING, QUEUED, RUNNING

ACTIVE = (QUEUED, RUNNING, CANCELLING)
MOST_POINTS = 400
RECENT = 20  # steps that the estimate of the time left looks back on


@dataclass(frozen=True)
class PhaseSpan:
    """A phase of a run: from its first iteration to its last, and from when to when, in seconds since the start."""

    phase: str
    first: int
    last: int
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return max(0.0, self.ended - self.began)


@dataclass(frozen=True)
class Progress:
    """A run's events by kind, and where it stands. `left` is None while it cannot be estimated.

    dense_params: parameters of the unpruned network, None while nothing has said how many.
    """

    steps: Sequence[Step] = field(default_factory=tuple)
    evaluations: Sequence[Evaluation] = field(default_factory=tuple)
    pruned: Sequence[Pruned] = field(default_factory=tuple)
    phases: Sequence[PhaseSpan] = field(default_factory=tuple)
    finished: Finished | None = None
    dense_params: int | None = None
    phase: str | None = None
    iteration: int = 0
    fraction: float = 0.0
    seconds: float = 0.0
    left: float | None = None


def progress(events: Iterable[RecordedEvent], iterations: int, dense_params: int | None = None) -> Progress:
    """Where a run of so many `iterations` stands after these events, oldest first.

    dense_params: what is known of the unpruned network's size before the run tells it at its end.
    """
    seen = list(events)
    steps = [event for event in seen if isinstance(event, Step)]
    phases = phase_spans(seen)
    finished = next((event for event in seen if isinstance(event, Finished)), None)
    iteration = max((event.iteration for event in seen), default=0)
    fraction = 1.0 if finished else min(1.0, iteration / iterations) if iterations else 0.0
    return Progress(
        steps=steps,
        evaluations=[event for event in seen if isinstance(event, Evaluation)],
        pruned=[event for event in seen if isinstance(event, Pruned)],
        phases=phases,
        finished=finished,
        dense_params=finished.dense.get("params", dense_params) if finished else dense_params,
        phase=phases[-1].phase if phases else None,
        iteration=iteration,
        fraction=fraction,
        seconds=seen[-1].seconds if seen else 0.0,
        left=None if finished else time_left(steps, iterations),
    )


def phase_spans(events: Sequence[RecordedEvent]) -> list[PhaseSpan]:
    """The phases in order, each until the next begins, the last until the last event; a phase told twice is one."""
    spans: list[PhaseSpan] = []
    for event in events:
        if spans:
            spans[-1] = replace(spans[-1], last=event.iteration, ended=event.seconds)
        if isinstance(event, PhaseChanged) and not (spans and spans[-1].phase == event.phase):
            spans.append(PhaseSpan(event.phase, event.iteration, event.iteration, event.seconds, event.seconds))
    return spans


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

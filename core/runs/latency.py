"""Latency of a run's slim network beside the unpruned one: what was measured, and where, as it is kept with the run.

Torch-free: `core.reports.measure` measures.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadFileError
from core.schema import is_count, is_number, is_text

NOT_WHOLE = "This is no whole measurement of latency: measure it anew."
NOT_STEADY = "The machine was busy meanwhile, as the quartiles tell: measure again when it is not."

BATCHES = (1, 8, 32)
THREADS = 1  # what any machine can give at any time; more are disturbed by whatever else it does
UNSTEADY = 0.5  # of the median: quartiles further apart say that the machine was busy


@dataclass(frozen=True)
class Timing:
    """Seconds of one forward pass: median, first and third quartile."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Batch:
    """Both networks at one batch size, and the median over rounds of dense seconds over slim seconds."""

    batch: int
    rounds: int
    dense: Timing
    slim: Timing
    speed_up: float


@dataclass(frozen=True)
class Latency:
    """What was measured, and where. load: of the machine when it began, processes that wanted to run."""

    machine: str
    processor: str
    torch: str
    threads: int
    image: int
    layout: str
    dense_macs: int
    slim_macs: int
    load: float
    measured: float
    batches: tuple[Batch, ...]

    @property
    def macs_ratio(self) -> float:
        """MACs of the unpruned network over those of the slim one: the MACs reduction."""
        return self.dense_macs / self.slim_macs

    @property
    def where(self) -> str:
        """What has to be the same for two latencies to be comparable."""
        return f"{self.machine}, {self.threads} thread{'s' * (self.threads > 1)}"

    @property
    def steady(self) -> bool:
        """Whether the quartiles of every timing are close together; else the machine was busy with other things."""
        timings = [timing for one in self.batches for timing in (one.dense, one.slim)]
        return all(one.high - one.low <= UNSTEADY * one.median for one in timings)

    def at(self, batch: int) -> Batch | None:
        """The measurement at one batch size."""
        return next((one for one in self.batches if one.batch == batch), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {
            "batches": [asdict(one) for one in self.batches],
            "macs_ratio": self.macs_ratio,
            "steady": self.steady,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Latency":
        """What `to_dict` wrote, whoever passed it on. Raises BadFileError for anything else."""
        try:
            given = {name: value for name, value in data.items() if name not in ("macs_ratio", "steady")}
            batches = tuple(
                Batch(one["batch"], one["rounds"], Timing(**one["dense"]), Timing(**one["slim"]), one["speed_up"])
                for one in given.pop("batches")
            )
            found = cls(batches=batches, **given)
            whole = found._is_whole()
        except (KeyError, TypeError, AttributeError) as error:
            raise BadFileError(NOT_WHOLE) from error
        if not whole:
            raise BadFileError(NOT_WHOLE)
        return found

    def _is_whole(self) -> bool:
        """Whether all of it is of the kind it should be, and can have been measured."""
        sizes = [one.batch for one in self.batches]
        words = (self.machine, self.processor, self.torch, self.layout)
        counts = (self.threads, self.image, self.dense_macs, self.slim_macs, *sizes, *(b.rounds for b in self.batches))
        timings = [timing for one in self.batches for timing in (one.dense, one.slim)]
        return (
            all(map(is_text, words))
            and all(is_count(count) for count in counts)
            and all(is_number(number) and number >= 0 for number in (self.load, self.measured))
            and all(is_number(one.speed_up) and one.speed_up > 0 for one in self.batches)
            and all(is_number(number) for one in timings for number in (one.low, one.median, one.high))
            and all(0 < one.low <= one.median <= one.high for one in timings)
            and 0 < len(sizes) == len(set(sizes))
        )

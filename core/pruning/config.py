"""What a run is asked to do: one immutable, validated record that survives JSON unchanged."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any

from core.channels.budget import WORDS, Budget
from core.errors import BadValueError, UnknownNameError
from core.numbers import ratio
from core.pruning.methods import METHODS
from core.schema import is_name, shortened
from core.voting import WEIGHTINGS

SIMILARITIES = ("leep", "logme", "prototypes")
NEIGHBOURS = ("nearest", "random", "farthest", "all", "chosen")
WEIGHTS = ("neighbours", "pretrained", "reinitialised")
SAMPLINGS = ("natural", "balanced")
MOST_ITERATIONS = 100_000
MOST_NEIGHBOURS = 1_000_000


@dataclass(frozen=True)
class RunConfig:
    """One method on one target task with one seed and budget.

    `task`, `backbone` and `zoo` are ids, looked up when the run starts. `zoo` is None for a run without a zoo: it has
    no votes, and `backbone` was given explicitly. `k` is None where no neighbours are ranked (`neighbours="all"`), and
    may be where a run needs no zoo. `keep` is the keep ratio, a share `of` the channels, of the parameters ("params")
    or of the MACs ("macs"); `learning_rate` the peak of the schedule.
    allocation, least_width, multiple: how the budget is shared out among channel groups (`core.channels.budget`).
    chosen: ids of the zoo tasks that vote, where `neighbours="chosen"`; giving them implies it, and sets `k`.
    weights: what kept entries start at: the neighbours' mean, the backbone's, or chance; None is the method's usual.
    mask_of: id of the finished run whose selection is kept, for the method "same-mask".
    sample: temperature at which channels are drawn by their votes; None, the default, takes those with most votes.
    dynamic: vote in several rounds, neighbours ranked anew in each by how they agree with the target's own importance.
    sampling: whether batches draw training images as they come, or every class as often as any other.
    skip_unreadable: leave out images of a folder that cannot be decoded, instead of refusing the run.
    Raises BadValueError or UnknownNameError, one sentence each.
    """

    task: str
    method: str = "mvp"
    keep: float = 0.2
    iterations: int = 60
    seed: int = 0
    k: int | None = 5
    similarity: str = "leep"
    neighbours: str = "nearest"
    chosen: tuple[str, ...] = ()
    weighting: str = "count"
    weights: str | None = None
    mask_of: str | None = None
    sample: float | None = None
    dynamic: bool = False
    backbone: str = "emoji-resnet18-simclr"
    zoo: str | None = "emoji-resnet18-simclr"
    threads: int = 2
    learning_rate: float = 0.01
    batch: int = 64
    sampling: str = "natural"
    of: str = Budget.of
    allocation: str = Budget.allocation
    least_width: int = Budget.least_width
    multiple: int = Budget.multiple
    skip_unreadable: bool = False

    def __post_init__(self) -> None:
        for name in ("task", "backbone", *(() if self.zoo is None else ("zoo",))):
            _check_id(name, getattr(self, name))
        if self.weights is None and isinstance(self.method, str) and self.method in METHODS:
            object.__setattr__(self, "weights", METHODS[self.method].weights)
        self._check_chosen()
        for name, kind, known in _CHOICES:
            if (value := getattr(self, name)) not in known:
                raise UnknownNameError(kind, value, known)
        whole = {
            "iterations": (0, MOST_ITERATIONS, "the number of training iterations"),
            "seed": (0, 2**32 - 1, "the seed"),
            "threads": (1, 1024, "the number of threads"),
            "batch": (2, 65_536, "the batch size"),
        }
        for name, (least, most, words) in whole.items():
            object.__setattr__(self, name, _whole(getattr(self, name), least, most, words))
        for name, value in vars(self.budget).items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "learning_rate", _rate(self.learning_rate))
        if self.sample is not None:
            object.__setattr__(self, "sample", _temperature(self.sample))
        if not isinstance(self.dynamic, bool):
            raise BadValueError(f"dynamic must be true or false, not {shortened(self.dynamic)}.")
        if not isinstance(self.skip_unreadable, bool):
            raise BadValueError(f"skip_unreadable must be true or false, not {shortened(self.skip_unreadable)}.")
        if self.neighbours == "all":
            object.__setattr__(self, "k", None)
        if self.k is not None:
            object.__setattr__(self, "k", _whole(self.k, 1, MOST_NEIGHBOURS, "K, the number of neighbours,"))
        elif self.needs_zoo and self.neighbours != "all":
            raise BadValueError(f"{METHODS[self.method].title} needs K, the number of neighbours: give one, such as 5.")
        if self.needs_zoo and self.zoo is None:
            raise BadValueError(f"{METHODS[self.method].title} needs a zoo whose tasks vote: name one.")
        if METHODS[self.method].keeps_mask != (self.mask_of is not None):
            raise BadValueError('The method "same-mask", and it alone, needs the run whose mask to keep: give its id.')
        if self.mask_of is not None and not is_name(self.mask_of):
            raise BadValueError(f"mask_of must be the id of a run, not {shortened(self.mask_of)}.")

    @property
    def budget(self) -> Budget:
        """How large the slim model may be. Raises BadValueError, UnknownNameError."""
        return Budget(self.keep, self.of, self.allocation, self.least_width, self.multiple)

    @property
    def needs_zoo(self) -> bool:
        """Whether neighbours vote in this run, or lend it their weights."""
        return METHODS[self.method].needs_zoo or self.weights == "neighbours"

    @property
    def voting_zoo(self) -> str | None:
        """The zoo whose tasks vote in this run, or lend it their weights; None if none do."""
        return self.zoo if self.needs_zoo else None

    def _check_chosen(self) -> None:
        named: object = self.chosen  # a list, from JSON; one id, from a hasty caller
        if isinstance(named, Mapping) or not isinstance(named, Iterable):
            raise BadValueError(f"chosen must be a list of zoo task ids, not {shortened(named)}.")
        chosen = (named,) if isinstance(named, str) else tuple(named)
        object.__setattr__(self, "chosen", chosen)
        if chosen and self.neighbours in ("nearest", "chosen"):
            if not all(map(is_name, chosen)) or len(set(chosen)) < len(chosen):
                raise BadValueError("Neighbours chosen by hand are ids of zoo tasks, each named once.")
            object.__setattr__(self, "neighbours", "chosen")
            object.__setattr__(self, "k", len(chosen))
        elif chosen or self.neighbours == "chosen":
            raise BadValueError('Name the zoo tasks that vote where neighbours are "chosen", and only there.')

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` gives back an equal config."""
        return asdict(self) | {"chosen": list(self.chosen)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RunConfig":
        """The config that `to_dict` described; missing settings take their defaults, unknown ones are refused."""
        known = [field.name for field in fields(cls)]
        if not isinstance(data, Mapping):
            raise BadValueError(f"A run's settings are an object, not {shortened(data)}.")
        if unknown := sorted(set(data) - set(known)):
            raise BadValueError(
                f"A run has no setting {' or '.join(map(repr, unknown))}: its settings are {', '.join(known)}."
            )
        if "task" not in data:
            raise BadValueError("A run needs a task: give its id.")
        return cls(**data)

    def label(self) -> str:
        """One short line for people, naming what tells runs apart."""
        method = METHODS[self.method]
        parts = [method.title]
        if self.needs_zoo:
            parts.append("the whole zoo" if self.neighbours == "all" else f"{self.k} {self.neighbours}")
        if self.weights != method.weights or method.needs_zoo:
            parts.append("neighbours' weights" if self.weights == "neighbours" else f"{self.weights} weights")
        parts.append(self.task)
        if method.removes:
            parts.append(f"keep {ratio(self.keep)}" + (f" of {WORDS[self.of]}" if self.of != Budget.of else ""))
            parts += ["global"] if self.allocation == "global" else []
        parts += ["balanced batches"] if self.sampling == "balanced" else []
        return " · ".join([*parts, f"{self.iterations} iterations", f"seed {self.seed}"])


_CHOICES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("method", "method", tuple(METHODS)),
    ("similarity", "similarity", SIMILARITIES),
    ("neighbours", "way to choose neighbours", NEIGHBOURS),
    ("weighting", "weighting of votes", WEIGHTINGS),
    ("weights", "source of weights", WEIGHTS),
    ("sampling", "way to draw training images", SAMPLINGS),
)


def _check_id(name: str, value: object) -> None:
    if not is_name(value):
        raise BadValueError(f"A run needs a {name}: give its id, not {shortened(value)}.")


def _whole(value: object, least: int, most: int, words: str) -> int:
    number = int(value) if not isinstance(value, bool) and isinstance(value, Integral) else None
    if number is None or not least <= number <= most:
        raise BadValueError(
            f"{words[0].upper()}{words[1:]} must be a whole number from {least} to {most:,}, not {shortened(value)}."
        )
    return number


def _rate(value: object) -> float:
    if not 0 < (rate := _number(value)) <= 10:
        raise BadValueError(f"The learning rate must be above 0 and at most 10, not {shortened(value)}: 0.02 is usual.")
    return rate


def _temperature(value: object) -> float:
    if not 0 < (temperature := _number(value)) < math.inf:
        raise BadValueError(f"The temperature of sampled votes must be above 0, not {shortened(value)}: try 1.")
    return temperature


def _number(value: object) -> float:
    """The value as a float; NaN, which no range admits, for what is no number."""
    try:
        return float(value) if not isinstance(value, bool) and isinstance(value, Real) else math.nan
    except OverflowError:
        return math.inf

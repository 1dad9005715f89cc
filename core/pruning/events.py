"""What the pruning loop yields: typed events. All but two are plain data that the run store keeps."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

from core.errors import BadValueError
from core.pruning.engine import FIRST
from core.pruning.sound import wrong_field

if TYPE_CHECKING:
    from torch import Tensor

Phase = Literal["neighbours", "selecting", "warming up", "pruning", "fine-tuning", "testing"]
PHASES: tuple[str, ...] = get_args(Phase)
MANY_CLASSES = 10  # top-5 accuracy is recorded of tasks that have more


@dataclass(frozen=True)
class _Recorded:
    """An event that the run store keeps as JSON. `seconds` in all of them count from the start of the run."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, `kind` first; JSON has no NaN, so a number that is not finite becomes None."""
        return {"kind": self.kind} | {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class PhaseChanged(_Recorded):
    """The loop begins another phase."""

    kind: ClassVar[str] = "phase"
    phase: Phase
    iteration: int
    seconds: float

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise BadValueError(f"There is no phase {self.phase!r}: a run's phases are {', '.join(PHASES)}.")


@dataclass(frozen=True)
class Step(_Recorded):
    """One training iteration: its loss on the batch and the learning rate it used."""

    kind: ClassVar[str] = "step"
    iteration: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Evaluation(_Recorded):
    """Accuracy (0 to 1) and loss on the validation split after `iteration` iterations.

    balanced_accuracy: mean over the classes of class_accuracy, which is in the task's order of classes, None for one
    without an image. top5_accuracy: None where classes are few. All None in runs made before they were recorded.
    """

    kind: ClassVar[str] = "evaluation"
    iteration: int
    accuracy: float
    loss: float
    seconds: float
    balanced_accuracy: float | None = None
    class_accuracy: tuple[float | None, ...] | None = None
    top5_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.class_accuracy is not None:  # a list, from JSON
            object.__setattr__(self, "class_accuracy", tuple(self.class_accuracy))


@dataclass(frozen=True)
class Pruned(_Recorded):
    """Channels were removed: per channel group how many are kept of how many, and what that leaves of the network."""

    kind: ClassVar[str] = "pruned"
    iteration: int
    kept: dict[str, int]
    sizes: dict[str, int]
    channel_sparsity: float
    params: int
    macs: int
    seconds: float


@dataclass(frozen=True)
class Finished(_Recorded):
    """The end: accuracy on the test split, touched only now, what was asked for and reached, and what it cost.

    classes: per class how many images each split has of it, and its "accuracy" on the test split. The balanced, top-5
    and per-class figures are as in Evaluation.
    engine: version of what pruning computes (`core.pruning.engine`); 1 in runs made before it was recorded.
    inputs: what has to be equal for two results to be comparable: "backbone_hash", "image_size" in pixels, "data",
    SHA-256 of the images and labels of all splits, and "normalisation", [mean, std] of each colour, which earlier
    results lack; also "skipped" if unreadable images were left out: their "count", and some "files" with the reasons.
    None in runs made before they were recorded.
    """

    kind: ClassVar[str] = "finished"
    iteration: int
    test_accuracy: float
    cost: dict[str, Any]
    requested: dict[str, Any]
    achieved: dict[str, Any]
    dense: dict[str, Any]
    seconds: float
    test_balanced_accuracy: float | None = None
    test_top5_accuracy: float | None = None
    classes: dict[str, dict[str, Any]] | None = None
    engine: int = FIRST
    inputs: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All a run needs to go on from `iteration` to the bit-identical result; the worker keeps it as a file.

    `state` are tensors by name, `about` the rest as JSON data.
    """

    kind: ClassVar[str] = "checkpoint"
    iteration: int
    state: "Mapping[str, Tensor]"
    about: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Slimmed:
    """The pruned model itself (a `core.channels.files.PrunedModel`), yielded right before `Finished`."""

    kind: ClassVar[str] = "slimmed"
    model: Any


RecordedEvent: TypeAlias = PhaseChanged | Step | Evaluation | Pruned | Finished
Event: TypeAlias = RecordedEvent | Checkpoint | Slimmed
KINDS: dict[str, type[RecordedEvent]] = {cls.kind: cls for cls in get_args(RecordedEvent)}


def event_from_dict(data: Mapping[str, Any]) -> RecordedEvent:
    """The event that `to_dict` described; what was not recorded yet when it was written takes its default.

    Raises BadValueError for an unknown kind, for fields that do not belong, and for values that cannot be theirs.
    """
    cls = KINDS.get(kind) if isinstance(kind := data.get("kind"), str) else None
    if cls is None:
        raise BadValueError(f"There is no kind of event {kind!r}: the kinds are {', '.join(KINDS)}.")
    expected = {field.name: field.type for field in fields(cls)}
    needed = {field.name for field in fields(cls) if field.default is MISSING}
    given = {name: value for name, value in data.items() if name != "kind"}
    if not needed <= set(given) <= set(expected):
        names = ", ".join(sorted((needed - set(given)) | (set(given) - set(expected))))
        raise BadValueError(f"Not a valid '{kind}' event: {names} missing or unexpected.")
    if (wrong := wrong_field(cls.kind, given)) is not None:
        raise BadValueError(f"The field '{wrong}' of a '{kind}' event cannot have that value.")
    restored: dict[str, Any] = {
        name: math.nan if value is None and expected[name] is float else value for name, value in given.items()
    }
    return cls(**restored)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value

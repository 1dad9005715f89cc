"""A finished run's figures class by class: how uneven its task is, and where it is least accurate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.numbers import decimal
from core.tasks.balance import imbalance, is_uneven
from core.tasks.images import SPLITS


@dataclass(frozen=True)
class ClassFigures:
    """One class: its images by split, and the accuracy on those of the test split (None where there are none)."""

    name: str
    train: int
    validation: int
    test: int
    accuracy: float | None


def class_figures(result: Mapping[str, Any] | None) -> list[ClassFigures]:
    """The classes of a run's result in the task's order; none where it was made before they were recorded."""
    classes: Mapping[str, Mapping[str, Any]] = (result or {}).get("classes") or {}
    return [
        ClassFigures(name, **{split: int(one.get(split) or 0) for split in SPLITS}, accuracy=one.get("accuracy"))
        for name, one in classes.items()
    ]


def uneven_words(ratio: float | None) -> str:
    """What to say of a task that is imbalanced; "" of another."""
    if ratio is None or not is_uneven(ratio):
        return ""
    return f"The largest class has {decimal(ratio, 1)} times the training images of the smallest"


def imbalance_of(result: Mapping[str, Any] | None) -> float | None:
    """Training images of the largest class for each of the smallest's; None where that is not known."""
    return imbalance([one.train for one in class_figures(result)])


def balanced_where_uneven(balanced: float | None, ratio: float | None) -> float | None:
    """Balanced accuracy where a task is imbalanced, and so tells another story than accuracy; else None."""
    return balanced if is_uneven(ratio) else None


def least_accurate(figures: list[ClassFigures], most: int) -> list[ClassFigures]:
    """All classes in order where they are few, else so many, the least accurate first."""
    if len(figures) <= most:
        return figures
    return sorted(figures, key=lambda one: 2.0 if one.accuracy is None else one.accuracy)[:most]

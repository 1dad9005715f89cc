"""How evenly a task's images are spread over its classes, and from when on that is worth telling."""

from collections.abc import Sequence

UNEVEN_FROM = 1.5  # the largest class has more than so many times the smallest's training images


def imbalance(counts: Sequence[int]) -> float | None:
    """Images of the largest class for each of the smallest's, 1 where all have as many; None where a class has none."""
    return max(counts) / min(counts) if counts and min(counts) > 0 else None


def is_uneven(ratio: float | None) -> bool:
    """Whether a task is imbalanced, so that accuracy alone says more of its large classes than of its small ones."""
    return ratio is not None and ratio > UNEVEN_FROM

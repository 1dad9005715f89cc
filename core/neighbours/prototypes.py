"""Class prototypes of a task, and how near two tasks' prototypes are."""

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError, MismatchError
from core.neighbours.arrays import Array, labelled, normalised, table


def class_prototypes(features: npt.ArrayLike, labels: npt.ArrayLike) -> Array:
    """Mean feature of each class, [C, D]. features: [N, D]; labels: int [N] from 0 to C - 1, each class present."""
    rows, marks = labelled(features, labels, "Features")
    if marks.min() < 0:
        raise BadValueError(f"Labels go down to {marks.min()}: count classes from 0.")
    counts = np.bincount(marks)
    if not counts.all():
        raise BadValueError(f"Class {int(np.argmin(counts))} has no image: give at least one of each class.")
    sums = np.zeros((len(counts), rows.shape[1]))
    np.add.at(sums, marks, rows)
    return np.asarray(sums / counts[:, None])


def prototype_similarity(protos_a: npt.ArrayLike, protos_b: npt.ArrayLike) -> float:
    """Minus the mean cosine distance from each prototype to the other task's nearest one, within [-2, 0]; symmetric.

    protos_a: [A, D]; protos_b: [B, D], features of the same network. Each task counts half, whatever its classes.
    """
    a, b = table(protos_a, "Prototypes"), table(protos_b, "Prototypes")
    if a.shape[1] != b.shape[1]:
        raise MismatchError(f"Prototypes have {a.shape[1]} and {b.shape[1]} features: take both from one backbone.")
    cosine = np.clip(normalised(a) @ normalised(b).T, -1.0, 1.0)
    return float((cosine.max(axis=1).mean() + cosine.max(axis=0).mean()) / 2 - 1.0)

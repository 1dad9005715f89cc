"""The one check of arrays that similarities and layouts are computed from."""

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError, MismatchError

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def table(values: npt.ArrayLike, what: str) -> Array:
    """The values as float64 [N, D]. BadValueError unless 2-D and finite, with at least one row and column."""
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise BadValueError(f"{what} have shape {array.shape}: give a table of at least one row and column.")
    if not np.isfinite(array).all():
        raise BadValueError(f"{what} hold NaN or infinite numbers: check the network that they come from.")
    return array


def labelled(values: npt.ArrayLike, labels: npt.ArrayLike, what: str) -> tuple[Array, Labels]:
    """Values [N, D] and their labels [N] as `table` and int64. MismatchError unless there is one label a row."""
    array, marks = table(values, what), np.asarray(labels)
    if marks.shape != (len(array),):
        raise MismatchError(f"{what} have {len(array)} rows, labels have shape {marks.shape}: give one label a row.")
    if not np.issubdtype(marks.dtype, np.integer):
        raise BadValueError(f"Labels are of type {marks.dtype}: give whole numbers, counted from 0.")
    return array, marks.astype(np.int64)


def normalised(rows: Array) -> Array:
    """Each row [D] of [N, D] divided by its length. A row of zeros stays zero."""
    # By the largest entry first: squares of huge or tiny entries leave the range of a float.
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny))

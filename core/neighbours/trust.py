"""How far a flat map can be trusted, point by point, and where a point that came later is put on it. Numpy alone."""

import numpy as np
import numpy.typing as npt

from core.errors import MismatchError
from core.neighbours.arrays import Array, table

NEAREST = 10


def point_trust(embeddings: npt.ArrayLike, coordinates: npt.ArrayLike, k: int = NEAREST) -> Array:
    """Float [T] from 0 to 1: the share of a point's k nearest on the map that are among its k nearest in the embedding.

    embeddings: [T, D]; coordinates: [T, 2]. k: held between 1 and T - 1. Ties by row. One point alone: 1.
    """
    original, flat = table(embeddings, "Embeddings"), table(coordinates, "Coordinates")
    if len(original) != len(flat):
        raise MismatchError(
            f"There are {len(original)} embeddings but {len(flat)} coordinates: give one for each task."
        )
    if len(original) == 1:
        return np.ones(1)
    k = max(1, min(k, len(original) - 1))
    near = _nearest(original, k)
    among = np.zeros((len(original), len(original)), bool)
    np.put_along_axis(among, near, True, axis=1)
    return np.asarray(np.take_along_axis(among, _nearest(flat, k), axis=1).mean(axis=1))


def placed_between(
    embedding: npt.ArrayLike, embeddings: npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 3
) -> tuple[float, float]:
    """Where a point that the map was not made with is put: at the mean place of its k nearest in the embedding.

    Nearer ones count more, by one over their distance. embedding: [D]; embeddings: [T, D]; coordinates: [T, 2].
    """
    original, flat = table(embeddings, "Embeddings"), table(coordinates, "Coordinates")
    distances = np.linalg.norm(original - np.asarray(embedding, np.float64), axis=1)
    near = np.argsort(distances, kind="stable")[:k]
    weights = 1 / np.maximum(distances[near], 1e-9)
    x, y = (flat[near] * weights[:, None]).sum(axis=0) / weights.sum()
    return float(x), float(y)


def _nearest(points: Array, k: int) -> npt.NDArray[np.intp]:
    """[T, k]: rows of the k points nearest to each, itself left out."""
    squares = (points**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * points @ points.T
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]

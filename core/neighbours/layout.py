"""Two-dimensional maps of task embeddings, to look at and never to rank by, and how far they can be trusted."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from core.errors import MismatchError, UnknownNameError
from core.neighbours.arrays import Array, normalised, table

UMAP_NEIGHBOURS = 15


def layout(embeddings: npt.ArrayLike, kind: str = "umap", seed: int = 0) -> Array:
    """Coordinates [T, 2] of embeddings [T, D]. kind: one of `LAYOUTS`. seed: of "umap", the only random one.

    The same input gives the same map. One task lies at the origin, two lie apart by their distance, in every kind.
    """
    if kind not in LAYOUTS:
        raise UnknownNameError("layout", kind, LAYOUTS)
    rows = table(embeddings, "Embeddings")
    return LAYOUTS[kind](rows, seed) if len(rows) > 2 else _pca(rows, seed)


def trustworthiness(embeddings: npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 5) -> float:
    """Share of trust, 0 to 1, that map neighbours are neighbours in the original space (Venna and Kaski 2001).

    embeddings: [T, D]; coordinates: [T, 2]. k: neighbours looked at, held between 1 and what T allows (k < T / 2).
    Up to two tasks have only each other: 1.
    """
    from sklearn.manifold import trustworthiness as measure

    original, flat = table(embeddings, "Embeddings"), table(coordinates, "Coordinates")
    if len(original) != len(flat):
        raise MismatchError(
            f"There are {len(original)} embeddings but {len(flat)} coordinates: give one for each task."
        )
    if len(original) <= 2:
        return 1.0
    return float(measure(original, flat, n_neighbors=max(1, min(k, (len(original) - 1) // 2))))


def _umap(rows: Array, seed: int) -> Array:
    """UMAP (arXiv 1802.03426) by Euclidean distance; at least three rows."""
    from umap import UMAP

    # The spectral start needs more points than it computes eigenvectors.
    start = "random" if len(rows) <= 4 else "spectral"
    neighbours = min(UMAP_NEIGHBOURS, len(rows) - 1)
    # One thread, as umap enforces when seeded; said here so that it does not warn.
    fitted = UMAP(n_components=2, n_neighbors=neighbours, init=start, random_state=seed, n_jobs=1).fit_transform(rows)
    return np.asarray(fitted, np.float64)


def _pca(rows: Array, seed: int) -> Array:
    """The two directions of largest variance."""
    left, singular, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    return _two_columns(left * singular)


def _mds(rows: Array, seed: int) -> Array:
    """Classical multidimensional scaling of the angles between embeddings; of plain distances it would equal PCA."""
    unit = normalised(rows)
    squares = np.arccos(np.clip(unit @ unit.T, -1.0, 1.0)) ** 2
    np.fill_diagonal(squares, 0.0)
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    return _two_columns((vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1])


def _two_columns(axes: Array) -> Array:
    """The first two columns, zero where there is none, signed so that each one's largest entry is positive."""
    flat = np.zeros((len(axes), 2))
    flat[:, : min(2, axes.shape[1])] = axes[:, :2]
    largest = flat[np.argmax(np.abs(flat), axis=0), [0, 1]]
    return np.asarray(flat * np.where(largest < 0, -1.0, 1.0))


LAYOUTS: dict[str, Callable[[Array, int], Array]] = {"umap": _umap, "pca": _pca, "mds": _mds}

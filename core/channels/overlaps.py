"""Overlap (IoU) of many selections at once, and the order in which like stands beside like. Torch-free."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.channels.selection import Selection
from core.errors import MismatchError

Array = npt.NDArray[np.float64]


def overlap_matrix(selections: Sequence[Selection], group: str | None = None) -> Array:
    """IoU of each pair [N, N] in one group, or averaged over all groups, each counting once; NaN on the diagonal.

    Raises MismatchError for selections of different backbones.
    """
    if any(selection.sizes != selections[0].sizes for selection in selections):
        raise MismatchError("The selections are of different channel groups: compare selections of one backbone.")
    groups = selections[0].groups if group is None else (group,)
    total = np.zeros((len(selections), len(selections)))
    for name in groups:
        masks = np.stack([selection.mask(name) for selection in selections]).astype(np.float64)
        both, sizes = masks @ masks.T, masks.sum(axis=1)
        total += both / (sizes[:, None] + sizes[None, :] - both)
    matrix = total / len(groups)
    np.fill_diagonal(matrix, np.nan)
    return matrix


def clustered(overlaps: Array) -> list[int]:
    """Rows of an overlap matrix [N, N] in an order that puts like beside like: leaves of average-linkage clustering."""
    if len(overlaps) < 3:
        return [*range(len(overlaps))]
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    distances = 1.0 - overlaps
    np.fill_diagonal(distances, 0.0)
    condensed = squareform((distances + distances.T) / 2, checks=False)
    tree = linkage(condensed, "average")
    ordered = optimal_leaf_ordering(tree, condensed) if len(overlaps) <= 200 else tree  # the former takes N cubed
    return [int(row) for row in leaves_list(ordered)]

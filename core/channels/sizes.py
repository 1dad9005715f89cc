"""Numbers that a forward reads from shapes: where they count channels, they become smaller as channels are removed."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import Tensor

from core.channels.couplings import Ints, varies


@dataclass(frozen=True, eq=False)
class Count:
    """How many indices a dimension has; int64 [n] `labels`: whose they are. `exact`: one label an index, in order."""

    labels: Ints
    exact: bool


Sizes: TypeAlias = "Count | list[Count | None]"  # one number, or a whole shape; None counts no channels


def counts_of(ids: Tensor) -> list[Count | None]:
    """What each size of a tensor with these labels counts."""
    return [_count(ids, d) for d in range(ids.dim())]


def _count(ids: Tensor, dim: int) -> Count | None:
    if not varies(ids, dim):
        return None
    labels = along(ids, dim)
    return Count(np.unique(ids.numpy()), False) if labels is None else Count(labels, True)


def along(ids: Tensor, dim: int) -> Ints | None:
    """int64 [n] the label of each index of one dimension; None where labels depend on another dimension too."""
    if any(varies(ids, d) for d in range(ids.dim()) if d != dim):
        return None
    labels: Ints = ids[tuple(slice(None) if d == dim else 0 for d in range(ids.dim()))].numpy()
    return labels

"""What following channels through a network finds: labels that turned out to be the same channel, and who has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Role = Literal["computes", "normalises", "reads", "scales"]
COMPUTES: Role = "computes"
NORMALISES: Role = "normalises"
READS: Role = "reads"
SCALES: Role = "scales"  # a parameter of the network's own, multiplied or added channel by channel
FREE = -1  # the label of an entry, and the group of an index, that is never removed


@dataclass(frozen=True, eq=False)
class Labels:
    """int64, of the shape of the tensor they run beside: the label of each entry; `zero`: removed ones are 0 here."""

    ids: Tensor
    zero: bool


def spread(ids: Ints, dim: int, shape: Sequence[int]) -> Labels:
    """Labels that depend on one dimension alone, in no more memory than that."""
    view = [-1 if d == dim else 1 for d in range(len(shape))]
    return Labels(torch.from_numpy(ids).view(view).expand(tuple(shape)), True)


def varies(ids: Tensor, dim: int) -> bool:
    """Whether labels depend on a dimension."""
    if ids.shape[dim] == 1 or ids.stride(dim) == 0:
        return False
    return not bool((ids == ids.narrow(dim, 0, 1)).all())


def compact(ids: Tensor) -> Tensor:
    """The same labels, in no more memory than the dimensions they depend on."""
    narrow = ids
    for d in range(ids.dim()):
        if not varies(narrow, d):
            narrow = narrow.narrow(d, 0, min(1, narrow.shape[d]))
    return narrow.clone().expand(ids.shape)


@dataclass(frozen=True)
class Side:
    """One side of one layer: tensors with one entry an index there, whose labels are `first`, `first` + 1, ..."""

    layer: str
    role: Role
    tensors: tuple[tuple[str, int], ...]
    first: int
    size: int

    @property
    def labels(self) -> slice:
        """Its labels among all."""
        return slice(self.first, self.first + self.size)


class Couplings:
    """Sides, and which of their labels are one channel; gathered while following, read by `units`."""

    def __init__(self) -> None:
        self.sides: list[Side] = []
        self.count = 0
        self._known: dict[tuple[tuple[str, int], ...], Side] = {}
        self._edges: list[tuple[Ints, Ints]] = []
        self._pins: list[Ints] = []

    def side(self, layer: str, role: Role, tensors: Iterable[tuple[str, int]], size: int) -> Ints:
        """The labels of one side of a layer; the same ones where a layer is met again."""
        key = tuple(tensors)
        if key not in self._known:
            self._known[key] = side = Side(layer, role, key, self.count, size)
            self.sides.append(side)
            self.count += size
        side = self._known[key]
        return np.arange(side.first, side.first + side.size)

    def join(self, a: Ints, b: Ints) -> None:
        """Index by index, the two are the same channel; one that meets a free one is never removed."""
        both = (a != FREE) & (b != FREE)
        self._edges.append((a[both], b[both]))
        self.pin(a[b == FREE])
        self.pin(b[a == FREE])

    def pin(self, labels: Ints) -> None:
        """These are never removed."""
        self._pins.append(labels[labels != FREE])

    def pin_tensor(self, name: str) -> None:
        """A tensor is never cut."""
        for side in self.sides:
            if any(tensor == name for tensor, _ in side.tensors):
                self.pin(np.arange(side.first, side.first + side.size))

    def unite(self, a: Tensor, b: Tensor) -> bool:
        """Entry by entry the same channel, after broadcasting; False where one has channels that the other spreads."""
        shape = torch.broadcast_shapes(a.shape, b.shape)  # type: ignore[no-untyped-call]
        a, b = a.broadcast_to(shape), b.broadcast_to(shape)
        for d in range(a.dim()):
            flat = [each.stride(d) == 0 or each.shape[d] == 1 for each in (a, b)]
            if all(flat):
                a, b = a.narrow(d, 0, 1), b.narrow(d, 0, 1)
            elif any(flat) and varies(a if flat[1] else b, d):
                return False
        self.join(a.reshape(-1).numpy(), b.reshape(-1).numpy())
        return True

    def units(self) -> tuple[Ints, Flags]:
        """(int64 [labels]: the unit, a set of labels removed together, that each belongs to; bool [units]: pinned)."""
        a, b = (np.concatenate([edge[i] for edge in self._edges] or [np.empty(0, np.int64)]) for i in (0, 1))
        graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), (self.count, self.count))
        number, unit = connected_components(graph, directed=False)
        pinned = np.zeros(number, np.bool_)
        for labels in self._pins:
            pinned[unit[labels]] = True
        return unit.astype(np.int64), pinned

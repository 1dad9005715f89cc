"""Weights from neighbours: a kept entry starts at the mean over the neighbours that kept it, else at the backbone's."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.channels.groups import Axis, ChannelGroups
from core.channels.selection import Selection
from core.channels.slim import State

Index = tuple[slice | Tensor, ...]


def inherit(
    target: Mapping[str, Tensor],
    groups: ChannelGroups,
    selection: Selection,
    neighbours: Sequence[tuple[Mapping[str, Tensor], Selection]],
    leave: Sequence[str] = (),
) -> State:
    """The target's slim state with every floating-point entry averaged over the neighbours that kept it.

    target: slim state of the backbone, which stays where nobody kept an entry. neighbours: (slim state, its selection).
    An entry is kept by a neighbour that kept all of its coordinates. leave: tensors not to touch, such as the head.
    """
    out = {}
    shared = [Common(groups, selection, kept) for _, kept in neighbours]
    for name, own in target.items():
        out[name] = own.clone()
        if name in leave or not own.is_floating_point():
            continue
        axes = groups.axes.get(name, {})
        total = torch.zeros_like(own)
        count = own.new_zeros([size if dim in axes else 1 for dim, size in enumerate(own.shape)])
        for (state, _), common in zip(neighbours, shared, strict=True):
            mine, theirs = common.block(axes, own.dim())
            total[mine] += state[name][theirs]
            count[mine] += 1
        out[name] = torch.where(count > 0, total / count.clamp_min(1), own)
    return out


def reinitialise(model: nn.Module) -> None:
    """Draw every layer's parameters anew, in place, the way its own class does; from torch's global generator."""
    for module in model.modules():
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()


class Common:
    """Which channels two selections share, as places in tensors that were cut to either; each axis looked at once."""

    def __init__(self, groups: ChannelGroups, mine: Selection, theirs: Selection) -> None:
        self.groups, self.mine, self.theirs = groups, mine, theirs
        self._rows: dict[int, tuple[Tensor, Tensor]] = {}

    def block(self, axes: Mapping[int, Axis], dims: int) -> tuple[Index, Index]:
        """Indices of the block that two slim versions of a tensor share: into mine, and into theirs."""
        here: list[slice | Tensor] = [slice(None)] * dims
        there = list(here)
        for place, dim in enumerate(sorted(axes)):
            shape = [-1 if other == place else 1 for other in range(len(axes))]
            mine, theirs = self.rows(axes[dim])
            here[dim], there[dim] = mine.view(shape), theirs.view(shape)
        return tuple(here), tuple(there)

    def rows(self, axis: Axis) -> tuple[Tensor, Tensor]:
        """Along one axis: the places in mine, and in theirs, of the indices that both keep."""
        if id(axis) not in self._rows:
            a, b = self.groups.along(axis, self.mine), self.groups.along(axis, self.theirs)
            _, here, there = np.intersect1d(a, b, assume_unique=True, return_indices=True)
            self._rows[id(axis)] = torch.from_numpy(here), torch.from_numpy(there)
        return self._rows[id(axis)]

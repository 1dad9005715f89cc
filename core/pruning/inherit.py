"""Weights from neighbours: a kept entry starts at the mean over the neighbours that kept it, else at the backbone's."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.channels.slim import State


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
    for name, own in target.items():
        out[name] = own.clone()
        if name in leave or not own.is_floating_point():
            continue
        total, count = torch.zeros_like(own), torch.zeros_like(own)
        for state, kept in neighbours:
            mine, theirs = common(own, name, groups, selection, kept)
            total[mine] += state[name][theirs]
            count[mine] += 1
        out[name] = torch.where(count > 0, total / count.clamp_min(1), own)
    return out


def reinitialise(model: nn.Module) -> None:
    """Draw every layer's parameters anew, in place, the way its own class does; from torch's global generator."""
    for module in model.modules():
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()


def common(
    tensor: Tensor, name: str, groups: ChannelGroups, mine: Selection, theirs: Selection
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Index tuples of the block that two slim versions of a tensor share: into mine, and into theirs."""
    here, there = [], []
    for dim, size in enumerate(tensor.shape):
        a, b = groups.indices(name, dim, mine), groups.indices(name, dim, theirs)
        if a is None or b is None:
            rows = (np.arange(size), np.arange(size))
        else:
            _, *both = np.intersect1d(a, b, assume_unique=True, return_indices=True)
            rows = (both[0], both[1])
        here.append(rows[0])
        there.append(rows[1])
    return (
        tuple(torch.from_numpy(i) for i in np.ix_(*here)),
        tuple(torch.from_numpy(i) for i in np.ix_(*there)),
    )

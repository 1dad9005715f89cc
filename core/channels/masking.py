"""Masking: the full-size network with removed channels silent, which a slim one must agree with to rounding."""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from core.backbones.kinds import replace
from core.channels.groups import ChannelGroups, Ints
from core.channels.selection import Selection


def mask(model: nn.Module, groups: ChannelGroups, selection: Selection) -> nn.Module:
    """A copy of the full-size network in which removed channels are zero after normalisation and activation."""
    return silence(copy.deepcopy(model), groups, selection)


@torch.no_grad()
def silence(model: nn.Module, groups: ChannelGroups, selection: Selection) -> nn.Module:
    """The same in place: whatever computes, normalises or scales a removed channel is zero there.

    What reads removed channels is left as it is. A LayerNorm takes its mean and variance over the channels that are
    left, as these are all there is to it: unlike BatchNorm's, they depend on how many channels there are.
    """
    groups.check(selection)
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for tensor, dim in groups.voices:
        kept = groups.indices(tensor, dim, selection)
        assert kept is not None
        gone = np.setdiff1d(np.arange(state[tensor].shape[dim]), kept)
        state[tensor].index_fill_(dim, torch.from_numpy(gone).to(state[tensor].device), 0)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.LayerNorm) and (kept := groups.indices(f"{name}.weight", 0, selection)) is not None:
            replace(model, module, _OverKept(module, kept))
    return model


class _OverKept(nn.Module):
    """A LayerNorm whose mean and variance are those of some of its channels."""

    def __init__(self, norm: nn.LayerNorm, kept: Ints) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.dim = 1 if isinstance(norm, LayerNorm2d) else -1
        self.here = torch.zeros_like(norm.weight)
        self.here[torch.from_numpy(kept)] = 1

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`; 0 in channels that are not there."""
        x = x.movedim(self.dim, -1)
        count = self.here.sum()
        centred = (x - (x * self.here).sum(-1, keepdim=True) / count) * self.here
        variance = centred.square().sum(-1, keepdim=True) / count
        out = centred / (variance + self.eps).sqrt() * self.weight
        return (out if self.bias is None else out + self.bias).movedim(-1, self.dim)

"""The optimiser before and after surgery: every live parameter is in it, and momentum is cut along with weights."""

import torch
from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.channels.slim import cut

MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4


def optimizer_for(model: nn.Module, learning_rate: float) -> torch.optim.SGD:
    """SGD with Nesterov momentum over all parameters that want a gradient."""
    live = [p for p in model.parameters() if p.requires_grad]
    # foreach: one call for all parameters, to the same bits; on tiny networks the calls are what a step costs.
    return torch.optim.SGD(live, learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True, foreach=True)


def momenta(model: nn.Module, optimizer: torch.optim.SGD) -> dict[str, Tensor]:
    """Parameter name -> momentum buffer, for those that have one."""
    found = {name: optimizer.state.get(p, {}).get("momentum_buffer") for name, p in model.named_parameters()}
    return {name: buffer for name, buffer in found.items() if buffer is not None}


def with_momenta(model: nn.Module, learning_rate: float, buffers: dict[str, Tensor]) -> torch.optim.SGD:
    """A new optimiser over a model whose parameters go on with these momentum buffers."""
    optimizer = optimizer_for(model, learning_rate)
    for name, parameter in model.named_parameters():
        if name in buffers:
            optimizer.state[parameter]["momentum_buffer"] = buffers[name].clone()
    return optimizer


def cut_momenta(
    buffers: dict[str, Tensor], groups: ChannelGroups, selection: Selection, within: Selection
) -> dict[str, Tensor]:
    """Momentum buffers cut the way their parameters are."""
    return {name: cut(buffer, name, groups, selection, within) for name, buffer in buffers.items()}

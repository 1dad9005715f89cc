"""Slimming: kept channels are copied out into a smaller network; and back: expand.

Everything works on plain state dicts (tensor name -> tensor) in the backbone's coordinates, so a slim model of a slim
model, the momentum of an optimiser and the merging of neighbours' weights are all the same operation.
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.channels.groups import NORMS, ChannelGroups
from core.channels.selection import Selection
from core.errors import MismatchError

State = dict[str, Tensor]


def cut(
    tensor: Tensor, name: str, groups: ChannelGroups, selection: Selection, within: Selection | None = None
) -> Tensor:
    """The kept part of one tensor, as a copy. `within`: the selection this tensor has already been cut to, if any."""
    for dim in groups.axes.get(name, {}):
        wanted = groups.indices(name, dim, selection)
        assert wanted is not None
        if within is not None:
            present = groups.indices(name, dim, within)
            assert present is not None
            if not np.isin(wanted, present).all():
                raise MismatchError(
                    "A slim model can only lose channels: the new selection keeps some it no longer has."
                )
            wanted = np.searchsorted(present, wanted)
        tensor = tensor.index_select(dim, torch.from_numpy(wanted).to(tensor.device))
    return tensor.clone(memory_format=torch.contiguous_format)


def slim_state(
    state: Mapping[str, Tensor], groups: ChannelGroups, selection: Selection, within: Selection | None = None
) -> State:
    """Every tensor cut to the selection."""
    groups.check(selection)
    return {name: cut(tensor, name, groups, selection, within) for name, tensor in state.items()}


def slim(model: nn.Module, groups: ChannelGroups, selection: Selection, within: Selection | None = None) -> nn.Module:
    """A new, physically smaller network. Train/eval mode and requires_grad stay as they were, and so does `model`."""
    return resized(model, slim_state(model.state_dict(), groups, selection, within))


def resized(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the network whose layers take the shapes and values of `state`."""
    tensors = [*model.parameters(), *model.buffers()]
    out = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})  # not copied: each is replaced below
    for name, module in out.named_modules():
        prefix = f"{name}." if name else ""
        for part, parameter in list(module.named_parameters(recurse=False)):
            new = nn.Parameter(state[prefix + part].clone(), requires_grad=parameter.requires_grad)
            setattr(module, part, new)
        for part, _ in list(module.named_buffers(recurse=False)):
            if prefix + part in state:  # else it is no part of the network's state, and its own business
                setattr(module, part, state[prefix + part].clone())
        fit(module)
    return out


def fit(module: nn.Module) -> None:
    """Make a layer's own record of its width agree with its tensors."""
    if isinstance(module, nn.Conv2d):
        each = module.out_channels // module.groups  # a grouped convolution loses whole conv groups
        module.out_channels = module.weight.shape[0]
        if module.groups > 1:
            module.groups = module.out_channels // each
        module.in_channels = module.weight.shape[1] * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, NORMS) and module.weight is not None:
        module.num_features = module.weight.shape[0]
    elif isinstance(module, nn.LayerNorm) and module.weight is not None:
        module.normalized_shape = tuple(module.weight.shape)


def expand(
    state: Mapping[str, Tensor], groups: ChannelGroups, selection: Selection, fill: Mapping[str, Tensor]
) -> State:
    """A slim state back at full size: kept entries in their original places, `fill`'s values everywhere else."""
    out = {}
    for name, tensor in state.items():
        full = fill[name].clone().to(tensor.dtype)
        places = [groups.indices(name, dim, selection) for dim in range(tensor.dim())]
        index = [np.arange(n) if p is None else p for n, p in zip(tensor.shape, places, strict=True)]
        if index:
            full[tuple(torch.from_numpy(i) for i in np.ix_(*index))] = tensor
        else:
            full = tensor.clone()
        out[name] = full
    return out

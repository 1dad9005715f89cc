"""Channel groups: which entries of which tensors must be removed together. The one adapter over torch-pruning.

torch-pruning's dependency graph says which layers are coupled; everything else (what is cut, and how) is ours.
A group's channels are numbered as in the backbone; every axis of every tensor then knows, for each of its indices,
the group and the channel it belongs to. That one table serves slimming, masking, expanding and merging alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
import torch_pruning
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.channels.selection import Selection
from core.errors import MismatchError

Ints = npt.NDArray[np.int64]
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
FREE = -1  # the group of an index that is never removed


@dataclass(frozen=True, eq=False)
class Axis:
    """One dimension of one tensor: int64 [n] group (FREE where none) and channel of each index."""

    group: Ints
    channel: Ints

    @cached_property
    def parts(self) -> tuple[tuple[int, Ints, Ints], ...]:
        """(group number, where in this axis it is, the channel there) of each group that is here."""
        numbers = [int(number) for number in np.unique(self.group) if number != FREE]
        return tuple((number, rows := np.flatnonzero(self.group == number), self.channel[rows]) for number in numbers)


@dataclass(frozen=True, eq=False)
class ChannelGroups:
    """All channel groups of a network.

    sizes: group name -> number of channels, in depth order. axes: tensor name -> dim -> Axis.
    gates: group -> its normalisation layers. producers: group -> the layers that compute it.
    """

    sizes: Mapping[str, int]
    axes: Mapping[str, Mapping[int, Axis]] = field(repr=False)
    gates: Mapping[str, tuple[str, ...]] = field(repr=False)
    producers: Mapping[str, tuple[str, ...]] = field(repr=False)

    def indices(self, tensor: str, dim: int, selection: Selection) -> Ints | None:
        """The backbone indices of one axis that a selection keeps, ascending; None where nothing of it is removed."""
        axis = self.axes.get(tensor, {}).get(dim)
        return None if axis is None else self.along(axis, selection)

    def along(self, axis: Axis, selection: Selection) -> Ints:
        """The backbone indices along an axis that a selection keeps, ascending."""
        keep, names = axis.group == FREE, list(self.sizes)
        for number, rows, channels in axis.parts:
            keep[rows] = selection.mask(names[number])[channels]
        return np.flatnonzero(keep)

    def check(self, selection: Selection) -> None:
        """Raises MismatchError where a selection was made for other groups."""
        if dict(selection.sizes) != dict(self.sizes):
            raise MismatchError(
                "This selection belongs to a network with other channel groups: use it with its own backbone."
            )


def channel_groups(model: nn.Module, example: Tensor) -> ChannelGroups:
    """The channel groups of a network with a linear head, whose outputs are left alone.

    example: float [B, 3, H, W]. Groups are named after the first layer that computes them, in depth order.
    """
    modules = dict(model.named_modules())
    names = {module: name for name, module in modules.items()}
    was_training = {name: module.training for name, module in modules.items()}
    model.eval()
    graph = torch_pruning.DependencyGraph().build_dependency(model, example_inputs=example)
    found = [
        links(group, names)
        for group in graph.get_all_groups(ignored_layers=[head_of(model)[1]], root_module_types=[nn.Conv2d, nn.Linear])
    ]
    for name, training in was_training.items():
        modules[name].training = training
    order = {name: number for number, name in enumerate(modules)}
    found = [group for group in found if group]
    found.sort(key=lambda group: min(order[link.module] for link in group if link.computes(modules)))
    return assemble(found, modules, order)


@dataclass(frozen=True, eq=False)
class Link:
    """One coupled side of one layer: `channels[i]` is the group channel of the layer's index `indices[i]`."""

    module: str
    out: bool
    indices: Ints
    channels: Ints

    def computes(self, modules: Mapping[str, nn.Module]) -> bool:
        """Does this layer compute the group's channels (rather than read or normalise them)?"""
        return self.out and isinstance(modules[self.module], nn.Conv2d | nn.Linear)


def links(group: Iterable[object], names: Mapping[nn.Module, str]) -> list[Link]:
    """The layers with parameters in one torch-pruning group; its element-wise and reshape nodes have none."""
    out = []
    for member in group:
        module = member.dep.target.module  # type: ignore[attr-defined]
        if module in names:
            side = "out" in member.dep.handler.__name__  # type: ignore[attr-defined]
            indices, roots = np.array(member.idxs), np.array(member.root_idxs)  # type: ignore[attr-defined]
            out.append(Link(names[module], side, indices, roots))
    return out


def tensors_of(module: nn.Module, name: str, out: bool) -> list[tuple[str, int]]:
    """(tensor name, dim) of everything in a layer that has one entry per channel on that side."""
    if isinstance(module, NORMS):
        return [(f"{name}.{part}", 0) for part in ("weight", "bias", "running_mean", "running_var")]
    if isinstance(module, nn.Conv2d | nn.Linear):
        if out or getattr(module, "groups", 1) > 1:
            return [(f"{name}.weight", 0), *([(f"{name}.bias", 0)] if module.bias is not None else [])]
        return [(f"{name}.weight", 1)]
    raise MismatchError(f"Layers of type {type(module).__name__} cannot be pruned yet: use a supported architecture.")


def assemble(found: list[list[Link]], modules: Mapping[str, nn.Module], order: Mapping[str, int]) -> ChannelGroups:
    """Number the groups and write down, per axis, who owns each index."""
    shapes: dict[str, torch.Size] = {}
    for name, module in modules.items():
        for part, value in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            shapes[f"{name}.{part}"] = value.shape
    sizes: dict[str, int] = {}
    axes: dict[str, dict[int, Axis]] = {}
    gates, producers = {}, {}
    for number, group in enumerate(found):
        computing = sorted({link.module for link in group if link.computes(modules)}, key=order.__getitem__)
        title = computing[0]
        sizes[title] = 1 + max(int(link.channels.max()) for link in group)
        producers[title] = tuple(computing)
        norms = {link.module for link in group if isinstance(modules[link.module], NORMS)}
        gates[title] = tuple(sorted(norms, key=order.__getitem__))
        for link in group:
            for tensor, dim in tensors_of(modules[link.module], link.module, link.out):
                if tensor not in shapes:
                    continue
                n = shapes[tensor][dim]
                axis = axes.setdefault(tensor, {}).setdefault(dim, Axis(np.full(n, FREE), np.zeros(n, np.int64)))
                axis.group[link.indices], axis.channel[link.indices] = number, link.channels
    return ChannelGroups(sizes, _interned(axes), gates, producers)


def _interned(axes: Mapping[str, Mapping[int, Axis]]) -> dict[str, dict[int, Axis]]:
    """The same, equal axes being one object: what is found out about one of them holds for all."""
    known: dict[tuple[bytes, bytes], Axis] = {}
    return {
        name: {dim: known.setdefault((axis.group.tobytes(), axis.channel.tobytes()), axis) for dim, axis in by.items()}
        for name, by in axes.items()
    }


def parameters_and_macs(model: nn.Module, size: int) -> tuple[int, int]:
    """(parameters, MACs of one image [3, size, size]): torch's counted FLOPs / 2; the module is left as it was."""
    from torch.utils.flop_counter import FlopCounterMode

    training = model.training
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size))
    model.train(training)
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2

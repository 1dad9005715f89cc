"""Channel groups: which entries of which tensors must be removed together.

`core.channels.follow` says which entries are the same channel; here they become groups. A group's channels are numbered
as in the backbone; every axis of every tensor then knows, for each of its indices, the group and the channel it belongs
to. That one table serves slimming, masking, expanding and merging alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.kinds import names_of
from core.channels.couplings import COMPUTES, FREE, NORMALISES, READS, Couplings, Flags, Ints, Side
from core.channels.layer_steps import NORMS
from core.channels.selection import Selection
from core.channels.tracing import follow, on_meta
from core.errors import MismatchError, UnsupportedError

__all__ = ["FREE", "NORMS", "Axis", "ChannelGroups", "Ints", "channel_groups", "parameters_and_macs"]


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
    gates: group -> its normalisation layers. producers: group -> the layers that compute it. voices: (tensor, dim) of
    all entries that a channel's own value comes from: zero there, it is silent.
    """

    sizes: Mapping[str, int]
    axes: Mapping[str, Mapping[int, Axis]] = field(repr=False)
    gates: Mapping[str, tuple[str, ...]] = field(repr=False)
    producers: Mapping[str, tuple[str, ...]] = field(repr=False)
    voices: tuple[tuple[str, int], ...] = field(repr=False, default=())

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
    """The channel groups of a network, whose outputs are left alone; the model is left as it was.

    example: images [B, 3, H, W], of which only the shape matters. Groups are named after the first layer that computes
    them, in depth order. Raises UnsupportedError for a network that cannot be pruned.
    """
    couplings = follow(model, example.shape)
    order = {name: number for number, (name, _) in enumerate(model.named_modules())}
    groups = by_every_name(assemble(couplings, order), model)
    if not groups.sizes:
        raise UnsupportedError(
            f"{type(model).__name__} has no channel that can be removed: all of them reach its outputs, or meet "
            "something that is not understood."
        )
    return groups


def by_every_name(groups: ChannelGroups, model: nn.Module) -> ChannelGroups:
    """The same, with the axes of a layer that has several names under each of them, as its state dict has it."""
    first: dict[nn.Module, str] = {}
    axes = dict(groups.axes)
    for name, module in names_of(model):
        if (known := first.setdefault(module, name)) != name:
            for part in (*module._parameters, *module._buffers):
                if f"{known}.{part}" in axes:
                    axes[f"{name}.{part}"] = axes[f"{known}.{part}"]
    return replace(groups, axes=axes)


@dataclass(frozen=True, eq=False)
class _Group:
    """Units that the same sides have, equally often: [n] unit numbers in channel order."""

    title: str
    sides: tuple[Side, ...]
    units: Ints

    def layers(self, role: str, order: Mapping[str, int]) -> tuple[str, ...]:
        """Its layers with weights on a side of that role, in depth order."""
        sides = [side for side in self.sides if side.role == role and any(_is_weight(name) for name, _ in side.tensors)]
        return tuple(sorted({side.layer for side in sides}, key=order.__getitem__))


def _is_weight(tensor: str) -> bool:
    """Whether a tensor is a factor or a filter; a normalisation may have statistics alone."""
    return tensor.endswith("weight")


def assemble(couplings: Couplings, order: Mapping[str, int]) -> ChannelGroups:
    """Number the groups and write down, per axis, who owns each index. order: layer -> place in depth order."""
    unit, pinned = couplings.units()
    found = _groups(couplings, unit, pinned, order)
    group_of, channel_of = np.full(len(pinned), FREE, np.int64), np.zeros(len(pinned), np.int64)
    for number, group in enumerate(found):
        group_of[group.units], channel_of[group.units] = number, np.arange(len(group.units))
    axes: dict[str, dict[int, Axis]] = {}
    voices: list[tuple[str, int]] = []
    for side in couplings.sides:
        mine = unit[side.labels]
        if (group_of[mine] != FREE).any():
            axis = Axis(group_of[mine], channel_of[mine])
            for tensor, dim in side.tensors:
                axes.setdefault(tensor, {})[dim] = axis
            if side.role != READS:
                voices += [(tensor, dim) for tensor, dim in side.tensors if ".running_" not in tensor]
    return ChannelGroups(
        {group.title: len(group.units) for group in found},
        _interned(axes),
        {group.title: group.layers(NORMALISES, order) for group in found},
        {group.title: group.layers(COMPUTES, order) for group in found},
        tuple(voices),
    )


def _groups(couplings: Couplings, unit: Ints, pinned: Flags, order: Mapping[str, int]) -> list[_Group]:
    """Units with the same sides, in depth order; where one layer computes several groups, the later ones are numbered.

    A unit that nothing computes, such as an input that is only normalised, is never removed.
    """
    sides = couplings.sides
    owner = np.repeat(np.arange(len(sides)), [side.size for side in sides])
    pairs, counts = np.unique(unit * len(sides) + owner, return_counts=True)
    where = np.searchsorted(pairs, np.arange(len(pinned) + 1) * len(sides))
    alike: dict[tuple[bytes, bytes], list[int]] = {}
    for number in np.flatnonzero(~pinned).tolist():
        part = slice(where[number], where[number + 1])
        alike.setdefault(((pairs[part] % len(sides)).tobytes(), counts[part].tobytes()), []).append(number)
    found = []
    for (owners, _), units in alike.items():
        mine = tuple(sides[i] for i in np.frombuffer(owners, np.int64))
        computing = [side for side in mine if side.role == COMPUTES]
        if computing:
            first = min(computing, key=lambda side: order[side.layer])
            present, places = np.unique(unit[first.labels], return_index=True)
            here = np.isin(present, units)
            found.append(
                (
                    order[first.layer],
                    int(places[here].min()),
                    first.layer,
                    mine,
                    present[here][np.argsort(places[here])],
                )
            )
    found.sort(key=lambda entry: entry[:2])
    times: dict[str, int] = {}
    groups = []
    for _, _, layer, mine, units_in_order in found:
        times[layer] = times.get(layer, 0) + 1
        groups.append(_Group(layer if times[layer] == 1 else f"{layer}#{times[layer]}", mine, units_in_order))
    return groups


def _interned(axes: Mapping[str, Mapping[int, Axis]]) -> dict[str, dict[int, Axis]]:
    """The same, equal axes being one object: what is found out about one of them holds for all."""
    known: dict[tuple[bytes, bytes], Axis] = {}
    return {
        name: {dim: known.setdefault((axis.group.tobytes(), axis.channel.tobytes()), axis) for dim, axis in by.items()}
        for name, by in axes.items()
    }


def parameters_and_macs(model: nn.Module, size: int) -> tuple[int, int]:
    """(parameters, MACs of one image [3, size, size]): torch's counted FLOPs / 2; the module is left as it was."""
    return sum(p.numel() for p in model.parameters()), sum(macs_by_module(model, size).values())


def macs_by_module(model: nn.Module, size: int) -> dict[str, int]:
    """Dotted name -> MACs of one image that a module itself, its children aside, multiplies in all calls of it.

    Modules without any are left out; one with several names goes by its first. Counted on the meta device, which has
    the same shapes, and so the same counts, at no price.
    """
    from torch.utils.flop_counter import FlopCounterMode

    empty = on_meta(model).requires_grad_(False)  # torch's counter would look for gradients
    dtype = next((p.dtype for p in empty.parameters() if p.is_floating_point()), torch.float32)
    own = {name: 0 for name, _ in empty.named_modules()}
    running: list[str] = []
    counted = 0

    def up_to_now() -> None:
        """What was multiplied since the last call began or ended belongs to the innermost that runs."""
        nonlocal counted
        if running:
            own[running[-1]] += counter.get_total_flops() - counted
        counted = counter.get_total_flops()

    def begin(name: str) -> None:
        up_to_now()
        running.append(name)

    def end() -> None:
        up_to_now()
        running.pop()

    for name, module in empty.named_modules():
        module.register_forward_pre_hook(lambda *_, name=name: begin(name))
        module.register_forward_hook(lambda *_: end())
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        empty(torch.empty(1, 3, size, size, dtype=dtype))
    return {name: flops // 2 for name, flops in own.items() if flops}

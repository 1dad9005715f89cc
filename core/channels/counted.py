"""A real network's layers, counted once with torch, so that sizes of slim ones need neither torch nor a network."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.backbones.attention import Attention, Heads
from core.channels.groups import FREE, Axis, ChannelGroups, macs_by_module
from core.channels.layers import HEAD, WHOLE, Layers, Size, Term
from core.channels.tracing import is_whole
from core.errors import MismatchError

SINGLE = 4  # bytes of a float32


def layers_of(model: nn.Module, groups: ChannelGroups, image: int) -> Layers:
    """The terms of a dense network; MACs are those of torch's FLOP counter / 2, layer by layer.

    image: side of the square input. Raises MismatchError where a layer multiplies more than its own weight.
    """
    macs, head, titles = macs_by_module(model, image), head_of(model)[0], list(groups.sizes)
    terms: list[Term] = []
    for name, module in model.named_modules():
        prefix = f"{name}." if name else ""
        own = dict(module.named_parameters(recurse=False))
        used = weight_of(module)
        grouped: dict[str, Term] = {}
        for part, tensor in [*own.items(), *module.named_buffers(recurse=False)]:
            widths, fixed = _widths(tensor, groups.axes.get(prefix + part, {}), titles, name == head)
            each = Size(
                fixed * (part in own),
                _per_entry(macs[name], tensor, name) * fixed
                if used is not None and tensor is used and name in macs
                else 0,
                fixed * (SINGLE if tensor.is_floating_point() else tensor.element_size()),
            )
            key = repr(widths)
            grouped[key] = Term(name, widths, each + grouped[key].each if key in grouped else each)
        terms += grouped.values()
        if used is None and name in macs:
            terms.append(_weightless(name, module, macs[name], groups))
    return Layers(image, tuple(terms))


def weight_of(module: nn.Module) -> Tensor | None:
    """The weight of a layer that images are multiplied by; None for a module that has none, or computes otherwise."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        return module.weight if is_whole(module) else None
    return module.in_proj_weight if isinstance(module, Attention) else None


def _weightless(name: str, module: nn.Module, macs: int, groups: ChannelGroups) -> Term:
    """What is multiplied without a weight: queries with keys and values, head by head; else by channels all there."""
    layer = name.rpartition(".")[0]
    if isinstance(module, Heads) and (title := next((t for t, by in groups.producers.items() if layer in by), None)):
        return Term(name, ({title: 1},), Size(0, macs // groups.sizes[title], 0))
    return Term(name, (), Size(0, macs, 0))


def _per_entry(macs: int, tensor: Tensor, name: str) -> int:
    """How often each entry of a weight is used for one image."""
    times, rest = divmod(macs, tensor.numel())
    if rest:
        raise MismatchError(f"The layer {name} multiplies more than its own weight: its size cannot be told ahead.")
    return times


def _widths(
    tensor: Tensor, axes: Mapping[int, Axis], names: list[str], is_head: bool
) -> tuple[tuple[Mapping[str, int], ...], int]:
    """(the widths of a tensor that depend on a selection or on the task, the product of those that do not)."""
    widths: list[Mapping[str, int]] = []
    fixed = 1
    for dim, count in enumerate(tensor.shape):
        if is_head and dim == 0:
            widths.append({HEAD: 1})
        elif dim in axes:
            widths.append(_width(axes[dim], names))
        else:
            fixed *= count
    return tuple(widths), fixed


def _width(axis: Axis, names: list[str]) -> dict[str, int]:
    """Group -> how many indices of this axis each of its channels has; under WHOLE, those that are never removed."""
    factors = {}
    for number in np.unique(axis.group):
        here = axis.group == number
        name, each = (WHOLE, 1) if number == FREE else (names[number], len(np.unique(axis.channel[here])))
        factors[name] = int(here.sum()) // each
    return factors

"""A real network's layers, counted once with torch, so that sizes of slim ones need neither torch nor a network."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.channels.groups import FREE, Axis, ChannelGroups
from core.channels.layers import HEAD, Layers, Size, Term
from core.errors import MismatchError

SINGLE = 4  # bytes of a float32


def layers_of(model: nn.Module, groups: ChannelGroups, image: int) -> Layers:
    """The terms of a dense network; MACs are those of torch's FLOP counter / 2, layer by layer.

    image: side of the square input. Raises MismatchError where a layer multiplies anything but its own weight.
    """
    macs, head = _macs(model, image), head_of(model)[0]
    terms: list[Term] = []
    for name, module in model.named_modules():
        prefix = f"{name}." if name else ""
        own = dict(module.named_parameters(recurse=False))
        grouped: dict[str, Term] = {}
        for part, tensor in [*own.items(), *module.named_buffers(recurse=False)]:
            widths, fixed = _widths(tensor, groups.axes.get(prefix + part, {}), list(groups.sizes), name == head)
            each = Size(
                fixed * (part in own),
                _per_entry(macs.get(name, 0), tensor, name) * fixed * (part == "weight"),
                fixed * (SINGLE if tensor.is_floating_point() else tensor.element_size()),
            )
            key = repr(widths)
            grouped[key] = Term(name, widths, each + grouped[key].each if key in grouped else each)
        terms += grouped.values()
    return Layers(image, tuple(terms))


def _macs(model: nn.Module, image: int) -> dict[str, int]:
    """Layer -> MACs of one image."""
    from torch.utils.flop_counter import FlopCounterMode

    training = model.training
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, image, image))
    model.train(training)
    root = type(model).__name__
    counts = {path.removeprefix(f"{root}."): sum(by.values()) // 2 for path, by in counter.get_flop_counts().items()}
    return {name: counts[name] for name, module in model.named_modules() if name in counts and own_weight(module)}


def own_weight(module: nn.Module) -> bool:
    """Whether a module is a layer with a weight that images are multiplied by."""
    return isinstance(module, nn.Conv2d | nn.Linear)


def _per_entry(macs: int, tensor: Tensor, name: str) -> int:
    """How often each entry of a weight is used for one image."""
    times, rest = divmod(macs, tensor.numel())
    if rest and tensor.dim() > 1:
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
    """Group -> how many indices of this axis each of its channels has. Raises MismatchError where channels differ."""
    factors = {}
    for number in np.unique(axis.group):
        _, counts = np.unique(axis.channel[axis.group == number], return_counts=True)
        if number == FREE or len(set(counts.tolist())) != 1:
            raise MismatchError("A layer's channels are not alike: its size cannot be told ahead.")
        factors[names[number]] = int(counts[0])
    return factors

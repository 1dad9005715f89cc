"""The trial that a network of somebody's own must pass to be accepted: no reading of its code replaces numbers.

With random weights, images and selections, in eval and in train mode: what the slim network computes, and the gradients
of it, are those of the masked one; and it is as large as was said ahead. Whatever disagrees is refused by name.
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.channels.agreement import Disagreement, check_agreement
from core.channels.counted import layers_of
from core.channels.groups import ChannelGroups, channel_groups, macs_by_module, parameters_and_macs
from core.channels.layer_steps import NORMS
from core.channels.layers import Layers
from core.channels.selection import Selection
from core.channels.slim import slim
from core.errors import UnsupportedError

SIDE = 64  # pixels: larger images are tried at this size, if the network takes it and has the same groups there
BATCH, FEW, MUCH = 4, 2, 2e9  # images, or a few if one costs so many MACs
REMEDY = "use only torch's own layers and functions in its forward, and the same steps in train and eval mode."


def check_trial(model: nn.Module, groups: ChannelGroups, image: int) -> None:
    """Refuse a network that is not pruned exactly. image: side of its images. The model is left unchanged.

    Raises UnsupportedError, naming the network and, as far as it can be found, the layer or the channel group.
    """
    layers = layers_of(model, groups, image)
    selections = [_some(groups.sizes), _least(groups.sizes)]
    tried, images = _stirred(model), _images(_side(model, groups, image), layers, groups)
    for selection, training in ((selections[0], False), (selections[0], True), (selections[1], False)):
        _agree(tried, groups, images, selection, training)
    for selection in selections:
        _check_size(model, groups, selection, layers)


def _some(sizes: Mapping[str, int]) -> Selection:
    """About half of every group's channels, at random."""
    generator = np.random.default_rng(0)
    counts = {title: max(1, round(size * generator.uniform(0.3, 0.7))) for title, size in sizes.items()}
    kept = {title: generator.choice(size, counts[title], replace=False) for title, size in sizes.items()}
    return Selection({title: tuple(sorted(each.tolist())) for title, each in kept.items()}, sizes)


def _least(sizes: Mapping[str, int]) -> Selection:
    """One channel of every group, its last."""
    return Selection({title: (size - 1,) for title, size in sizes.items()}, sizes)


def _side(model: nn.Module, groups: ChannelGroups, image: int) -> int:
    """The side of the images to try a network with."""
    if image <= SIDE:
        return image
    try:
        small = channel_groups(model, torch.empty(1, 3, SIDE, SIDE, device="meta"))
    except UnsupportedError:
        return image
    same = dict(small.sizes) == dict(groups.sizes) and small.axes.keys() == groups.axes.keys()
    return SIDE if same and all(_alike(small, groups, tensor) for tensor in groups.axes) else image


def _alike(one: ChannelGroups, other: ChannelGroups, tensor: str) -> bool:
    mine, theirs = one.axes[tensor], other.axes[tensor]
    return mine.keys() == theirs.keys() and all(
        np.array_equal(mine[dim].group, theirs[dim].group) and np.array_equal(mine[dim].channel, theirs[dim].channel)
        for dim in mine
    )


def _images(side: int, layers: Layers, groups: ChannelGroups) -> Tensor:
    """float64 [B, 3, side, side] random images."""
    macs = layers.size(groups.sizes, 1).macs * (side / layers.image) ** 2
    generator = torch.Generator().manual_seed(0)
    return torch.randn(FEW if macs > MUCH else BATCH, 3, side, side, dtype=torch.float64, generator=generator)


@torch.no_grad()
def _stirred(model: nn.Module) -> nn.Module:
    """A copy in float64 with random weights and statistics, so that no 0 or 1 among its own hides a mistake."""
    out = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in out.named_parameters():
        if not parameter.is_floating_point():
            continue
        if parameter.dim() > 1:
            parameter.normal_(0, (2 / max(1, parameter[0].numel())) ** 0.5, generator=generator)
        else:
            parameter.uniform_(*((-0.5, 0.5) if name.endswith("bias") else (0.5, 1.5)), generator=generator)
    for module in out.modules():
        if isinstance(module, NORMS) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return out


def _check_size(model: nn.Module, groups: ChannelGroups, selection: Selection, layers: Layers) -> None:
    """Refuse a network whose slim ones have other parameters or MACs than those known ahead."""
    classes, small = len(head_of(model)[1].weight), slim(model, groups, selection)
    ahead = layers.size(selection.counts, classes)
    if (ahead.params, ahead.macs) == parameters_and_macs(small, layers.image):
        return
    counted, known = macs_by_module(small, layers.image), layers.by_layer(selection.counts, classes)
    other = [name for name, each in known.items() if each.macs != counted.get(name, 0)]
    where = f" (the layer {other[0]})" if other and other[0] else ""
    raise UnsupportedError(
        f"{type(model).__name__} cannot be pruned: its slim size is predicted wrongly{where}; {REMEDY}"
    )


def _agree(model: nn.Module, groups: ChannelGroups, images: Tensor, selection: Selection, training: bool) -> None:
    """Refuse a network whose slim one computes something else, naming the first channel group that alone shows it."""
    try:
        check_agreement(model, groups, selection, images, training)
    except Disagreement as whole:
        if whole.dense:
            raise UnsupportedError(
                f"{type(model).__name__} cannot be trained, as it {whole}: fix its forward first."
            ) from whole
        words = f"{whole}{_first_seen(model, groups, images, selection, training)}"
        raise UnsupportedError(
            f"{type(model).__name__} cannot be pruned: once channels are removed, it {words}; {REMEDY}"
        ) from whole


def _first_seen(model: nn.Module, groups: ChannelGroups, images: Tensor, selection: Selection, training: bool) -> str:
    """Where the slim network goes wrong, in words: the first channel group that shows it when pruned alone."""
    for title, kept in selection.kept.items():
        alone = Selection({**Selection.full(groups.sizes).kept, title: kept}, groups.sizes)
        try:
            check_agreement(model, groups, alone, images, training)
        except Disagreement:
            return f" (first seen in the channel group {title})"
    return ""

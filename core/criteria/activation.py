"""Mean response of each channel to the task's images, after normalisation and with negative values cut off."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import Scores, gate_layers, group_scores, layer_of


@torch.no_grad()
def activation(model: nn.Module, groups: ChannelGroups, selection: Selection, batches: Iterable[Tensor]) -> Scores:
    """Mean positive output per channel over image batches [B, 3, H, W]; train/eval mode is left as it was."""
    from captum.attr import LayerActivation  # slow to import, and nothing else needs it

    layers = gate_layers(groups)
    names = sorted({name for names in layers.values() for name in names})
    responses = LayerActivation(model, [layer_of(model, name) for name in names])
    sums: dict[str, Tensor] = {}
    training = model.training
    model.eval()
    try:
        for images in batches:
            for name, output in zip(names, responses.attribute(images), strict=True):
                mean = output.relu().transpose(0, 1).flatten(1).mean(1).double()
                sums[name] = sums.get(name, torch.zeros_like(mean)) + mean
    finally:
        model.train(training)
    return group_scores(sums, layers, groups, selection)

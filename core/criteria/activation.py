"""Mean response of each channel to the task's images, after normalisation and with negative values cut off."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.backbones.attention import PARTS, Attention
from core.backbones.kinds import kind_of
from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import Scores, gate_layers, group_scores, layer_of


def mean_response(layer: nn.Module, output: Tensor) -> Tensor:
    """[rows of the layer's weight] mean of the positive part of what it puts out; of attention, what its heads do."""
    last = isinstance(layer, nn.Linear | Attention) or kind_of(layer) is nn.LayerNorm  # of others, channels come second
    mean = output.relu().transpose(0, -1 if last else 1).flatten(1).mean(1).double()
    return (
        torch.cat([torch.zeros((PARTS - 1) * len(mean), dtype=mean.dtype), mean])
        if isinstance(layer, Attention)
        else mean
    )


@torch.no_grad()
def activation(model: nn.Module, groups: ChannelGroups, selection: Selection, batches: Iterable[Tensor]) -> Scores:
    """Mean positive output per channel over image batches [B, 3, H, W]; train/eval mode is left as it was."""
    from captum.attr import LayerActivation  # slow to import, and nothing else needs it

    layers = gate_layers(groups)
    names = sorted({name for names in layers.values() for name in names})
    layers_seen = [layer_of(model, name) for name in names]
    responses = LayerActivation(model, [layer.mix if isinstance(layer, Attention) else layer for layer in layers_seen])
    sums: dict[str, Tensor] = {}
    training = model.training
    model.eval()
    try:
        for images in batches:
            for name, layer, output in zip(names, layers_seen, responses.attribute(images), strict=True):
                mean = mean_response(layer, output)
                sums[name] = sums.get(name, torch.zeros_like(mean)) + mean
    finally:
        model.train(training)
    return group_scores(sums, layers, groups, selection)

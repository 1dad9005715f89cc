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
    layers = gate_layers(groups)
    sums: dict[str, Tensor] = {}

    def remember(name: str):  # type: ignore[no-untyped-def]
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            mean = output.relu().transpose(0, 1).flatten(1).mean(1).double()
            sums[name] = sums.get(name, torch.zeros_like(mean)) + mean

        return hook

    names = {name for names in layers.values() for name in names}
    hooks = [layer_of(model, name).register_forward_hook(remember(name)) for name in names]
    training = model.training
    model.eval()
    try:
        for images in batches:
            model(images)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return group_scores(sums, layers, groups, selection)

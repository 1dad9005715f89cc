"""Criteria that look at the weights alone: l1, l2, bn-scale. They need no data."""

from collections.abc import Callable

from torch import Tensor, nn

from core.channels.groups import NORMS, ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import Scores, gate_layers, group_scores, layer_of, rows


def l1(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Sum of absolute weights of each channel's filters (arXiv 1608.08710)."""
    return _of_filters(model, groups, selection, lambda w: rows(w).abs().sum(1))


def l2(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Euclidean norm of each channel's filters."""
    return _of_filters(model, groups, selection, lambda w: rows(w).norm(dim=1))


def bn_scale(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Absolute BatchNorm factor (arXiv 1708.06519); groups without BatchNorm fall back to `l2`."""
    layers = gate_layers(groups)
    per_layer = {}
    for name in {name for names in layers.values() for name in names}:
        layer = layer_of(model, name)
        weight: Tensor = layer.weight  # type: ignore[assignment]
        per_layer[name] = weight.abs() if isinstance(layer, NORMS) else rows(weight).norm(dim=1)
    return group_scores(per_layer, layers, groups, selection)


def _of_filters(
    model: nn.Module, groups: ChannelGroups, selection: Selection, value: Callable[[Tensor], Tensor]
) -> Scores:
    names = {name for layers in groups.producers.values() for name in layers}
    per_layer = {name: value(layer_of(model, name).weight) for name in names}  # type: ignore[arg-type]
    return group_scores(per_layer, groups.producers, groups, selection)

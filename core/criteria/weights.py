"""Criteria that look at the weights alone: l1, l2, bn-scale. They need no data."""

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.scores import GATES, Scores, filters, gate_layers, group_scores, layer_of


def l1(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Sum of absolute weights of each channel's filters (arXiv 1608.08710)."""
    return _of_filters(model, groups, selection, lambda w: w.abs().sum(1))


def l2(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Euclidean norm of each channel's filters; where it has several in a layer (a head, a conv group), their sum."""
    return _of_filters(model, groups, selection, lambda w: w.norm(dim=1))


def tie_break_of(model: nn.Module, groups: ChannelGroups) -> Scores:
    """Group -> float64 [n_g]: the L2 norms by which ties between votes are broken, in single precision as zoos keep
    them: so a run, which computes them, and a page, which reads them, break ties alike."""
    scores = l2(model, groups, Selection.full(groups.sizes))
    return {group: values.astype(np.float32).astype(np.float64) for group, values in scores.items()}


def bn_scale(model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    """Absolute factor of BatchNorm (arXiv 1708.06519) or LayerNorm; groups without either fall back to `l2`."""
    layers = gate_layers(groups)
    per_layer = {}
    for name in {name for names in layers.values() for name in names}:
        layer = layer_of(model, name)
        per_layer[name] = layer.weight.abs() if isinstance(layer, GATES) else filters(layer).norm(dim=1)
    return group_scores(per_layer, layers, groups, selection)


def _of_filters(
    model: nn.Module, groups: ChannelGroups, selection: Selection, value: Callable[[Tensor], Tensor]
) -> Scores:
    names = {name for layers in groups.producers.values() for name in layers}
    per_layer = {name: value(filters(layer_of(model, name))) for name in names}
    return group_scores(per_layer, groups.producers, groups, selection)

"""What all criteria share: per-layer values of a (slim) network gathered into one score per backbone channel."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.backbones.attention import Attention
from core.channels.groups import Axis, ChannelGroups, Ints
from core.channels.layer_steps import LAYER_NORMS, NORMS
from core.channels.selection import Selection, kept_counts

GATES = (*NORMS, *LAYER_NORMS)  # layers with a factor and an offset for each channel
Scores = dict[str, npt.NDArray[np.float64]]  # group -> [n_g], 0 for channels that are gone


def layer_values(
    values: Tensor, layer: str, title: str, groups: ChannelGroups, selection: Selection
) -> npt.NDArray[np.float64]:
    """[n_g] sums of one layer's values [its current width] by the group channel each belongs to."""
    axis, present = rows_of(layer, groups, selection)
    number = list(groups.sizes).index(title)
    mine = axis.group[present] == number
    out = np.zeros(groups.sizes[title])
    np.add.at(out, axis.channel[present][mine], values.detach().double().numpy()[mine])
    return out


def rows_of(layer: str, groups: ChannelGroups, selection: Selection) -> tuple[Axis, Ints]:
    """(the axis of a layer's outputs, one entry a row of its weight; the rows of it that a selection keeps)."""
    names = (f"{layer}.weight", f"{layer}.in_proj_weight")
    axis = next(groups.axes[name][0] for name in names if 0 in groups.axes.get(name, {}))
    return axis, groups.along(axis, selection)


def gates_of(derivative: Tensor, layer: str, groups: ChannelGroups, selection: Selection) -> Tensor:
    """[width] derivatives of the rows' own gates to that of the one gate that all rows of a channel have together.

    Most channels have one row a layer, and nothing changes; an attention head or a conv group has several. Their sum
    stands at the first of them, 0 at the others.
    """
    axis, present = rows_of(layer, groups, selection)
    channel = axis.group[present] * (1 + axis.channel.max()) + axis.channel[present]
    _, first, which = np.unique(channel, return_index=True, return_inverse=True)
    if len(first) == len(channel):
        return derivative
    out = torch.zeros_like(derivative)
    return out.index_add_(0, torch.from_numpy(first[which]), derivative)


def group_scores(
    per_layer: Mapping[str, Tensor], layers: Mapping[str, tuple[str, ...]], groups: ChannelGroups, selection: Selection
) -> Scores:
    """Sum over a group's coupled layers after each is normalised to sum 1, so that no layer drowns another.

    per_layer: layer -> values [width], non-negative. layers: group -> the layers to sum.
    """
    out = {}
    for title, size in groups.sizes.items():
        total = np.zeros(size)
        for layer in layers[title]:
            values = layer_values(per_layer[layer], layer, title, groups, selection)
            total += values / (values.sum() or 1.0)
        out[title] = total
    return out


def gate_layers(groups: ChannelGroups) -> dict[str, tuple[str, ...]]:
    """Per group its normalisation layers, or where it has none, the layers that compute it."""
    return {title: groups.gates[title] or groups.producers[title] for title in groups.sizes}


def keep_best(
    scores: Mapping[str, npt.NDArray[np.float64]], keep: float | Mapping[str, int], within: Selection
) -> Selection:
    """Per group the best-scored of the channels still there; ties go to the lower index.

    keep: how many of each group, or a keep ratio: then `kept_count(keep, n_g)`.
    """
    counts = keep if isinstance(keep, Mapping) else kept_counts(keep, within.sizes)
    kept = {}
    for title in within.sizes:
        there = np.array(within.kept[title])
        order = there[np.argsort(-scores[title][there], kind="stable")]
        kept[title] = tuple(sorted(order[: min(counts[title], len(there))].tolist()))
    return Selection(kept, within.sizes)


def layer_of(model: nn.Module, name: str) -> nn.Module:
    """The submodule of that dotted name."""
    return model.get_submodule(name)


def filters(layer: nn.Module) -> Tensor:
    """The weight that computes a layer's outputs, [out, everything else]."""
    weight: Tensor = layer.in_proj_weight if isinstance(layer, Attention) else layer.weight  # type: ignore[assignment]
    return rows(weight)


def rows(weight: Tensor) -> Tensor:
    """[out, everything else] view of a convolution's or linear layer's weight."""
    return torch.flatten(weight, 1) if weight.dim() > 1 else weight.unsqueeze(1)

"""The same channel groups by another hand, torch-pruning's dependency graph, where that is right.

That is in networks without grouped convolutions, attention, and parameters outside of layers.
"""

from collections.abc import Iterable

import numpy as np
import torch_pruning
from torch import Tensor, nn

from core.backbones.architectures import head_of

Axes = dict[tuple[str, int], tuple[list[int], list[int]]]


def twin_groups(model: nn.Module, example: Tensor) -> tuple[dict[str, int], dict[str, list[str]], Axes]:
    """(group -> size, group -> layers that compute it, (tensor, dim) -> group numbers and channels of each index)."""
    modules = dict(model.named_modules())
    names, order = {module: name for name, module in modules.items()}, {name: i for i, name in enumerate(modules)}
    graph = torch_pruning.DependencyGraph().build_dependency(model.eval(), example_inputs=example)
    found = graph.get_all_groups(ignored_layers=[head_of(model)[1]], root_module_types=[nn.Conv2d, nn.Linear])
    groups = [group for group in (links(each, names) for each in found) if group]
    computing = [
        sorted(
            {name for name, out, *_ in group if out and isinstance(modules[name], nn.Conv2d | nn.Linear)}, key=order.get
        )
        for group in groups
    ]
    ranked = sorted(range(len(groups)), key=lambda i: order[computing[i][0]])
    axes: Axes = {}
    for number, i in enumerate(ranked):
        for name, out, indices, channels in groups[i]:
            for tensor, dim in tensors_of(modules[name], name, out):
                size = model.state_dict()[tensor].shape[dim]
                group, channel = axes.setdefault((tensor, dim), ([-1] * size, [0] * size))
                for index, place in zip(indices, channels, strict=True):
                    group[index], channel[index] = number, place
    sizes = {computing[i][0]: 1 + max(max(channels) for *_, channels in groups[i]) for i in ranked}
    return sizes, {computing[i][0]: computing[i] for i in ranked}, axes


def links(group: Iterable[object], names: dict[nn.Module, str]) -> list[tuple[str, bool, list[int], list[int]]]:
    """(layer, whether on its output side, indices there, the group's channel of each)."""
    members = [member for member in group if member.dep.target.module in names]  # type: ignore[attr-defined]
    return [
        (
            names[m.dep.target.module],
            "out" in m.dep.handler.__name__,
            np.array(m.idxs).tolist(),
            np.array(m.root_idxs).tolist(),
        )  # type: ignore[attr-defined]
        for m in members
    ]


def tensors_of(module: nn.Module, name: str, out: bool) -> list[tuple[str, int]]:
    """(tensor, dim) of what has one entry a channel on that side of a layer."""
    if isinstance(module, nn.BatchNorm2d):
        return [(f"{name}.{part}", 0) for part in ("weight", "bias", "running_mean", "running_var")]
    if out or getattr(module, "groups", 1) > 1:
        return [(f"{name}.weight", 0), *([(f"{name}.bias", 0)] if module.bias is not None else [])]
    return [(f"{name}.weight", 1)]

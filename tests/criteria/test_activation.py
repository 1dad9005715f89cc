"""Activation: captum's responses give the same scores as a brute-force look at what each layer puts out."""

import numpy as np
import pytest
import torch

from core.channels.groups import channel_groups
from core.channels.selection import Selection
from core.channels.slim import slim
from core.criteria.activation import activation
from core.criteria.scores import gate_layers, group_scores
from tests.engine import drawn, images, network
from tests.networks import network as small_network


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("keep", [1.0, 0.2])
def test_scores_are_the_mean_positive_outputs_of_the_layers_over_batches(name: str, keep: float) -> None:
    dense, groups = network(name)
    selection = Selection.full(groups.sizes) if keep == 1.0 else drawn(groups.sizes, keep)
    model = slim(dense, groups, selection)
    batches = [images(4), images(3, seed=1)]
    layers = gate_layers(groups)
    names = {each for group in layers.values() for each in group}
    seen: dict[str, list[torch.Tensor]] = {each: [] for each in names}
    hooks = [
        model.get_submodule(each).register_forward_hook(
            lambda module, inputs, output, each=each: seen[each].append(output.detach().clone())
        )
        for each in names
    ]
    model.eval()
    with torch.no_grad():
        for batch in batches:
            model(batch)
    for hook in hooks:
        hook.remove()
    model.train()
    expected = {
        each: sum(output.clamp_min(0).mean((0, 2, 3)).double() for output in outputs) for each, outputs in seen.items()
    }
    found = activation(model, groups, selection, batches)
    for group, values in group_scores(expected, layers, groups, selection).items():  # type: ignore[arg-type]
        np.testing.assert_allclose(found[group], values, rtol=1e-5)
    assert model.training and all(not module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["tiny vit", "tiny convnext"])
def test_channels_come_last_in_linear_layers_and_layer_norms_and_heads_are_what_is_projected(name: str) -> None:
    model, _ = small_network(name)
    groups = channel_groups(model.eval(), images(2))
    full = Selection.full(groups.sizes)
    found = activation(model, groups, full, [images(4)])
    title = next(t for t in groups.sizes if t.endswith(("self_attention", "block.3")))
    seen: list[torch.Tensor] = []
    layer = model.get_submodule(f"{title}.out_proj" if name == "tiny vit" else title)
    if name == "tiny vit":
        layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    else:
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output.clone()))
    with torch.no_grad():
        model(images(4))
    values = seen[0].clamp_min(0).flatten(0, -2).mean(0).view(groups.sizes[title], -1).sum(1)
    np.testing.assert_allclose(found[title], (values / values.sum()).numpy(), rtol=1e-4)

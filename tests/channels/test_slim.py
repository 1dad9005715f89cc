"""Slimming is exact: a slim network computes what the masked one computes, and shapes, modes and values survive."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.masking import mask
from core.channels.selection import Selection, kept_count
from core.channels.slim import expand, slim, slim_state
from core.errors import MismatchError
from tests.networks import DEVICES, SMALL, TINY, network


def drawn(sizes: dict[str, int], keep: float, seed: int = 0, within: Selection | None = None) -> Selection:
    rng = np.random.default_rng(seed)
    pool = {g: np.arange(n) if within is None else np.array(within.kept[g]) for g, n in sizes.items()}
    kept = {
        g: tuple(sorted(rng.choice(pool[g], kept_count(keep, n), replace=False).tolist())) for g, n in sizes.items()
    }
    return Selection(kept, sizes)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", [*SMALL, *TINY])
def test_slim_equals_masked_to_1e_10_relative_in_float64(name: str, device: str) -> None:
    model, size = network(name)
    model = model.double().eval().to(device)
    x = torch.randn(2, 3, size, size, dtype=torch.float64, device=device)
    groups = channel_groups(model, x)
    selection = drawn(groups.sizes, 0.4)
    with torch.no_grad():
        masked, small = mask(model, groups, selection)(x), slim(model, groups, selection)(x)
        dense = model(x)
    assert (masked - small).abs().max() <= 1e-10 * masked.abs().max()
    assert (dense - small).abs().max() > 1e-3 * dense.abs().max()  # something was really removed


def test_mask_is_zero_output_after_normalisation_and_activation() -> None:
    """An independent mask: hooks that zero the channels of every block's output after its activation."""
    model, size = network("resnet18")
    model = model.double().eval()
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    groups = channel_groups(model, x)
    selection = drawn(groups.sizes, 0.3)
    hooked = copy.deepcopy(model)

    def zero(title: str):
        gone = torch.tensor(np.setdiff1d(np.arange(groups.sizes[title]), selection.kept[title]))

        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
            output[:, gone] = 0
            return output

        return hook

    hooked.relu.register_forward_hook(zero("conv1"))
    for stage in range(1, 5):
        for block in range(2):
            unit = hooked.get_submodule(f"layer{stage}.{block}")
            unit.register_forward_hook(zero("conv1" if stage == 1 else f"layer{stage}.0.conv2"))
            unit.bn1.register_forward_hook(zero(f"layer{stage}.{block}.conv1"))
    with torch.no_grad():
        expected, got = hooked(x), slim(model, groups, selection)(x)
    assert (expected - got).abs().max() <= 1e-10 * expected.abs().max()


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "concatenated"])
def test_slim_of_a_slim_model_composes(name: str) -> None:
    model, size = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, size, size))
    wide = drawn(groups.sizes, 0.6)
    narrow = drawn(groups.sizes, 0.3, seed=1, within=wide)
    direct = slim(model, groups, narrow).state_dict()
    stepped = slim(slim(model, groups, wide), groups, narrow, within=wide).state_dict()
    assert all(torch.equal(direct[key], stepped[key]) for key in direct)


def test_a_slim_model_cannot_regain_channels() -> None:
    model, size = network("concatenated")
    groups = channel_groups(model, torch.zeros(1, 3, size, size))
    narrow = drawn(groups.sizes, 0.3)
    with pytest.raises(MismatchError, match="only lose channels"):
        slim(slim(model, groups, narrow), groups, Selection.full(groups.sizes), within=narrow)


@pytest.mark.parametrize("name", ["resnet18", "vgg16_bn", "concatenated"])
def test_expand_puts_kept_entries_back_and_fills_the_rest(name: str) -> None:
    model, size = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, size, size))
    selection = drawn(groups.sizes, 0.5)
    state = model.state_dict()
    blank = {key: torch.full_like(value, -7) for key, value in state.items()}
    small = slim_state(state, groups, selection)
    full = expand(small, groups, selection, fill=blank)
    assert all(torch.equal(a, small[key]) for key, a in slim_state(full, groups, selection).items())
    for key, value in full.items():
        assert torch.all((value == state[key]) | (value == blank[key]))


def test_modes_gradients_and_the_original_are_left_as_they_were() -> None:
    model, size = network("resnet18")
    model.train()
    model.layer1[0].bn1.eval()
    model.conv1.weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    groups = channel_groups(model, torch.zeros(2, 3, size, size))
    small = slim(model, groups, drawn(groups.sizes, 0.5))
    assert small.training and not small.layer1[0].bn1.training
    assert not small.conv1.weight.requires_grad and small.fc.weight.requires_grad
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", [*SMALL, *TINY])
def test_a_slim_network_is_smaller_and_trains(name: str) -> None:
    model, size = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, size, size))
    small = slim(model, groups, drawn(groups.sizes, 0.25)).train()
    small(torch.randn(4, 3, size, size)).square().mean().backward()
    assert all(p.grad is not None for p in small.parameters())
    (params, macs), (dense_params, dense_macs) = parameters_and_macs(small, size), parameters_and_macs(model, size)
    whole = 0.5 if name == "tiny vit" else 0.16  # the embedding of a vision transformer stays whole
    assert params < whole * dense_params and macs < 0.4 * dense_macs


def test_resnet18_groups_are_named_by_their_first_layer_in_depth_order() -> None:
    model, _ = network("resnet18")
    groups = channel_groups(model, torch.zeros(1, 3, 32, 32))
    inner = [f"layer{s}.{b}.conv1" for s in range(1, 5) for b in range(2)]
    assert set(groups.sizes) == {"conv1", "layer2.0.conv2", "layer3.0.conv2", "layer4.0.conv2", *inner}
    assert list(groups.sizes)[:3] == ["conv1", "layer1.0.conv1", "layer1.1.conv1"]
    assert groups.sizes["layer4.0.conv2"] == 512 and len(groups.gates["layer4.0.conv2"]) == 3

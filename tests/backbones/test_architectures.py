"""The registry of architectures: every entry builds, has the head it says, and prunes to the sizes told ahead."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.backbones.architectures import (
    ARCHITECTURES,
    architecture,
    feature_extractor,
    head_of,
    published,
    replace_head,
    set_head,
)
from core.channels.counted import layers_of
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.slim import slim
from core.errors import MismatchError, UnknownNameError
from tests.channels.test_slim import drawn
from tests.networks import EVERY, SMALL, TINY


def test_a_small_member_of_each_family_is_tested_by_numbers() -> None:
    tested = {ARCHITECTURES[name].family for name in SMALL} | {"ViT", "ConvNeXt"}
    assert {"tiny vit", "tiny convnext"} <= set(TINY)
    assert {entry.family for entry in ARCHITECTURES.values()} == tested


@pytest.mark.parametrize("name", EVERY)
def test_it_is_what_torchvision_publishes_and_prunes_to_the_size_told_ahead(name: str) -> None:
    """On the meta device: shapes without numbers, the giants included."""
    entry, told = ARCHITECTURES[name], published(name)
    dense = entry.shell(1000)
    assert head_of(dense)[0] == entry.head and len(head_of(dense)[1].weight) == 1000
    params, macs = parameters_and_macs(dense, entry.size)
    assert params == told.params
    assert macs / 1e9 == pytest.approx(told.gigamacs, rel=0.01, abs=0.001)
    groups = channel_groups(dense, torch.zeros(1, 3, entry.size, entry.size, device="meta"))
    layers = layers_of(dense, groups, entry.size)
    assert (layers.size(groups.sizes, 1000).params, layers.size(groups.sizes, 1000).macs) == (params, macs)
    selection = drawn(dict(groups.sizes), 0.3)
    small = parameters_and_macs(slim(dense, groups, selection), entry.size)
    size = layers.size(selection.counts, 1000)
    assert (size.params, size.macs) == small and size.params < 0.6 * params and size.macs < 0.6 * macs


@pytest.mark.parametrize("name", EVERY)
def test_it_takes_images_down_to_the_smallest_it_says_and_says_so_below(name: str) -> None:
    entry = ARCHITECTURES[name]
    model = entry.shell(3, entry.least).eval()
    assert model(torch.empty(1, 3, entry.least, entry.least, device="meta")).shape == (1, 3)
    with pytest.raises(MismatchError, match=f"{name} cannot take images"):
        entry.build(3, entry.least - 1)


def test_what_is_not_supported_is_refused_with_all_that_is() -> None:
    with pytest.raises(UnknownNameError, match="There is no architecture 'shufflenet_v2_x1_0'") as refused:
        architecture("shufflenet_v2_x1_0")
    assert all(name in str(refused.value) for name in ARCHITECTURES)
    for name in ("swin_t", "inception_v3", "maxvit_t", "googlenet", "no-such-thing"):
        with pytest.raises(UnknownNameError):
            architecture(name)


def test_a_shell_has_the_shapes_of_the_network_and_no_numbers() -> None:
    for name in ("regnet_x_400mf", "squeezenet1_1"):
        built, shell = ARCHITECTURES[name].build(3), ARCHITECTURES[name].shell(3)
        shapes = {key: value.shape for key, value in shell.state_dict().items()}
        assert shapes == {key: value.shape for key, value in built.state_dict().items()}
        assert all(parameter.is_meta for parameter in shell.parameters())


def test_a_head_may_be_a_convolution() -> None:
    model = ARCHITECTURES["squeezenet1_1"].build(3).eval()
    images = torch.randn(2, 3, 32, 32)
    set_head(model, torch.zeros(3, 512), torch.tensor([1.0, -2.0, 3.0]))
    assert torch.equal(model(images), torch.tensor([[1.0, -2.0, 3.0]] * 2))  # a class may say no: no ReLU behind it
    features, width = feature_extractor(model)
    assert features(images).shape == (2, width) == (2, 512)


@pytest.mark.parametrize("name", ["resnet18", "vgg11", "densenet121", "vit_b_32", "squeezenet1_0"])
def test_the_head_is_replaced_where_it_is(name: str) -> None:
    model = ARCHITECTURES[name].shell(3)
    replace_head(model, nn.Identity())
    assert isinstance(model.get_submodule(ARCHITECTURES[name].head), nn.Identity)


def test_macs_are_those_of_the_flop_counter_on_real_numbers() -> None:
    """Counting without numbers is a short cut; this is the long way."""
    model = ARCHITECTURES["efficientnet_b0"].build(3).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 64, 64))
    assert parameters_and_macs(model, 64)[1] == counter.get_total_flops() // 2

"""Sizes told ahead, from counts alone, are those of the real slim network, to the last parameter, MAC and byte."""

import json

import pytest
import torch

from core.backbones.architectures import ARCHITECTURES
from core.channels.counted import layers_of
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.layers import Layers, Size
from core.channels.selection import kept_counts
from core.channels.slim import slim
from core.errors import BadFileError, MismatchError
from tests.channels.test_slim import drawn
from tests.networks import SMALL, TINY, network


def real_size(model: torch.nn.Module, image: int) -> Size:
    stored = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    return Size(*parameters_and_macs(model, image), stored)


@pytest.mark.parametrize("name", [*SMALL, *TINY])
def test_sizes_told_ahead_are_exact(name: str) -> None:
    model, image = network(name)
    groups = channel_groups(model, torch.zeros(2, 3, image, image))
    layers = Layers.from_dict(json.loads(json.dumps(layers_of(model, groups, image).to_dict())))
    assert layers.size(groups.sizes, 5) == real_size(model, image)
    for seed, keep in enumerate((0.13, 0.5)):
        selection = drawn(groups.sizes, keep, seed)
        assert layers.size(selection.counts, 5) == real_size(slim(model, groups, selection), image)


def test_the_keep_ratio_alone_tells_the_size_as_all_methods_keep_equally_many() -> None:
    sizes = {"a": 64, "b": 10, "c": 3}
    assert kept_counts(0.2, sizes) == drawn(sizes, 0.2).counts == {"a": 13, "b": 2, "c": 1}


def test_a_head_of_another_number_of_classes_is_counted_too() -> None:
    model, image = network("resnet18")
    groups = channel_groups(model, torch.zeros(2, 3, image, image))
    told = layers_of(model, groups, image).size(groups.sizes, 17)
    assert told == real_size(ARCHITECTURES["resnet18"].build(17), image)


def test_the_layers_sum_to_the_whole_and_come_in_depth_order() -> None:
    model, image = network("resnet18")
    groups = channel_groups(model, torch.zeros(2, 3, image, image))
    layers, selection = layers_of(model, groups, image), drawn(groups.sizes, 0.3)
    by_layer = layers.by_layer(selection.counts, 5)
    assert sum(size.params for size in by_layer.values()) == layers.size(selection.counts, 5).params
    assert next(iter(by_layer)) == "conv1" and list(by_layer)[-1] == "fc"


def test_a_selection_of_another_network_is_refused() -> None:
    model, image = network("resnet18")
    layers = layers_of(model, channel_groups(model, torch.zeros(2, 3, image, image)), image)
    with pytest.raises(MismatchError, match="channel group 'conv1'"):
        layers.size({"a": 4}, 5)


@pytest.mark.parametrize(
    "data", [{}, {"image": 32, "terms": [["conv1"]]}, {"image": 32, "terms": [["a", [3], 1, 2, 3]]}]
)
def test_layers_written_otherwise_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadFileError, match="make them anew"):
        Layers.from_dict(data)

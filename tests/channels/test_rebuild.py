"""From a file back to a network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import rebuild, state_of
from core.channels.slim import slim
from core.errors import BadFileError, UnknownNameError
from tests.engine import MEAN, SIZE, STD, drawn, images, network


def pruned(architecture: str) -> tuple[PrunedModel, torch.nn.Module]:
    dense, groups = network(architecture)
    selection = drawn(groups.sizes, 0.1)
    small = slim(dense, groups, selection).eval()
    tensors = {name: value.numpy() for name, value in small.state_dict().items()}
    task = {"id": "emoji:a+b+c", "dataset": "emoji", "classes": ["a", "b", "c"]}
    return PrunedModel(architecture, "some", "0" * 64, task, selection, MEAN, STD, SIZE, tensors), small


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_the_rebuilt_network_computes_the_same_and_is_as_small(architecture: str, tmp_path: Path) -> None:
    model, small = pruned(architecture)
    save_pruned(model, tmp_path / "model.safetensors")
    again = rebuild(load_pruned(tmp_path / "model.safetensors"))
    with torch.no_grad():
        assert torch.equal(again(images(3)), small(images(3)))
    assert parameters_and_macs(again, SIZE) == parameters_and_macs(small, SIZE)
    assert not again.training and all(p.requires_grad and not p.is_meta for p in again.parameters())


def test_half_precision_comes_back_as_float32_and_nearly_the_same(tmp_path: Path) -> None:
    model, small = pruned("resnet18")
    save_pruned(model, tmp_path / "model.safetensors", half=True)
    loaded = load_pruned(tmp_path / "model.safetensors")
    assert {t.dtype for t in state_of(loaded).values()} == {torch.float32, torch.int64}
    with torch.no_grad():
        expected, got = small(images(3)), rebuild(loaded)(images(3))
    assert (expected - got).abs().max() < 0.02 * expected.abs().max()


def test_a_rebuilt_network_shares_no_memory_with_the_model() -> None:
    model, _ = pruned("resnet18")
    before = model.tensors["conv1.weight"].copy()
    with torch.no_grad():
        for parameter in rebuild(model).parameters():
            parameter.zero_()
    assert np.array_equal(model.tensors["conv1.weight"], before)


def test_an_architecture_that_is_not_supported_is_named() -> None:
    model = PrunedModel("swin_t", "", "", {"classes": ["a", "b"]}, drawn({"g": 4}, 0.5), MEAN, STD, SIZE)
    with pytest.raises(UnknownNameError, match="architecture 'swin_t'"):
        rebuild(model)


def test_a_model_without_its_weights_is_refused_in_a_sentence() -> None:
    model = PrunedModel("resnet18", "", "", {"classes": ["a", "b"]}, drawn({"g": 4}, 0.5), MEAN, STD, SIZE)
    with pytest.raises(BadFileError, match="no weights for bn1.bias"):
        rebuild(model)

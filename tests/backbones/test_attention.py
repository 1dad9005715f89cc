"""Attention that heads can be removed from computes what torch's own does, from the same tensors."""

import copy

import pytest
import torch
import torchvision.models as tv
from torch import nn

from core.backbones.attention import Attention, open_attention, values_only


@pytest.mark.parametrize("training", [True, False])
def test_it_is_torchs_own_attention(training: bool) -> None:
    torch.manual_seed(0)
    torchs = nn.MultiheadAttention(24, 3, batch_first=True, dtype=torch.float64).train(training)
    nn.init.normal_(torchs.in_proj_bias)
    ours = Attention(copy.deepcopy(torchs))
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in torchs.state_dict().items()}
    x = torch.randn(2, 7, 24, dtype=torch.float64)
    expected, got = torchs(x, x, x, need_weights=False)[0], ours(x, x, x, need_weights=False)[0]
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    for out, layer in ((expected, torchs), (got, ours)):
        out.square().sum().backward()
        assert layer.in_proj_weight.grad is not None
    torch.testing.assert_close(ours.in_proj_weight.grad, torchs.in_proj_weight.grad, rtol=1e-10, atol=1e-12)


def test_a_vision_transformer_computes_the_same_with_either() -> None:
    torch.manual_seed(0)
    dense = tv.VisionTransformer(32, 8, 2, 4, 32, 48, num_classes=5).double().eval()
    nn.init.normal_(dense.heads.head.weight)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(open_attention(copy.deepcopy(dense))(x), dense(x), rtol=1e-12, atol=1e-12)


def test_attention_of_another_kind_is_left_as_it_is() -> None:
    kinds = [nn.MultiheadAttention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True, kdim=4, vdim=4)]
    for kind in kinds:
        assert isinstance(open_attention(nn.Sequential(kind))[0], nn.MultiheadAttention)  # type: ignore[index]


def test_starting_anew_draws_as_torchs_own_does() -> None:
    layer = Attention(nn.MultiheadAttention(8, 2, batch_first=True))
    before = layer.in_proj_weight.clone()
    nn.init.ones_(layer.in_proj_bias)
    layer.reset_parameters()
    assert not torch.equal(layer.in_proj_weight, before) and layer.in_proj_bias.abs().sum() == 0


def test_only_values_are_left_of_three_parts() -> None:
    assert values_only(torch.arange(6.0)).tolist() == [0, 0, 0, 0, 4, 5]

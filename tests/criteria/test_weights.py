"""Criteria that look at weights or activations alone, against loops over channels."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.channels.groups import channel_groups
from core.channels.selection import Selection
from core.criteria.activation import activation
from core.criteria.scores import keep_best
from core.criteria.weights import bn_scale, l1, l2


class Coupled(nn.Module):
    """One residual group of two convolutions and two BatchNorms, one plain group, one without BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.plain = nn.Conv2d(6, 4, 1)
        self.hidden = nn.Linear(4, 5)
        self.fc = nn.Linear(5, 3)
        for norm in (self.bn1, self.bn2):
            nn.init.uniform_(norm.weight, -1.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = (x + self.bn2(self.conv2(x))).relu()
        return self.fc(self.hidden(self.plain(x).relu().mean((2, 3))).relu())


@pytest.fixture
def coupled():  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    model = Coupled()
    groups = channel_groups(model, torch.zeros(2, 3, 8, 8))
    assert list(groups.sizes) == ["conv1", "plain", "hidden"]
    return model, groups, Selection.full(groups.sizes)


def shares(values: list[float]) -> np.ndarray:
    return np.array(values) / sum(values)


def test_l1_sums_absolute_weights_filter_by_filter(coupled) -> None:  # type: ignore[no-untyped-def]
    model, groups, full = coupled
    scores = l1(model, groups, full)
    first, second = ([float(w.abs().sum()) for w in conv.weight.detach()] for conv in (model.conv1, model.conv2))
    np.testing.assert_allclose(scores["conv1"], shares(first) + shares(second), rtol=1e-6)
    for group, layer in (("plain", model.plain), ("hidden", model.hidden)):
        expected = [float(w.abs().sum()) for w in layer.weight.detach()]
        np.testing.assert_allclose(scores[group], shares(expected), rtol=1e-6)


def test_l2_is_the_root_of_summed_squares_filter_by_filter(coupled) -> None:  # type: ignore[no-untyped-def]
    model, groups, full = coupled
    scores = l2(model, groups, full)
    first, second = ([float((w**2).sum()) ** 0.5 for w in conv.weight.detach()] for conv in (model.conv1, model.conv2))
    np.testing.assert_allclose(scores["conv1"], shares(first) + shares(second), rtol=1e-6)


def test_bn_scale_is_the_absolute_factor_and_falls_back_to_l2_without_batchnorm(coupled) -> None:  # type: ignore[no-untyped-def]
    model, groups, full = coupled
    scores = bn_scale(model, groups, full)
    first, second = (norm.weight.abs().tolist() for norm in (model.bn1, model.bn2))
    np.testing.assert_allclose(scores["conv1"], shares(first) + shares(second), rtol=1e-6)
    np.testing.assert_allclose(scores["plain"], l2(model, groups, full)["plain"], rtol=1e-12)


def test_activation_is_the_mean_positive_output_over_all_images(coupled) -> None:  # type: ignore[no-untyped-def]
    model, groups, full = coupled
    model.train()
    batches = [torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8)]
    scores = activation(model, groups, full, batches)
    assert model.training and model.bn1.num_batches_tracked == 0
    model.eval()
    with torch.no_grad():
        x = torch.cat(batches)
        first = model.bn1(model.conv1(x))
        second = model.bn2(model.conv2(first.relu()))
        plain = model.plain((first.relu() + second).relu())
        hidden = model.hidden(plain.relu().mean((2, 3)))
    means = [
        [float(out[:, c].clamp(min=0).mean()) for c in range(out.shape[1])] for out in (first, second, plain, hidden)
    ]
    np.testing.assert_allclose(scores["conv1"], shares(means[0]) + shares(means[1]), rtol=1e-5)
    np.testing.assert_allclose(scores["plain"], shares(means[2]), rtol=1e-5)
    np.testing.assert_allclose(scores["hidden"], shares(means[3]), rtol=1e-5)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_best_are_kept_within_what_is_left_and_ties_go_to_the_lower_index() -> None:
    within = Selection({"a": (0, 2, 3, 5, 7, 8), "b": (1, 2)}, {"a": 10, "b": 4})
    scores = {"a": np.array([1, 99, 3, 3, 99, 0, 99, 3, 1, 99.0]), "b": np.zeros(4)}
    assert keep_best(scores, 0.2, within).kept == {"a": (2, 3), "b": (1,)}
    assert keep_best(scores, 0.5, within).kept == {"a": (0, 2, 3, 7, 8), "b": (1, 2)}
    assert keep_best(scores, 1.0, within) == within

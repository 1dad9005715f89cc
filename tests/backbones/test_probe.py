"""Probes of frozen features."""

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones.probe import embed, knn_accuracy, linear_accuracy, probe
from core.tasks.images import Examples


def clouds(count: int, seed: int, noise: float = 0.2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    return torch.eye(4, 6)[labels] + noise * torch.randn(count, 6, generator=generator), labels


@pytest.mark.parametrize("accuracy", [knn_accuracy, linear_accuracy])
def test_separable_features_are_told_apart_and_noise_is_not(accuracy) -> None:  # type: ignore[no-untyped-def]
    assert accuracy(*clouds(80, 0, noise=0.05), *clouds(40, 1, noise=0.05)) == 1.0
    assert accuracy(*clouds(80, 0, noise=50), *clouds(200, 1, noise=50)) < 0.5


def test_nearest_neighbours_do_not_care_for_length() -> None:
    (x, y), (hx, hy) = clouds(80, 0), clouds(40, 1)
    assert knn_accuracy(x * torch.rand(80, 1).add(0.1), y, hx * 100, hy) == 1.0


def test_a_probe_looks_at_normalised_images_in_eval_mode() -> None:
    colours = np.zeros((30, 4, 4, 3), np.uint8)
    labels = np.arange(30, dtype=np.int64) % 3
    for row, label in enumerate(labels):
        colours[row, ..., label] = 255
    examples = Examples(colours, labels)
    mean, std = torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.25)
    features = nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1)).train()
    seen = embed(features, colours, mean, std, batch=7)
    assert not features.training and seen.shape == (30, 3)
    torch.testing.assert_close(seen[0], torch.tensor([2.0, -2.0, -2.0]), rtol=1e-4, atol=1e-4)
    assert probe(features, examples, examples, mean, std) == {"knn": 1.0, "linear": 1.0}
    assert probe(features, examples, examples, mean, std, linear=False) == {"knn": 1.0}

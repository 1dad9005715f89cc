"""BatchNorm statistics and a head, without training."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.backbones.architectures import head_of
from core.pruning import readout
from core.pruning.readout import BATCH, SCALE, features, features_of, prototype_head, reestimate_batchnorm


class Small(nn.Module):
    def __init__(self, classes: int = 3, bias: bool = True) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6, momentum=0.3)
        self.conv2, self.bn2 = nn.Conv2d(6, 5, 1), nn.BatchNorm2d(5)
        self.fc = nn.Linear(5, classes, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        return self.fc(self.bn2(self.conv2(x)).relu().mean((2, 3)))


class Given(nn.Module):
    """Its features are its images' first numbers."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1)[:, : self.fc.in_features])


@pytest.fixture
def pictures() -> Tensor:
    return torch.randn(BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1


def test_statistics_are_exactly_those_of_the_activations(pictures: Tensor) -> None:
    torch.manual_seed(0)
    model = Small()
    with torch.no_grad():
        model.bn1.running_mean.fill_(9), model.bn2.running_var.fill_(9)
    reestimate_batchnorm(model, pictures)
    with torch.no_grad():
        first = model.conv1(pictures)
        normal = (first - first.mean((0, 2, 3), True)) / (first.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
        second = model.conv2((normal * model.bn1.weight.view(1, -1, 1, 1)).relu())  # bias is 0 at birth
    for norm, values in ((model.bn1, first), (model.bn2, second)):
        torch.testing.assert_close(norm.running_mean, values.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(norm.running_var, values.var((0, 2, 3)), rtol=1e-4, atol=1e-5)


def test_a_frozen_pass_then_sees_normalised_activations(pictures: Tensor) -> None:
    model = Small().eval()
    reestimate_batchnorm(model, pictures)
    with torch.no_grad():
        out = model.bn1(model.conv1(pictures))
    assert out.mean((0, 2, 3)).abs().max() < 1e-4 and (out.std((0, 2, 3)) - 1).abs().max() < 1e-3


def sorted_by_class(classes: int, each: int, seed: int) -> Tensor:
    """Images as a folder has them: class after class, each of a brightness and contrast of its own."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(classes, each, 3, 8, 8, generator=generator)
    level = torch.linspace(-3, 3, classes).view(-1, 1, 1, 1, 1)
    contrast = torch.linspace(0.3, 2, classes).view(-1, 1, 1, 1, 1)
    return (noise * contrast + level).flatten(0, 1)


def statistics(model: nn.Module, images: Tensor, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """(mean, variance) of each BatchNorm, re-estimated from the images."""
    reestimate_batchnorm(model, images, seed)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    return [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]


def assert_alike(found: list[tuple[Tensor, Tensor]], expected: list[tuple[Tensor, Tensor]]) -> None:
    """Means within 0.1 standard deviations, variances within 15 %. Parts of one class miss both several times over."""
    for (mean, variance), (true_mean, true_variance) in zip(found, expected, strict=True):
        assert ((mean - true_mean).abs() / true_variance.sqrt()).max() < 0.1
        assert (variance / true_variance - 1).abs().max() < 0.15


@settings(deadline=None, max_examples=20)
@given(classes=st.integers(2, 6), each=st.integers(100, 200), seed=st.integers(0, 2**32 - 1))
def test_statistics_from_parts_equal_those_of_one_batch_though_images_are_sorted_by_class(
    classes: int, each: int, seed: int
) -> None:
    images = sorted_by_class(classes, each, seed % 1000)
    torch.manual_seed(seed % 1000)
    model = Small()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readout, "BATCH", len(images))
        whole = statistics(model, images)
    assert_alike(statistics(model, images, seed), whole)


@settings(deadline=None, max_examples=20)
@given(order=st.integers(0, 1000), seed=st.integers(0, 1000))
def test_the_order_of_the_images_changes_nothing_beyond_that_tolerance(order: int, seed: int) -> None:
    images, model = sorted_by_class(4, 120, 0), Small()
    other = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(order))]
    assert_alike(statistics(model, other, seed), statistics(model, images, seed))


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_parts() -> None:
    images, model = sorted_by_class(3, 120, 0), Small()
    first, again, other = (statistics(model, images, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    assert not torch.equal(first[1][1], other[1][1])


@pytest.mark.parametrize("extra", [1, 2, BATCH - 1])
def test_a_few_images_too_many_weigh_no_more_than_the_others(pictures: Tensor, extra: int) -> None:
    """A remainder as a batch of its own would count as much as a whole one."""
    model = Small()
    images = torch.cat([pictures, pictures[:extra] + 100])
    reestimate_batchnorm(model, images)
    with torch.no_grad():
        mean = model.conv1(images).mean((0, 2, 3))
    torch.testing.assert_close(model.bn1.running_mean, mean, rtol=0.03, atol=0.02)


@pytest.mark.parametrize("training", [True, False])
def test_momentum_mode_and_weights_are_as_before(pictures: Tensor, training: bool) -> None:
    model = Small().train(training)
    before = {name: p.clone() for name, p in model.named_parameters()}
    reestimate_batchnorm(model, pictures)
    features(model, pictures)
    prototype_head(model, pictures, torch.arange(len(pictures)) % 3)
    assert (model.bn1.momentum, model.bn2.momentum) == (0.3, 0.1)
    assert all(module.training == training for module in model.modules())
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters() if not name.startswith("fc"))
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_features_are_what_enters_the_head_in_eval_mode(pictures: Tensor) -> None:
    model = Small().train()
    model.bn1.running_mean.fill_(0.5)
    found = features(model, torch.cat([pictures, pictures[:7]]))
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model.fc(found[:BATCH]), model(pictures))
    assert found.shape == (BATCH + 7, 5) and not found.requires_grad


def test_the_hook_is_gone_afterwards_even_after_an_error() -> None:
    model = Small()
    with pytest.raises(RuntimeError), features_of(model):
        model(torch.zeros(1, 2, 8, 8))
    assert not head_of(model)[1]._forward_pre_hooks


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_prototype_head_tells_well_separated_features_apart(offset: float) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 5
    centres = torch.eye(5, 8) * 4
    points = centres[labels] + 0.2 * torch.randn(90, 8, generator=generator) + offset
    model = Given(8, 5)
    prototype_head(model, points.view(90, 1, 2, 4), labels)
    with torch.no_grad():
        logits = model(points.view(90, 1, 2, 4))
    assert torch.equal(logits.argmax(1), labels)
    assert logits.abs().max() < 100  # cosines times a scale, not raw inner products


def test_logits_are_scaled_cosines_to_the_centred_class_means() -> None:
    generator = torch.Generator().manual_seed(1)
    points, labels = torch.randn(40, 6, generator=generator), torch.arange(40) % 4
    model = Given(6, 4)
    prototype_head(model, points.view(40, 1, 1, 6), labels)
    means = torch.stack([points[labels == c].mean(0) for c in range(4)])
    centred, directions = points - means.mean(0), nn.functional.normalize(means - means.mean(0))
    with torch.no_grad():
        logits = model(points.view(40, 1, 1, 6))
    torch.testing.assert_close(
        logits, SCALE / centred.norm(dim=1).mean() * centred @ directions.T, rtol=1e-4, atol=1e-4
    )


def test_identical_features_give_a_finite_head() -> None:
    model = Given(3, 2)
    prototype_head(model, torch.ones(6, 1, 1, 3), torch.arange(6) % 2)
    assert model.fc.weight.isfinite().all() and model.fc.bias.isfinite().all()


def test_a_head_without_bias_is_set_too(pictures: Tensor) -> None:
    model = Small(bias=False)
    prototype_head(model, pictures, torch.arange(len(pictures)) % 3)
    assert model.fc.bias is None and model.fc.weight.isfinite().all()

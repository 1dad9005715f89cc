"""The trial at acceptance: whatever disagrees is refused by name, and the module is left unchanged."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import core
from core.backbones.architectures import OWN_ARCHITECTURES
from core.backbones.backbone import OWN_BACKBONES
from core.channels import agreement, trial
from core.channels.counted import layers_of
from core.channels.groups import Axis, ChannelGroups, channel_groups
from core.channels.steady import steady
from core.channels.trial import check_trial
from core.errors import UnsupportedError

SIDE = 16
Step = Callable[["Tried", Tensor], Tensor]


class Tried(nn.Module):
    """Three convolutions and a head, with a step between the second and the third."""

    def __init__(self, step: Step = lambda m, x: x) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.norm, self.token = nn.LayerNorm(12), nn.Parameter(torch.rand(1, 2, 12))
        self.d = nn.Sequential(nn.Conv2d(12, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.places = nn.Parameter(torch.arange(3), requires_grad=False)
        self.fc = nn.Linear(8, 5)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.d(self.step(self, self.c(self.a(x)))).mean((2, 3)))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Backbones of one's own are forgotten after each test."""
    yield
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()


def groups_of(model: nn.Module) -> ChannelGroups:
    return channel_groups(model, torch.zeros(1, 3, SIDE, SIDE))


def with_axis(groups: ChannelGroups, tensor: str, dim: int, axis: Axis) -> ChannelGroups:
    axes: dict[str, Mapping[int, Axis]] = {**groups.axes, tensor: {**groups.axes[tensor], dim: axis}}
    return replace(groups, axes=axes)


def test_channels_that_are_mixed_up_are_refused_with_their_group() -> None:
    model = Tried()
    groups = groups_of(model)
    axis = groups.axes["d.0.weight"][1]
    mixed = with_axis(groups, "d.0.weight", 1, Axis(axis.group, axis.channel[::-1].copy()))
    check_trial(model, groups, SIDE)
    with pytest.raises(
        UnsupportedError,
        match=r"Tried cannot be pruned: once .* differs from the masked network.*channel group c\.0\)",
    ):
        check_trial(model, mixed, SIDE)


def test_a_layer_that_is_forgotten_is_refused_with_its_group() -> None:
    model = Tried()
    groups = groups_of(model)
    axes = {name: by for name, by in groups.axes.items() if name != "c.1.running_mean"}
    with pytest.raises(UnsupportedError, match=r"once channels are removed, it fails.*channel group c\.0\)"):
        check_trial(model, replace(groups, axes=axes), SIDE)


def test_other_statistics_are_seen_in_eval_mode_alone() -> None:
    model = Tried()
    groups = groups_of(model)
    axis = groups.axes["c.1.running_mean"][0]
    mixed = with_axis(groups, "c.1.running_mean", 0, Axis(axis.group, axis.channel[::-1].copy()))
    with pytest.raises(UnsupportedError, match="differs from the masked network"):
        check_trial(model, mixed, SIDE)


def test_a_size_that_is_not_known_ahead_is_refused_with_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*given: Any) -> Any:
        layers = layers_of(*given)
        terms = tuple(
            replace(t, each=replace(t.each, macs=t.each.macs + 1)) if t.layer == "d.0" and t.each.macs else t
            for t in layers.terms
        )
        return replace(layers, terms=terms)

    monkeypatch.setattr(trial, "layers_of", off)
    with pytest.raises(UnsupportedError, match=r"its slim size is predicted wrongly \(the layer d\.0\)"):
        core.backbone(Tried(), torch.zeros(1, 3, SIDE, SIDE))


def test_other_gradients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    slim = agreement.slim

    def steeper(*given: Any) -> nn.Module:
        small = slim(*given)
        small.c[0].weight.register_hook(lambda gradient: gradient * 1.001)
        return small

    monkeypatch.setattr(agreement, "slim", steeper)
    with pytest.raises(UnsupportedError, match="has different gradients from the masked network"):
        core.backbone(Tried(), torch.zeros(1, 3, SIDE, SIDE))


def added_in_place(m: Tried, x: Tensor) -> Tensor:
    y = F.relu(x * 2)
    y += x
    return y


def added_in_place_to_a_layers(m: Tried, x: Tensor) -> Tensor:
    y = F.relu(m.c[0](x))
    y.add_(x)
    return y


def endless(m: Tried, x: Tensor) -> Tensor:
    return x / 0.0


@pytest.mark.parametrize(
    "step, words",
    [
        (added_in_place, "Tried cannot be trained, as it fails on random images in training .*modified by an inplace"),
        (added_in_place_to_a_layers, "Tried cannot be trained.*modified by an inplace"),
        (endless, "Tried cannot be trained, as it computes NaN or infinite outputs"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_before_its_first_iteration(step: Step, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        core.backbone(Tried(step), torch.zeros(2, 3, SIDE, SIDE))


def dropped(m: Tried, x: Tensor) -> Tensor:
    return F.dropout2d(F.dropout(x, 0.3, m.training), 0.2, m.training)


def dropped_by_hand(m: Tried, x: Tensor) -> Tensor:
    return x * x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(0.8)


def told_to_be_single(m: Tried, x: Tensor) -> Tensor:
    return x.float() * 1.5


def view_of_a_parameter(m: Tried, x: Tensor) -> Tensor:
    tokens = m.norm(m.token.expand(x.shape[0], -1, -1))
    return x * tokens.mean(1)[:, :, None, None]


def other_by_name(m: Tried, x: Tensor) -> Tensor:
    return torch.add(x, other=x.sigmoid() * x)


def counted_in_whole_numbers(m: Tried, x: Tensor) -> Tensor:
    return x * (1 + m.places.float().mean())


@pytest.mark.parametrize(
    "step", [counted_in_whole_numbers, dropped, dropped_by_hand, told_to_be_single, view_of_a_parameter, other_by_name]
)
def test_a_network_that_is_pruned_exactly_is_accepted(step: Step) -> None:
    made = core.backbone(Tried(step), torch.zeros(2, 3, SIDE, SIDE))
    assert made.build(3).eval()(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 3)


def test_stochastic_depth_and_dropout_layers_are_no_reason_to_refuse() -> None:
    import torchvision

    module = torchvision.models.efficientnet_b0(num_classes=4, dropout=0.5, stochastic_depth_prob=0.5)
    assert core.backbone(module, torch.zeros(1, 3, 32, 32)).size == 32


def test_the_trial_changes_nothing_and_says_the_same_each_time() -> None:
    module = Tried(lambda m, x: F.dropout(x, 0.5, m.training))
    module.train()
    module.c[1].eval()
    module.a.requires_grad_(False)
    before, flags = copy.deepcopy(module.state_dict()), [p.requires_grad for p in module.parameters()]
    states = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    first, again = (core.backbone(module, torch.zeros(1, 3, SIDE, SIDE)) for _ in range(2))
    assert torch.equal(states[0], torch.random.get_rng_state()) and states[1] == random.getstate()
    assert np.array_equal(states[2], np.random.get_state()[1])
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert [p.requires_grad for p in module.parameters()] == flags
    assert module.training and not module.c[1].training and first.id == again.id
    assert all(p.grad is None for p in module.parameters())


def test_large_images_are_tried_small_if_the_groups_are_the_same_there() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3, stride=8, padding=1), nn.Linear(4 * 12 * 12, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv(x).relu().flatten(1))

    for model, side in ((Tried(), 64), (Flat(), 96)):
        groups = channel_groups(model, torch.zeros(1, 3, 96, 96))
        assert trial._side(model, groups, 96) == side
        check_trial(model, groups, 96)


def test_without_chance_two_networks_of_different_widths_can_be_compared() -> None:
    with steady():
        assert torch.equal(F.dropout(torch.ones(3), 0.5), torch.full((3,), 2.0))
        assert torch.equal(torch.rand(2), torch.full((2,), 0.5, dtype=torch.float64))
        assert torch.ones(2, dtype=torch.float64).float().dtype == torch.float64
    assert torch.rand(2).dtype == torch.float32

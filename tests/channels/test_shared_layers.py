"""A layer that is called several times, or has several names: counted in every call, kept once, cut under each name."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.backbones.architectures import adapted
from core.channels.budget import Allowance, Budget
from core.channels.counted import layers_of
from core.channels.groups import channel_groups, macs_by_module, parameters_and_macs
from core.channels.masking import mask
from core.channels.selection import Selection
from core.channels.slim import expand, slim, slim_state
from core.pruning.inherit import inherit
from tests.channels.test_slim import drawn
from tests.networks import stirred

SIZE = 16
Step = Callable[["Twice", Tensor], Tensor]


class Part(nn.Module):
    """One of two parents of a layer."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).relu()


class Twice(nn.Module):
    """A layer of 12 channels with two parents, between a stem and a head."""

    def __init__(self, inner: nn.Module, step: Step) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.first, self.second = Part(inner), Part(inner)
        self.last = nn.Conv2d(12, 6, 1)
        self.head = nn.Linear(6, 4)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.last(self.step(self, self.stem(x))).relu().mean((2, 3)))


def halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


def last_channels(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def first_channels(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


CASES = {
    "two parents, one size": (nn.Conv2d(12, 12, 3, padding=1), lambda m, x: m.second(m.first(x))),
    "two parents, two sizes": (nn.Conv2d(12, 12, 3, padding=1), lambda m, x: m.second(halved(m.first(x)))),
    "called twice": (nn.Conv2d(12, 12, 3, padding=1), lambda m, x: m.first(halved(m.first(x)))),
    "a block": (
        nn.Sequential(nn.Conv2d(12, 12, 1), nn.BatchNorm2d(12)),
        lambda m, x: m.second(x) + m.first(x),
    ),
    "once on its own": (nn.Conv2d(12, 12, 1), lambda m, x: m.first.inner(halved(m.second(x)))),
    "whole in one call": (nn.Conv2d(12, 12, 1), lambda m, x: m.first(m.second(x).softmax(1))),
    "whole in the first call": (nn.Conv2d(12, 12, 1), lambda m, x: m.first(m.second(x.softmax(1)))),
    "a norm, whole in one call": (nn.BatchNorm2d(12), lambda m, x: m.first(x.softmax(1)) + m.second(x)),
    "a LayerNorm": (nn.LayerNorm(12), lambda m, x: first_channels(m.first(m.second(last_channels(x)) * 2))),
    "a linear layer": (nn.Linear(12, 12), lambda m, x: first_channels(m.first(m.second(last_channels(x))))),
}  # fmt: skip


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    inner, step = CASES[name]
    return stirred(Twice(copy.deepcopy(inner), step))


@pytest.mark.parametrize("name", CASES)
def test_slim_is_masked_and_sizes_known_ahead_are_those_counted(name: str) -> None:
    model = made(name).double().eval()
    groups = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE))
    layers, images = layers_of(model, groups, SIZE), torch.randn(4, 3, SIZE, SIZE, dtype=torch.float64)
    for seed, keep in enumerate((0.2, 0.5, 0.8)):
        selection = drawn(groups.sizes, keep, seed)
        small = slim(model, groups, selection)
        size = layers.size(selection.counts, 4)
        assert (size.params, size.macs) == parameters_and_macs(small, SIZE)
        for training in (False, True):
            with torch.no_grad():
                expected = mask(model, groups, selection).train(training)(images)
                assert (small.train(training)(images) - expected).abs().max() <= 1e-10 * expected.abs().max()


def test_macs_are_those_of_every_call_by_hand() -> None:
    macs = macs_by_module(made("two parents, two sizes"), SIZE)
    assert macs["first.inner"] == 12 * 12 * 9 * (16 * 16 + 8 * 8)
    assert macs["stem.0"] == 3 * 12 * 9 * 16 * 16 and macs["last"] == 12 * 6 * 8 * 8
    assert set(macs) == {"stem.0", "first.inner", "last", "head"}


@pytest.mark.parametrize("of", ["macs", "params"])
def test_a_budget_is_hit_by_the_network_itself_and_not_in_words_alone(of: str) -> None:
    model = made("two parents, two sizes")
    groups = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE))
    allowance = Allowance(Budget(0.5, of=of), groups.sizes, layers_of(model, groups, SIZE), 4)
    counts = allowance.nearest
    small = slim(model, groups, Selection({g: tuple(range(n)) for g, n in counts.items()}, groups.sizes))
    mine, whole = (
        dict(zip(("params", "macs"), parameters_and_macs(each, SIZE), strict=True)) for each in (small, model)
    )
    assert mine[of] / whole[of] == pytest.approx(allowance.share(counts), abs=1e-12)
    assert mine[of] / whole[of] == pytest.approx(0.5, rel=0.05)


def test_a_state_dict_is_cut_expanded_and_inherited_under_every_name() -> None:
    model = made("two parents, one size")
    groups, state = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE)), model.state_dict()
    one, other = drawn(groups.sizes, 0.5), drawn(groups.sizes, 0.5, 1)
    small = slim_state(state, groups, one)
    assert small["second.inner.weight"].shape == small["first.inner.weight"].shape == (6, 6, 3, 3)
    full = expand(small, groups, one, fill=state)
    assert torch.equal(full["second.inner.weight"], state["second.inner.weight"])
    mixed = inherit(small, groups, one, [(slim_state(state, groups, other), other)])
    assert torch.equal(mixed["second.inner.weight"], small["second.inner.weight"])
    slim(model, groups, one).load_state_dict(small)


def test_attention_with_two_parents_is_opened_in_both() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.conv, self.one, self.two = nn.Conv2d(3, 8, 4, stride=4), nn.ModuleList([attention]), attention
            self.head = nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x).flatten(2).transpose(1, 2)
            x = x + self.one[0](x, x, x, need_weights=False)[0]
            return self.head((x + self.two(x, x, x, need_weights=False)[0]).mean(1))

    model = adapted(Attending()).double().eval()
    assert model.one[0] is model.two
    groups = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE))
    selection, images = (
        Selection({"two": (1,)} if "two" in groups.sizes else {"one.0": (1,)}, groups.sizes),
        torch.randn(2, 3, SIZE, SIZE).double(),
    )
    layers = layers_of(model, groups, SIZE)
    small = slim(model, groups, selection)
    size = layers.size(selection.counts, 2)
    assert (size.params, size.macs) == parameters_and_macs(small, SIZE)
    with torch.no_grad():
        expected = mask(model, groups, selection)(images)
        assert (small(images) - expected).abs().max() <= 1e-10 * expected.abs().max()

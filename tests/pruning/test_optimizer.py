"""After surgery: all live parameters in the optimiser, momentum cut with them, everything else as before."""

import pytest
import torch
from torch import nn

from core.channels.groups import ChannelGroups, channel_groups
from core.channels.selection import Selection
from core.channels.slim import slim, slim_state
from core.pruning.optimizer import cut_momenta, momenta, optimizer_for, with_momenta
from tests.engine import drawn


class Residual(nn.Module):
    """Two coupled convolutions, a depthwise one, a frozen layer and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(8, 12, 1), nn.BatchNorm2d(12), nn.ReLU())
        self.fc = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = self.depthwise((x + self.second(x)).relu())
        return self.fc(self.last(x).mean((2, 3)))


Trained = tuple[nn.Module, ChannelGroups, torch.optim.SGD]


@pytest.fixture
def trained() -> Trained:
    torch.manual_seed(0)
    model = Residual()
    groups = channel_groups(model, torch.zeros(2, 3, 8, 8))
    model.last[0].bias.requires_grad_(False)
    optimizer = optimizer_for(model, 0.05)
    for _ in range(3):
        step(model, optimizer)
    return model, groups, optimizer


def step(model: nn.Module, optimizer: torch.optim.SGD, seed: int = 0) -> None:
    x = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), torch.arange(6) % 4).backward()
    optimizer.step()


def operated(
    model: nn.Module, groups: ChannelGroups, optimizer: torch.optim.SGD, selection: Selection, within: Selection
) -> tuple[nn.Module, torch.optim.SGD]:
    small = slim(model, groups, selection, within=within)
    return small, with_momenta(small, 0.05, cut_momenta(momenta(model, optimizer), groups, selection, within))


def test_updating_all_parameters_in_one_call_gives_the_bits_of_one_at_a_time() -> None:
    ends = []
    for at_once in (True, False):
        torch.manual_seed(0)
        model = Residual()
        optimizer = optimizer_for(model, 0.05)
        assert optimizer.defaults["foreach"]
        if not at_once:
            optimizer = torch.optim.SGD(model.parameters(), **(optimizer.defaults | {"foreach": False}))
        for seed in range(5):
            step(model, optimizer, seed)
        ends.append(list(model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_every_live_parameter_is_in_the_optimiser_and_no_dead_one(trained: Trained) -> None:
    model, groups, optimizer = trained
    full = Selection.full(groups.sizes)
    small, after = operated(model, groups, optimizer, drawn(groups.sizes, 0.5), full)
    inside = {id(p) for group in after.param_groups for p in group["params"]}
    assert inside == {id(p) for p in small.parameters() if p.requires_grad}
    assert len(inside) == sum(len(group["params"]) for group in after.param_groups)
    assert set(map(id, after.state)) <= inside


def test_momentum_is_sliced_as_its_parameter_is(trained: Trained) -> None:
    model, groups, optimizer = trained
    selection = drawn(groups.sizes, 0.5)
    before = momenta(model, optimizer)
    small, after = operated(model, groups, optimizer, selection, Selection.full(groups.sizes))
    expected = slim_state(before, groups, selection)
    assert set(expected) == {name for name, p in small.named_parameters() if p.requires_grad}
    for name, buffer in momenta(small, after).items():
        assert torch.equal(buffer, expected[name]) and buffer.shape == small.get_parameter(name).shape


def test_two_operations_in_a_row_slice_momentum_as_one_does(trained: Trained) -> None:
    model, groups, optimizer = trained
    full = Selection.full(groups.sizes)
    wide = drawn(groups.sizes, 0.75)
    narrow = drawn(groups.sizes, 0.4, seed=1, within=wide)
    middle, between = operated(model, groups, optimizer, wide, full)
    twice = operated(middle, groups, between, narrow, wide)
    once = operated(model, groups, optimizer, narrow, full)
    assert all(torch.equal(b, momenta(*once)[name]) for name, b in momenta(*twice).items())


def test_gradients_wanted_and_train_mode_are_as_before(trained: Trained) -> None:
    model, groups, optimizer = trained
    model.train()
    model.second[1].eval()
    small, _ = operated(model, groups, optimizer, drawn(groups.sizes, 0.5), Selection.full(groups.sizes))
    assert {n: p.requires_grad for n, p in small.named_parameters()} == {
        n: p.requires_grad for n, p in model.named_parameters()
    }
    assert {n: m.training for n, m in small.named_modules()} == {n: m.training for n, m in model.named_modules()}


def test_surgery_that_removes_nothing_changes_no_later_step(trained: Trained) -> None:
    """A new optimiser with the old momentum takes the same step to the bit."""
    model, groups, optimizer = trained
    full = Selection.full(groups.sizes)
    other, after = operated(model, groups, optimizer, full, full)
    step(other, after, seed=3)
    step(model, optimizer, seed=3)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, other.get_parameter(name)), name


def test_the_cut_buffers_are_copies(trained: Trained) -> None:
    model, groups, optimizer = trained
    kept = {name: buffer.clone() for name, buffer in momenta(model, optimizer).items()}
    small, after = operated(model, groups, optimizer, drawn(groups.sizes, 0.5), Selection.full(groups.sizes))
    step(small, after)
    assert all(torch.equal(buffer, kept[name]) for name, buffer in momenta(model, optimizer).items())

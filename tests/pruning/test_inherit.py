"""Weights from neighbours, against a brute-force twin that looks at one entry at a time."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from core.channels.groups import FREE, ChannelGroups, channel_groups
from core.channels.selection import Selection
from core.channels.slim import slim_state
from core.pruning.inherit import inherit
from tests.engine import drawn


class Tiny(nn.Module):
    """A residual pair, so that groups couple layers, small enough to walk through entry by entry."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(5, 5, 1, bias=False), nn.BatchNorm2d(5))
        self.third = nn.Sequential(nn.Conv2d(5, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.fc(self.third((x + self.second(x)).relu()).mean((2, 3)))


def state(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(t.shape, generator=generator) if t.is_floating_point() else torch.tensor(seed)
        for name, t in Tiny().state_dict().items()
    }


@pytest.fixture(scope="module")
def groups() -> ChannelGroups:
    return channel_groups(Tiny(), torch.zeros(2, 3, 4, 4))


def holds(groups: ChannelGroups, selection: Selection, name: str, place: tuple[int, ...]) -> bool:
    """Does a selection keep this entry of a full-size tensor, all its coordinates?"""
    titles = list(groups.sizes)
    for dim, index in enumerate(place):
        axis = groups.axes.get(name, {}).get(dim)
        if axis is None or axis.group[index] == FREE:
            continue
        if axis.channel[index] not in selection.kept[titles[axis.group[index]]]:
            return False
    return True


def brute_force(
    backbone: dict[str, Tensor],
    groups: ChannelGroups,
    selection: Selection,
    neighbours: list[tuple[dict[str, Tensor], Selection]],
) -> dict[str, Tensor]:
    """Full-size neighbours, entry by entry; then cut."""
    out = {}
    for name, own in backbone.items():
        out[name] = own.clone()
        if own.is_floating_point() and not name.startswith("fc."):
            for place in product(*(range(n) for n in own.shape)):
                found = [full[name][place] for full, kept in neighbours if holds(groups, kept, name, place)]
                if found:
                    out[name][place] = sum(found) / len(found)
    return slim_state(out, groups, selection)


@pytest.mark.parametrize("seed", range(4))
def test_each_kept_entry_is_the_mean_over_the_neighbours_that_kept_it(groups: ChannelGroups, seed: int) -> None:
    backbone, mine = state(0), drawn(groups.sizes, 0.6, seed)
    voters = [(state(10 + n), drawn(groups.sizes, keep, 100 * seed + n)) for n, keep in enumerate((0.6, 0.4, 0.8))]
    got = inherit(
        slim_state(backbone, groups, mine),
        groups,
        mine,
        [(slim_state(full, groups, kept), kept) for full, kept in voters],
        leave=("fc.weight", "fc.bias"),
    )
    expected = brute_force(backbone, groups, mine, voters)
    assert set(got) == set(expected)
    for name, value in got.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-6)


def test_where_nobody_kept_an_entry_it_stays_the_backbones(groups: ChannelGroups) -> None:
    evens = Selection({g: tuple(range(0, n, 2)) for g, n in groups.sizes.items()}, groups.sizes)
    odds = Selection({g: tuple(range(1, n, 2)) for g, n in groups.sizes.items()}, groups.sizes)
    own = slim_state(state(0), groups, evens)
    got = inherit(own, groups, evens, [(slim_state(state(1), groups, odds), odds)], leave=("fc.weight", "fc.bias"))
    assert all(torch.equal(got[name], own[name]) for name in own)


def test_without_neighbours_the_backbone_stays_and_nothing_is_shared_with_it(groups: ChannelGroups) -> None:
    own = slim_state(state(0), groups, Selection.full(groups.sizes))
    got = inherit(own, groups, Selection.full(groups.sizes), [])
    assert all(torch.equal(got[name], own[name]) and got[name] is not own[name] for name in own)


def test_the_head_is_left_alone_even_where_neighbours_have_another_number_of_classes(groups: ChannelGroups) -> None:
    mine = drawn(groups.sizes, 0.5)
    own, theirs = slim_state(state(0), groups, mine), slim_state(state(1), groups, mine)
    theirs |= {"fc.weight": torch.zeros(9, own["fc.weight"].shape[1]), "fc.bias": torch.zeros(9)}
    got = inherit(own, groups, mine, [(theirs, mine)], leave=("fc.weight", "fc.bias"))
    assert torch.equal(got["fc.weight"], own["fc.weight"]) and torch.equal(got["fc.bias"], own["fc.bias"])
    assert torch.equal(got["first.0.weight"], theirs["first.0.weight"])


def test_counters_are_not_averaged(groups: ChannelGroups) -> None:
    mine = Selection.full(groups.sizes)
    got = inherit(state(0), groups, mine, [(state(5), mine)], leave=("fc.weight", "fc.bias"))
    assert got["first.1.num_batches_tracked"] == 0

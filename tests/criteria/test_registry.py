"""Properties of every registered criterion, on every kind of network, dense and slim."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from core.channels.groups import ChannelGroups, channel_groups
from core.channels.selection import Selection
from core.channels.slim import slim
from core.criteria.registry import CRITERIA, Criterion
from core.criteria.scores import Scores
from core.pruning.methods import METHODS
from tests.engine import drawn, images
from tests.networks import TINY, network

NETWORKS = ("resnet18", "vgg16_bn", "mobilenet_v2", "squeezenet1_1", "resnext50_32x4d", *TINY)


@cache
def networks(name: str) -> tuple[nn.Module, nn.Module, ChannelGroups, Selection]:
    """(dense, slim, groups, what the slim one keeps), each with the gradients of one batch."""
    dense = network(name)[0]
    groups = channel_groups(dense, images(2))
    selection = drawn(groups.sizes, 0.1)
    small = slim(dense, groups, selection)
    for model in (dense, small):
        model.train()
        nn.functional.cross_entropy(model(images(4)), torch.arange(4) % 3).backward()
    return dense, small, groups, selection


def score(criterion: Criterion, model: nn.Module, groups: ChannelGroups, selection: Selection) -> Scores:
    if criterion.needs == "gradients":
        seen = criterion.score(groups)
        seen.see(model, selection)
        return seen.scores(selection)
    given = {"images": [[images(4)]]}.get(criterion.needs, [])
    return criterion.score(model, groups, selection, *given)


@pytest.mark.parametrize("kind", ["dense", "slim"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=list(CRITERIA))
def test_scores_are_one_finite_number_of_at_least_zero_a_channel_and_zero_where_it_is_gone(
    criterion: Criterion, name: str, kind: str
) -> None:
    dense, small, groups, selection = networks(name)
    model, kept = (dense, Selection.full(groups.sizes)) if kind == "dense" else (small, selection)
    before = [p.clone() for p in small.parameters()]
    scores = score(criterion, model, groups, kept)
    assert list(scores) == list(groups.sizes)
    for group, values in scores.items():
        assert values.shape == (groups.sizes[group],) and values.dtype == np.float64
        assert np.isfinite(values).all() and (values >= 0).all()
        assert (values[~kept.mask(group)] == 0).all()
        assert values[kept.mask(group)].sum() > 0
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, small.parameters(), strict=True))


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=list(CRITERIA))
def test_scores_are_the_same_when_asked_again(criterion: Criterion) -> None:
    _, small, groups, selection = networks("resnet18")
    first, second = (score(criterion, small, groups, selection) for _ in range(2))
    assert all(np.array_equal(first[group], second[group]) for group in first)


def test_chance_depends_on_the_seed_alone() -> None:
    _, small, groups, selection = networks("resnet18")
    score_of = CRITERIA["random"].score
    drawn_twice = [score_of(small, groups, selection, seed=s)["conv1"].tolist() for s in (1, 1, 2)]
    assert drawn_twice[0] == drawn_twice[1] != drawn_twice[2]


def test_every_method_that_scores_names_a_registered_criterion() -> None:
    for method in METHODS.values():
        scores = method.removes and not method.keeps_mask
        assert (method.criterion in CRITERIA) if scores else method.criterion is None

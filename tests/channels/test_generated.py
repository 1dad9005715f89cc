"""Random small networks: slim is masked in eval and train mode, and sizes known ahead are those of the slim network."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn

import core
from core.backbones.architectures import OWN_ARCHITECTURES, head_of
from core.backbones.backbone import OWN_BACKBONES
from core.channels.counted import layers_of
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.masking import mask
from core.channels.selection import Selection
from core.channels.slim import slim
from core.channels.steady import steady
from core.errors import UnsupportedError
from tests.channels.generated import CLASSES, SIDE, Draw, generated
from tests.channels.traps import TRAPS
from tests.networks import stirred

SEEDS = [pytest.param(seed, marks=[] if seed < 40 else [pytest.mark.slow]) for seed in range(200)]
TRAPPED = [
    pytest.param(trap, seed, marks=[] if seed < 4 else [pytest.mark.slow], id=f"{trap.__name__}-{seed}")
    for trap in TRAPS
    for seed in range(30)
]
IMAGES = torch.zeros(2, 3, SIDE, SIDE)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Backbones of one's own are forgotten after each test."""
    yield
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()


def wrong(model: nn.Module, seed: int) -> str:
    """What is wrong with pruning a network at random; "" if nothing is."""
    groups = channel_groups(model, torch.zeros(1, 3, SIDE, SIDE))
    layers, rng = layers_of(model, groups, SIDE), np.random.default_rng(seed)
    model = stirred(model).double()
    nn.init.normal_(head_of(model)[1].weight)  # a new head is all zeros
    images = torch.randn(4, 3, SIDE, SIDE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for keep in rng.uniform(0.05, 0.95, 2):
        counts = {name: max(1, round(keep * size)) for name, size in groups.sizes.items()}
        kept = {g: sorted(rng.choice(n, counts[g], replace=False).tolist()) for g, n in groups.sizes.items()}
        selection = Selection({name: tuple(each) for name, each in kept.items()}, groups.sizes)
        ahead = layers.size(selection.counts, CLASSES)
        if (ahead.params, ahead.macs) != parameters_and_macs(slim(model, groups, selection), SIDE):
            return "size"
        for training in (False, True):
            with torch.no_grad(), steady():
                expected = mask(model, groups, selection).train(training)(images)
                got = slim(model, groups, selection).train(training)(images)
            if not (expected - got).abs().max() <= 1e-10 * expected.abs().max():
                return "training" if training else "outputs"
    return ""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_is_accepted_and_pruned_exactly(seed: int) -> None:
    module = generated(seed)
    built = core.backbone(module, IMAGES).build(CLASSES)
    assert wrong(built, seed) == ""
    built = core.backbone(module, IMAGES).build(CLASSES)
    built.head.fc.load_state_dict(module.head.fc.state_dict())
    images = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        assert torch.equal(built.eval()(images), module.eval()(images))  # the backbone is the module that was given


@pytest.mark.parametrize("trap, seed", TRAPPED)
def test_what_only_looks_like_something_known_is_refused_by_name_or_pruned_exactly(
    trap: Callable[[Draw, int], nn.Module], seed: int
) -> None:
    module = generated(1000 + seed, trap)
    try:
        built = core.backbone(module, IMAGES).build(CLASSES)
    except UnsupportedError as error:
        refusal = str(error)
    else:
        refusal = "Accepted."
        assert wrong(built, seed) == ""
    assert refusal.endswith(".") and "\n" not in refusal

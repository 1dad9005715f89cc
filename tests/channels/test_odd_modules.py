"""Forwards that read sizes or parameters by themselves: slim is masked, or what they read is never removed."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import core
from core.backbones.architectures import OWN_ARCHITECTURES
from core.backbones.backbone import OWN_BACKBONES
from core.channels.groups import channel_groups
from core.channels.masking import mask
from core.channels.selection import Selection, kept_count
from core.channels.slim import slim
from core.errors import UnsupportedError

Step = Callable[["Odd", Tensor], Tensor]


class Odd(nn.Module):
    """Two blocks, an odd step on what the second gives, and a third that reads it."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())
        self.squeeze = nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 12), nn.Sigmoid())
        self.gamma = nn.Parameter(torch.rand(12, 1, 1) + 0.5)
        self.d = nn.Sequential(nn.Conv2d(12, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.fc = nn.Linear(8, 5)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.d(self.step(self, self.c(self.a(x)))).mean((2, 3)))


def shuffled(m: Odd, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    groups = c // 6
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def excited(m: Odd, x: Tensor) -> Tensor:
    n, c, _, _ = x.size()
    return x * m.squeeze(F.adaptive_avg_pool2d(x, 1).view(n, c)).view(n, c, 1, 1)


def scaled_by_count(m: Odd, x: Tensor) -> Tensor:
    return x * x.shape[1] ** -0.5


def scaled_and_read(m: Odd, x: Tensor) -> Tensor:
    return x * m.gamma + m.gamma.abs().mean()


def read_elsewhere(m: Odd, x: Tensor) -> Tensor:
    return x * m.c[0].weight.std() + m.c[1].weight.mean()


def flat_pool(m: Odd, x: Tensor) -> Tensor:
    return F.avg_pool2d(x.flatten(2), 3, 1, 1).view(x.shape)


def loud_in_place(m: Odd, x: Tensor) -> Tensor:
    return x * F.hardsigmoid(x, inplace=True)


def flattened(m: Odd, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h * w).transpose(1, 2).reshape(n, h, w, c).permute(0, 3, 1, 2)


def scaled(m: Odd, x: Tensor) -> Tensor:
    return x * m.gamma


# What the second block computes can be removed after these, and must not be after the others.
FOLLOWED, PINNED = (excited, flattened, scaled), (
    shuffled, scaled_by_count, scaled_and_read, read_elsewhere, flat_pool, loud_in_place
)  # fmt: skip


@pytest.mark.parametrize("step", [*FOLLOWED, *PINNED], ids=lambda step: step.__name__)
def test_slim_is_masked_whatever_a_forward_does_with_sizes_and_parameters(step: Step) -> None:
    torch.manual_seed(0)
    model = Odd(step).double().eval()
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.bias, -0.3, 0.3)
        nn.init.uniform_(norm.running_mean, -0.3, 0.3)  # type: ignore[arg-type]
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    groups = channel_groups(model, x)
    assert ("c.0" in groups.sizes) == (step in FOLLOWED) and "d.0" in groups.sizes
    for keep in (0.7, 0.3, 0.05):
        rng = np.random.default_rng(1)
        kept = {
            name: tuple(sorted(rng.choice(size, kept_count(keep, size), replace=False).tolist()))
            for name, size in groups.sizes.items()
        }
        selection = Selection(kept, groups.sizes)
        with torch.no_grad():
            got, expected = slim(model, groups, selection)(x), mask(model, groups, selection)(x)
        assert (got - expected).abs().max() <= 1e-10 * expected.abs().max()


class Branching(Odd):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (self.c(self.a(x)).mean() if self.training else 0)


def with_hook() -> nn.Module:
    module = Odd(scaled)
    module.c[2].register_forward_hook(lambda m, given, out: out + 1)
    return module


def tied() -> nn.Module:
    module = Odd(scaled)
    module.c[0].weight = nn.Parameter(torch.randn(12, 12, 3, 3))
    module.extra = nn.Conv2d(12, 12, 3)
    module.extra.weight = module.c[0].weight
    return module


def normed() -> nn.Module:
    module = Odd(scaled)
    nn.utils.parametrizations.weight_norm(module.c[0])
    return module


def lazy() -> nn.Module:
    module = Odd(scaled)
    module.c[0] = nn.LazyConv2d(12, 3, padding=1)
    return module


def idle_head() -> nn.Module:
    module = Odd(scaled)
    module.aux = nn.Linear(12, 5)
    return module


@pytest.mark.parametrize(
    "make, words",
    [
        (with_hook, "The layer c.2 has hooks"),
        (normed, "The layer c.0 has hooks, or weights that are computed"),
        (tied, "c.0.weight and extra.weight are one and the same tensor"),
        (lazy, "The layer c.0 has no weights yet"),
        (idle_head, "The last layer of Odd, aux, computes nothing"),
        (lambda: Branching(scaled), "Branching computes something else in training"),
    ],
)
def test_what_nobody_could_follow_is_refused_by_name(make: Callable[[], nn.Module], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        core.backbone(make(), torch.zeros(2, 3, 16, 16))


def test_all_of_a_backbone_is_trained_though_some_of_its_module_was_frozen() -> None:
    module = Odd(scaled)
    module.a.requires_grad_(False)
    made = core.backbone(module, torch.zeros(2, 3, 16, 16))
    assert all(parameter.requires_grad for parameter in made.build(3).parameters())
    assert not module.a[0].weight.requires_grad
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()

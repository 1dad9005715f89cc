"""Forwards that read sizes or parameters by themselves: slim is masked, or what they read is never removed."""

import types
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import ops

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


def patched(name: str, method: str, own: Callable[..., Tensor], bound: bool) -> Callable[[], nn.Module]:
    """A network in which a layer, or another module, was given a method on the instance."""

    def make() -> nn.Module:
        module = Odd(scaled)
        each = module.get_submodule(name)
        setattr(each, method, types.MethodType(own, each) if bound else own)
        return module

    return make


class Louder(nn.ReLU):
    def __call__(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().__call__(x) + 1


class Branched(nn.Module):
    """Two branches, and a step that joins them."""

    def __init__(self, step: Callable[["Branched", Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b, self.act, self.fc = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Linear(4, 5)
        self.step, self.path = step, ops.StochasticDepth(0.5, "row")
        self.register_buffer("one", torch.ones(1))
        self.register_buffer("two", torch.full((1,), 2.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.act(self.step(self, self.a(x), self.b(x))).mean((2, 3)))


IN_TRAINING = {
    "other branch": lambda m, u, v: u if m.training else v,
    "other order": lambda m, u, v: u - v if m.training else v - u,
    "other factor": lambda m, u, v: (u + v) * (2 if m.training else 1),
    "other setting": lambda m, u, v: torch.add(u, v, alpha=2 if m.training else 1),
    "other tensor": lambda m, u, v: (u + v) * (m.two if m.training else m.one),
    "other constant": lambda m, u, v: (u + v) * (torch.tensor(2.0) if m.training else torch.tensor(1.0)),
    "other slope": lambda m, u, v: F.leaky_relu(u + v, 0.2 if m.training else 0.1),
    "other method": lambda m, u, v: (u.relu() if m.training else u.tanh()) + v,
    "other index": lambda m, u, v: u[:, :, ::2] if m.training else u[:, :, 1::2],
}


@pytest.mark.parametrize("name", IN_TRAINING)
def test_other_operands_in_training_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match="Branched computes something else in training than otherwise"):
        core.backbone(Branched(IN_TRAINING[name]), torch.zeros(2, 3, 16, 16))


@pytest.mark.parametrize(
    "step",
    [
        lambda m, u, v: F.dropout(u, 0.5, m.training) + v,
        lambda m, u, v: F.dropout2d(u, training=m.training) + v,
        lambda m, u, v: torch.dropout(u, 0.5, m.training) + v,
        lambda m, u, v: m.path(u) + v,
        lambda m, u, v: F.scaled_dot_product_attention(u, u, u, dropout_p=0.1 if m.training else 0.0).mean() * v,
    ],
)
def test_dropping_more_in_training_is_no_other_operand(
    step: Callable[["Branched", Tensor, Tensor], Tensor],
) -> None:
    core.backbone(Branched(step), torch.zeros(2, 3, 16, 16))
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()


def out_(m: Odd, x: Tensor) -> Tensor:
    torch.add(x, 0.5, out=x)
    return x


def out_of_another(m: Odd, x: Tensor) -> Tensor:
    y = x * 1
    torch.sigmoid(x, out=y)
    return y


def drop_path_by_hand(m: Odd, x: Tensor) -> Tensor:
    return x * torch.rand(x.shape[0], 1, 1, 1) if m.training else x


def two_headed() -> nn.Module:
    module = Odd(scaled)
    module.out = module.fc
    return module


def with_part(part: nn.Module) -> nn.Module:
    module = Odd(lambda m, x: m.c[2](x))
    module.c[2] = part
    return module


def not_copied() -> nn.Module:
    module = Odd(scaled)
    module.kept = module.gamma * 2  # type: ignore[assignment]
    return module


class Remembering(nn.ReLU):
    def get_extra_state(self) -> dict[str, int]:
        return {"calls": 3}

    def set_extra_state(self, state: object) -> None:
        pass


def compiled() -> nn.Module:
    return torch.compile(Odd(scaled))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "make, words",
    [
        (patched("c.2", "forward", lambda m, x: x + 1, True), "The layer c.2 has forward replaced"),
        (patched("c.0", "forward", lambda m, x: x * m.weight.mean(), True), "The layer c.0 has forward"),
        (patched("c.2", "forward", lambda x: x + 1, False), "The layer c.2 has forward replaced"),
        (patched("c.0", "_conv_forward", lambda x, w, b: x, False), "The layer c.0 has _conv_forward"),
        (patched("c", "forward", lambda x: x, False), "The layer c has forward replaced"),
        (patched("", "forward", lambda m, x: m.fc(x.mean((2, 3))), True), "Odd has forward replaced"),
        (patched("c.1", "_check_input_dim", lambda x: None, False), "The layer c.1 has _check_input_dim"),
        (patched("c.2", "_call_impl", lambda x: x + 1, False), "The layer c.2 has _call_impl replaced"),
        (lambda: with_part(Louder()), "The layer c.2 is a Louder, whose class defines __call__"),
        (lambda: Odd(out_), r"writes its result into another tensor \(add with out=\)"),
        (lambda: Odd(out_of_another), r"writes its result into another tensor \(sigmoid with out=\)"),
        (lambda: Odd(drop_path_by_hand), r"Odd cannot be traced in training \(rand\(\)"),
        (two_headed, "Odd has its last layer under several names, fc and out"),
        (lambda: with_part(Remembering()), r"Odd has a non-tensor entry .*\(c.2._extra_state\)"),
        (not_copied, r"Odd cannot be copied \(Only Tensors"),
        (lambda: nn.DataParallel(Odd(scaled)), r"DataParallel is a wrapper \(DataParallel\): give its .module."),
        (lambda: with_part(nn.DataParallel(nn.ReLU())), r"The layer c.2 is a wrapper \(DataParallel\)"),
        (compiled, r"OptimizedModule is a wrapper \(made by torch.compile\): give its ._orig_mod."),
        (lambda: with_part(torch.jit.script(nn.ReLU())), "The layer c.2 was made by torch.jit"),
        (
            lambda: torch.jit.trace(nn.Sequential(nn.Conv2d(3, 5, 1), nn.Flatten()), torch.zeros(1, 3, 2, 2)),
            "was made by torch.jit and cannot be changed any more",
        ),
        (with_hook, "The layer c.2 has hooks"),
        (normed, "The layer c.0 has hooks or computed weights"),
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

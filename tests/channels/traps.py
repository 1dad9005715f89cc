"""Blocks that look like something known and compute something else: each must be refused, or pruned exactly."""

import types
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from tests.channels.generated import Block, Draw


@fx.wrap
def interpolate(x: Tensor) -> Tensor:
    """Not torch's."""
    return x + x.roll(1, 1)


@fx.wrap
def clone(x: Tensor) -> Tensor:
    """Not torch's."""
    return x + 1


@fx.wrap
def relu(x: Tensor, other: Tensor) -> Tensor:
    """Not torch's."""
    return x.relu() - other.mean(1, keepdim=True)


@fx.wrap
def flatten(x: Tensor) -> Tensor:
    """Not torch's."""
    return x.flip(1)


def named_as_torchs(draw: Draw, c: int) -> nn.Module:
    return Block(draw.random.choice((
        lambda m, x: interpolate(x),
        lambda m, x: clone(x),
        lambda m, x: relu(x, x),
        lambda m, x: flatten(x),
    )), c)  # fmt: skip


def forward_on_the_instance(draw: Draw, c: int) -> nn.Module:
    block = Block(lambda m, x: m.act(m.a(x)), c, a=nn.Conv2d(c, c, 3, padding=1), act=nn.ReLU())

    def standardised(layer: Any, x: Tensor) -> Tensor:
        return layer._conv_forward(x, layer.weight - layer.weight.mean((0, 1, 2, 3), keepdim=True), layer.bias)

    kind = draw.random.randrange(4)
    if kind == 0:
        block.act.forward = types.MethodType(lambda layer, x: x.relu() + 1, block.act)
    elif kind == 1:
        block.a.forward = types.MethodType(standardised, block.a)
    elif kind == 2:
        inner = block.a.forward
        block.a.forward = lambda x: inner(x).exp()
    else:
        block.a._conv_forward = lambda x, w, b: F.conv2d(x, w.abs() - w.mean(), b, padding=1)
    return block


class Louder(nn.ReLU):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class Called(nn.ReLU):
    def __call__(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().__call__(x) + 1


class Standardised(nn.Conv2d):
    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(x, weight - weight.mean((0, 1, 2, 3), keepdim=True), bias)


class Clipped(nn.ReLU6):
    @property
    def min_val(self) -> float:  # type: ignore[override]
        return 1.0

    @min_val.setter
    def min_val(self, value: float) -> None:
        pass


class Shifted(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x.mean(1, keepdim=True)


class Softened(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(-1)


def subclass_with_code_of_its_own(draw: Draw, c: int) -> nn.Module:
    kind = draw.random.choice((Louder, Called, Standardised, Clipped, Shifted, Softened))
    home = draw.random.choice(("torch.nn.mine", "torch.nn_mine", "torchvision.models.mine", "mine"))
    kind = type(kind.__name__, (kind,), {"__module__": home})
    if issubclass(kind, nn.ReLU | nn.ReLU6):
        return Block(lambda m, x: m.act(m.a(x)), c, a=draw.conv(c, c, act=False), act=kind())
    if issubclass(kind, nn.Conv2d):
        return Block(lambda m, x: m.a(x), c, a=kind(c, c, 3, padding=1))
    if issubclass(kind, nn.BatchNorm2d):
        return Block(lambda m, x: m.norm(m.a(x)), c, a=nn.Conv2d(c, c, 1), norm=kind(c))
    return Block(lambda m, x: m.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), c, norm=kind(c))


def other_in_training(draw: Draw, c: int) -> nn.Module:
    block = Block(draw.random.choice((
        lambda m, x: (m.a(x), m.b(x))[m.training],
        lambda m, x: m.a(x) * (2 if m.training else 1),
        lambda m, x: m.a(x) * (torch.tensor(2.0) if m.training else torch.tensor(1.0)),
        lambda m, x: torch.add(m.a(x), m.b(x), alpha=1 if m.training else 3),
        lambda m, x: m.a(x) * torch.rand(x.shape[0], 1, 1, 1) if m.training else m.a(x),
        lambda m, x: m.a(x)[:, :2].repeat(1, x.shape[1], 1, 1)[:, : x.shape[1]] if m.training else m.a(x),
    )), c, a=draw.conv(c, c), b=draw.conv(c, c))  # fmt: skip
    return block


def written_over(draw: Draw, c: int) -> nn.Module:
    def out(m: Block, x: Tensor) -> Tensor:
        y = m.a(x)
        torch.add(y, 0.5, out=y)
        return y

    def out_of_another(m: Block, x: Tensor) -> Tensor:
        y = m.a(x)
        torch.mul(x, 2, out=y)
        return y

    def added(m: Block, x: Tensor) -> Tensor:
        y = F.relu(m.a(x))
        y += x
        return y

    def viewed(m: Block, x: Tensor) -> Tensor:
        y = m.a(x)
        y[:, :, ::2].add_(1)
        return y

    def copied(m: Block, x: Tensor) -> Tensor:
        y = m.a(x)
        y.copy_(x.flip(1))
        return y

    return Block(draw.random.choice((out, out_of_another, added, viewed, copied)), c, a=draw.conv(c, c, act=False))


def moved(draw: Draw, c: int) -> nn.Module:
    return Block(draw.random.choice((
        lambda m, x: x.flip(1),
        lambda m, x: torch.roll(x, 1, 1),
        lambda m, x: x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2),
        lambda m, x: x[:, torch.arange(x.shape[1] - 1, -1, -1)],
        lambda m, x: torch.cat(x.chunk(2, 1)[::-1], 1),
        lambda m, x: x.amax((2, 3), keepdim=True) - x,
        lambda m, x: x.softmax(1),
        lambda m, x: x / x.norm(dim=1, keepdim=True).clamp_min(0.1),
        lambda m, x: m.norm(m.token.expand(x.shape[0], -1, -1)).mean(1)[:, :, None, None] + x,
        lambda m, x: x * x.shape[1] ** -0.5,
    )), c, norm=nn.LayerNorm(c), token=nn.Parameter(torch.rand(1, 2, c)))  # fmt: skip


TRAPS = (
    named_as_torchs, forward_on_the_instance, subclass_with_code_of_its_own, other_in_training, written_over, moved
)  # fmt: skip

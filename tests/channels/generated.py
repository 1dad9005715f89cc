"""Small networks drawn from a seed: chains of blocks of every kind that people build, and a head of some kind."""

import random
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 16
CLASSES = 5
WIDTHS = (4, 6, 8, 12)
ACTS: tuple[Callable[[], nn.Module], ...] = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.Tanh)
Step = Callable[["Block", Tensor], Tensor]


class Block(nn.Module):
    """Named parts, and a function of them and of the images: how a user writes a module, in one line."""

    def __init__(self, step: Step, out: int, **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.step, self.out = step, out

    def forward(self, x: Tensor) -> Tensor:
        return self.step(self, x)


class Generated(nn.Module):
    """Blocks one after the other, and a head."""

    def __init__(self, blocks: list[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.blocks, self.head = nn.Sequential(*blocks), head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x))


class Draw:
    """What is drawn while a network is put together."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.normed = self.random.random() < 0.8  # else the whole network has no BatchNorm

    def width(self) -> int:
        return self.random.choice(WIDTHS)

    def conv(
        self, a: int, b: int, kernel: int = 3, groups: int = 1, act: bool = True, stride: int = 1
    ) -> nn.Sequential:
        """A convolution, perhaps with BatchNorm and an activation."""
        layers: list[nn.Module] = [
            nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=self.random.random() < 0.5)
        ]
        layers += [nn.BatchNorm2d(b)] if self.normed and self.random.random() < 0.9 else []
        return nn.Sequential(*layers, *([self.act()] if act else []))

    def act(self) -> nn.Module:
        return self.random.choice(ACTS)()


def plain(draw: Draw, c: int) -> Block:
    out = draw.width()
    return Block(
        lambda m, x: m.a(x), out, a=draw.conv(c, out, draw.random.choice((1, 3)), stride=draw.random.choice((1, 2)))
    )


def residual(draw: Draw, c: int) -> Block:
    w = draw.width()
    parts = {"a": draw.conv(c, w, 1), "b": draw.conv(w, c, act=False), "act": draw.act()}
    return Block(draw.random.choice((
        lambda m, x: m.act(x + m.b(m.a(x))),
        lambda m, x: torch.relu(torch.add(m.b(m.a(x)), x)),
        lambda m, x: m.b(m.a(x)).add_(x),
    )), c, **parts)  # fmt: skip


def projected(draw: Draw, c: int) -> Block:
    out = draw.width()
    parts = {"a": draw.conv(c, out), "b": draw.conv(out, out, act=False), "skip": draw.conv(c, out, 1, act=False)}
    return Block(lambda m, x: F.relu(m.b(m.a(x)) + m.skip(x)), out, **parts)


def depthwise(draw: Draw, c: int) -> Block:
    out = draw.width()
    return Block(lambda m, x: m.b(m.a(x)), out, a=draw.conv(c, c, groups=c), b=draw.conv(c, out, 1))


def multiplied(draw: Draw, c: int) -> Block:
    return Block(lambda m, x: m.a(x), 2 * c, a=draw.conv(c, 2 * c, groups=c))


def inverted(draw: Draw, c: int) -> Block:
    parts = {
        "a": draw.conv(c, 2 * c, 1),
        "b": draw.conv(2 * c, 2 * c, groups=2 * c),
        "c": draw.conv(2 * c, c, 1, act=False),
    }
    return Block(lambda m, x: x + m.c(m.b(m.a(x))), c, **parts)


def grouped(draw: Draw, c: int) -> Block:
    return Block(lambda m, x: m.b(m.a(x)), c, a=draw.conv(c, c, groups=2), b=draw.conv(c, c, 1))


def gated(draw: Draw, c: int) -> Block:
    a, b = (
        (nn.Conv2d(c, 3, 1), nn.Conv2d(3, c, 1)) if draw.random.random() < 0.5 else (nn.Linear(c, 3), nn.Linear(3, c))
    )
    step: Step = (
        (lambda m, x: x * m.gate(m.b(m.act(m.a(F.adaptive_avg_pool2d(x, 1))))))
        if isinstance(a, nn.Conv2d)
        else (lambda m, x: x * m.gate(m.b(m.act(m.a(x.mean((2, 3))))))[:, :, None, None])
    )
    return Block(step, c, a=a, b=b, act=draw.act(), gate=draw.random.choice((nn.Sigmoid, nn.Hardsigmoid))())


def concatenated(draw: Draw, c: int) -> Block:
    w, v = draw.width(), draw.width()
    if draw.random.random() < 0.5:
        return Block(lambda m, x: torch.cat([x, m.a(x)], 1), c + w, a=draw.conv(c, w))
    return Block(lambda m, x: torch.cat((m.b(x), m.a(x)), dim=1), w + v, a=draw.conv(c, w, 1), b=draw.conv(c, v))


def pooled(draw: Draw, c: int) -> Block:
    return Block(draw.random.choice((
        lambda m, x: F.max_pool2d(x, 3, 2, 1),
        lambda m, x: F.avg_pool2d(x, 2, ceil_mode=True),
        lambda m, x: F.interpolate(x, scale_factor=2.0),
        lambda m, x: F.adaptive_max_pool2d(x, 4),
        lambda m, x: nn.functional.dropout(x, 0.3, m.training),
    )), c)  # fmt: skip


def called_twice(draw: Draw, c: int) -> Block:
    return Block(draw.random.choice((
        lambda m, x: m.a(m.a(x)),
        lambda m, x: m.a(F.avg_pool2d(x, 2, ceil_mode=True)) + F.avg_pool2d(m.a(x), 2, ceil_mode=True),
        lambda m, x: torch.cat([m.a(x), m.a(x.relu())], 1),
    )), c, a=draw.conv(c, c))  # fmt: skip


def two_parents(draw: Draw, c: int) -> Block:
    """One layer, or one block, that two others hold."""
    shared = draw.conv(c, c, draw.random.choice((1, 3)))
    inner = shared if draw.random.random() < 0.5 else shared[0]
    first = Block(lambda m, x: m.shared(x).relu(), c, shared=inner)
    second = Block(lambda m, x: m.act(m.shared(x)), c, shared=inner, act=draw.act())
    step: Step = draw.random.choice((
        lambda m, x: m.second(F.max_pool2d(m.first(x), 2, ceil_mode=True)),
        lambda m, x: m.first(x) + m.second(x),
    ))  # fmt: skip
    return Block(step, c, first=first, second=second)


def scaled(draw: Draw, c: int) -> Block:
    return Block(lambda m, x: x + m.gamma * m.a(x), c, a=draw.conv(c, c), gamma=nn.Parameter(torch.rand(c, 1, 1) + 0.5))


def normalised(draw: Draw, c: int) -> Block:
    parts = {"norm": nn.LayerNorm(c), "a": nn.Linear(c, 2 * c), "act": draw.act(), "b": nn.Linear(2 * c, c)}
    return Block(lambda m, x: x + m.b(m.act(m.a(m.norm(x.permute(0, 2, 3, 1))))).permute(0, 3, 1, 2), c, **parts)


BLOCKS = (
    plain, residual, projected, depthwise, multiplied, inverted, grouped, gated, concatenated, pooled, called_twice,
    two_parents, scaled, normalised,
)  # fmt: skip


def head(draw: Draw, c: int) -> Block:
    """A last layer of some kind, and what is in front of it."""
    kinds: tuple[Callable[[], Block], ...] = (
        lambda: Block(lambda m, x: m.fc(x.mean((2, 3))), CLASSES, fc=nn.Linear(c, CLASSES)),
        lambda: Block(lambda m, x: m.fc(x).mean((2, 3)), CLASSES, fc=nn.Conv2d(c, CLASSES, 1)),
        lambda: Block(
            lambda m, x: m.fc(torch.flatten(F.adaptive_avg_pool2d(x, 2), 1)), CLASSES, fc=nn.Linear(4 * c, CLASSES)
        ),
        lambda: Block(
            lambda m, x: m.fc(m.drop(m.act(m.hidden(m.pool(x).flatten(1))))), CLASSES, pool=nn.AdaptiveAvgPool2d(1),
            hidden=nn.Linear(c, 7), act=nn.ReLU(), drop=nn.Dropout(0.2), fc=nn.Linear(7, CLASSES),
        ),
        lambda: Block(
            lambda m, x: m.fc(m.norm(m.hidden(x.mean([2, 3]))).relu()), CLASSES, hidden=nn.Linear(c, 7, bias=False),
            norm=nn.BatchNorm1d(7), fc=nn.Linear(7, CLASSES, bias=False),
        ),
    )  # fmt: skip
    return draw.random.choice(kinds)()


def generated(seed: int, extra: Callable[[Draw, int], nn.Module] | None = None) -> nn.Module:
    """The network of that seed, with one more block of a given kind somewhere in it."""
    torch.manual_seed(seed)
    draw = Draw(seed)
    kinds = [draw.random.choice(BLOCKS) for _ in range(draw.random.randint(2, 5))]
    kinds = [plain, *kinds, plain]
    if extra is not None:
        kinds.insert(draw.random.randint(1, len(kinds) - 1), extra)  # type: ignore[arg-type]
    blocks: list[nn.Module] = []
    c = 3
    for kind in kinds:
        if kind is called_twice and c > 24:  # it may double the width
            kind = plain
        blocks.append(block := kind(draw, c))
        with torch.no_grad():
            c = nn.Sequential(*blocks).eval()(torch.zeros(1, 3, SIDE, SIDE)).shape[1]
        block.train()
    return Generated(blocks, head(draw, c)).train()

"""Budgets asked for against budgets reached, on whole networks: `python -m benchmarks.budgets [--architectures NAME]`.

Channels are scored by the L2 norms of their filters: the shipped backbone's for its own architecture, those of weights
drawn by torch's usual initialisation for any other. Nothing is trained.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.backbones.architectures import ARCHITECTURES
from core.backbones.backbone import load_backbone
from core.channels.budget import ALLOCATIONS, SHARES_OF, WORDS, Allowance, Budget, relative, standings
from core.channels.counted import layers_of
from core.channels.groups import channel_groups
from core.channels.layers import Layers
from core.channels.selection import Selection
from core.criteria.scores import Scores
from core.criteria.weights import l2
from core.errors import BadValueError
from core.reports.tables import Column, share, signed, to_markdown

NAMES = ("resnet18", "vgg16_bn", "mobilenet_v2")
KEEPS, MULTIPLES = (0.5, 0.2, 0.1, 0.05), (1, 8)
CLASSES, SIZE = 5, 32


@dataclass(frozen=True)
class Line:
    """One budget on one network; where it was refused, `refused` says why and the rest is None."""

    architecture: str
    budget: Budget
    reached: float | None = None
    off: float | None = None
    params: float | None = None
    macs: float | None = None
    narrowest: int | None = None
    refused: str | None = None


def network(name: str) -> nn.Module:
    """The dense network of an architecture."""
    shipped = load_backbone()
    if name == shipped.architecture:
        return shipped.build(CLASSES)
    torch.manual_seed(0)
    return ARCHITECTURES[name].build(CLASSES)


def measured(name: str) -> Iterator[Line]:
    """Every budget on one architecture."""
    model = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE))
    layers, scores = layers_of(model, groups, SIZE), l2(model, groups, Selection.full(groups.sizes))
    for multiple in MULTIPLES:
        for of in SHARES_OF:
            for keep in KEEPS:
                for allocation in ALLOCATIONS:
                    yield line(name, Budget(keep, of, allocation, 1, multiple), groups.sizes, layers, scores)


def line(name: str, budget: Budget, sizes: dict[str, int], layers: Layers, scores: Scores) -> Line:
    """One budget on one network."""
    allowance = Allowance(budget, sizes, layers, CLASSES)
    try:
        counts = allowance.counts(standing=standings(relative(scores)))
    except BadValueError as error:
        return Line(name, budget, refused=str(error))
    slim, whole = layers.size(counts, CLASSES), layers.size(sizes, CLASSES)
    return Line(
        name, budget, allowance.share(counts), allowance.deviation(counts), slim.params / whole.params,
        slim.macs / whole.macs, min(counts.values()),
    )  # fmt: skip


def fine(value: float | None) -> str:
    """A share with two decimals."""
    return "-" if value is None else f"{100 * value:.2f} %"


COLUMNS: Sequence[Column[Line]] = (
    Column("architecture", lambda one: one.architecture, numeric=False),
    Column("of", lambda one: WORDS[one.budget.of], numeric=False),
    Column("allocation", lambda one: one.budget.allocation, numeric=False),
    Column("multiples", lambda one: one.budget.multiple),
    Column("asked", lambda one: one.budget.keep, share),
    Column("reached", lambda one: one.reached, fine),
    Column("off by", lambda one: one.off, signed),
    Column("parameters", lambda one: one.params, fine),
    Column("MACs", lambda one: one.macs, fine),
    Column("narrowest group", lambda one: one.narrowest),
    Column("refused", lambda one: one.refused, numeric=False),
)


def main() -> None:
    """Print one Markdown table, and how many budgets were hit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", nargs="+", choices=list(ARCHITECTURES), default=list(NAMES))
    lines = [one for name in parser.parse_args().architectures for one in measured(name)]
    print(to_markdown(COLUMNS, lines))
    hit = [one for one in lines if one.off is not None]
    farthest = max((abs(one.off or 0.0) for one in hit), default=0.0)
    refused = len(lines) - len(hit)
    print(f"{len(hit)} of {len(lines)} budgets hit, the farthest {100 * farthest:.2f} % off; {refused} refused.")


if __name__ == "__main__":
    main()

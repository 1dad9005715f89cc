"""Budgets asked for against budgets reached, on whole networks: `python -m benchmarks.budgets [--architectures NAME]`.

Channels are scored by the L2 norms of their filters: the shipped backbone's for its own architecture, those of weights
drawn by torch's usual initialisation for any other. Nothing is trained. A cell: what was reached (how far that is off,
relative to what was asked), and the width of the narrowest group.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import nn

from core.backbones.architectures import ARCHITECTURES
from core.backbones.backbone import load_backbone
from core.channels.budget import ALLOCATIONS, SHARES_OF, WORDS, Allowance, Budget, relative, standings
from core.channels.counted import layers_of
from core.channels.groups import channel_groups
from core.channels.selection import Selection
from core.criteria.scores import Scores
from core.criteria.weights import l2
from core.errors import BadValueError
from core.numbers import deviation, percent
from core.reports.tables import Column, to_markdown

NAMES = ("resnet18", "vgg16_bn", "mobilenet_v2")
KEEPS, MULTIPLES = (0.5, 0.2, 0.1, 0.05, 0.02), (1, 8)
CLASSES, SIZE = 5, 32


@dataclass(frozen=True)
class Line:
    """One budget on one network: what was reached, how far that is off, and the narrowest group; or why not."""

    budget: Budget
    reached: float = 0.0
    off: float = 0.0
    narrowest: int = 0
    refused: str | None = None

    def __str__(self) -> str:
        return "refused" if self.refused else f"{percent(self.reached, 2)} ({deviation(self.off)}), {self.narrowest}"


@dataclass(frozen=True)
class Row:
    """One kind of budget on one architecture, at every keep ratio."""

    architecture: str
    lines: tuple[Line, ...]


def network(name: str) -> nn.Module:
    """The dense network of an architecture."""
    shipped = load_backbone()
    if name == shipped.architecture:
        return shipped.build(CLASSES)
    torch.manual_seed(0)
    return ARCHITECTURES[name].build(CLASSES)


def measured(name: str) -> Iterator[Row]:
    """Every budget on one architecture."""
    model = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, SIZE, SIZE))
    layers, scores = layers_of(model, groups, SIZE), l2(model, groups, Selection.full(groups.sizes))
    for multiple, of, allocation in product(MULTIPLES, SHARES_OF, ALLOCATIONS):
        budgets = [Budget(keep, of, allocation, 1, multiple) for keep in KEEPS]
        yield Row(name, tuple(line(Allowance(one, groups.sizes, layers, CLASSES), scores) for one in budgets))


def line(allowance: Allowance, scores: Scores) -> Line:
    """One budget on one network."""
    try:
        counts = allowance.counts(standing=standings(relative(scores)))
    except BadValueError as error:
        return Line(allowance.budget, refused=str(error))
    return Line(allowance.budget, allowance.share(counts), allowance.deviation(counts), min(counts.values()))


def cell(at: int, row: Row) -> Line:
    """The budget at one of KEEPS."""
    return row.lines[at]


COLUMNS: Sequence[Column[Row]] = (
    Column("network", lambda one: one.architecture, numeric=False),
    Column("multiples of", lambda one: one.lines[0].budget.multiple),
    Column("share of", lambda one: WORDS[one.lines[0].budget.of], numeric=False),
    Column("allocation", lambda one: one.lines[0].budget.allocation, numeric=False),
    *(Column(f"asked: {100 * keep:g} %", partial(cell, at)) for at, keep in enumerate(KEEPS)),
)


def main() -> None:
    """Print one Markdown table, and how many budgets were hit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", nargs="+", choices=list(ARCHITECTURES), default=list(NAMES))
    rows = [one for name in parser.parse_args().architectures for one in measured(name)]
    print(to_markdown(COLUMNS, rows))
    lines = [line for row in rows for line in row.lines]
    hit = [abs(line.off) for line in lines if not line.refused]
    print(f"{len(hit)} of {len(lines)} budgets hit, the farthest {100 * max(hit):.2f} % off. Refused:\n")
    for row in rows:
        for line in row.lines:
            if line.refused:
                print(f"- {row.architecture}, {line.budget.allocation}: {line.refused}")


if __name__ == "__main__":
    main()

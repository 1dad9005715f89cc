"""The search behind a size budget: widths of all channel groups that bring a network nearest to a wanted size.

A group's ladder are the widths it may have. Networks are walked from the bottom of all ladders to the top, one rung of
one group a step; size grows along the way, so the nearest is found by bisection. Where that is not near enough, single
widths are moved. Pure: what a network comes to is a function that is passed in.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations, pairwise, product
from math import prod

import numpy as np
import numpy.typing as npt

Counts = dict[str, int]
Ladders = Mapping[str, Sequence[int]]
Amount = Callable[[Mapping[str, int]], int]
Array = npt.NDArray[np.float64]

EXHAUSTIVE = 4096  # networks: where there are no more, all of them are looked at
MOVES, TRIED = 50, 24  # moves of single widths at most, and pairs of them that are looked at before each


def climbed(ladders: Ladders, steps: Sequence[str]) -> Counts:
    """The widths after these steps, each the group that goes up one rung."""
    rungs = Counter(steps)
    return {group: ladder[rungs[group]] for group, ladder in ladders.items()}


def by_ratio(ladders: Ladders, sizes: Mapping[str, int]) -> tuple[list[str], list[int]]:
    """(steps as one keep ratio for all groups rises, the numbers of steps after which no group waits for another)."""
    found = sorted(
        ((low + high) / 2 / sizes[group], place, rung, group)
        for place, (group, ladder) in enumerate(ladders.items())
        for rung, (low, high) in enumerate(pairwise(ladder))
    )
    ratios = [ratio for ratio, *_ in found]
    stops = [number for number in range(len(found) + 1) if number in (0, len(found)) or _rises(ratios, number)]
    return [group for *_, group in found], stops


def _rises(ratios: Sequence[float], number: int) -> bool:
    return ratios[number] > ratios[number - 1] * (1 + 1e-12)


def by_standing(ladders: Ladders, standing: Mapping[str, Array]) -> list[str]:
    """Steps as channels of all groups are taken in, the best first: a rung counts as the mean of its channels.

    standing: float [n_g] per group, comparable across groups; higher is better.
    """
    found = []
    for place, (group, ladder) in enumerate(ladders.items()):
        best = -np.sort(-standing[group])
        found += [
            (-float(best[low:high].mean()), place, rung, group) for rung, (low, high) in enumerate(pairwise(ladder))
        ]
    return [group for *_, group in sorted(found)]


def nearest(ladders: Ladders, steps: Sequence[str], stops: Sequence[int], amount: Amount, target: float) -> Counts:
    """The network nearest to the target among those after so many steps, of two as near the smaller."""
    place = _first_above(ladders, steps, stops, amount, target)
    around = [climbed(ladders, steps[:stop]) for stop in stops[max(0, place - 1) : place + 1]]
    return min(around, key=lambda counts: abs(amount(counts) - target))


def at_least(ladders: Ladders, steps: Sequence[str], amount: Amount, target: float) -> Counts:
    """The smallest network on the way that is no smaller than the target; the largest where none is."""
    return climbed(ladders, steps[: _first_above(ladders, steps, range(len(steps) + 1), amount, target)])


def _first_above(ladders: Ladders, steps: Sequence[str], stops: Sequence[int], amount: Amount, target: float) -> int:
    return bisect_left(stops, target, key=lambda stop: amount(climbed(ladders, steps[:stop])))


def mended(start: Counts, ladders: Ladders, amount: Amount, target: float, enough: float) -> Counts:
    """Widths moved until the size is within `enough` of the target, as few rungs as that takes; else the nearest found.

    Where there are few networks, all are looked at: then no other is nearer.
    """
    if prod(map(len, ladders.values())) > EXHAUSTIVE:
        return _moved(start, ladders, amount, target, enough)
    rungs = {group: {width: rung for rung, width in enumerate(ladder)} for group, ladder in ladders.items()}

    def rank(counts: Counts) -> tuple[bool, float, float]:
        gap = abs(amount(counts) - target)
        far = sum(abs(rungs[group][counts[group]] - rungs[group][start[group]]) for group in counts)
        return (False, far, gap) if gap <= enough else (True, gap, far)

    return min((dict(zip(ladders, widths, strict=True)) for widths in product(*ladders.values())), key=rank)


def _moved(start: Counts, ladders: Ladders, amount: Amount, target: float, enough: float) -> Counts:
    """The best of single moves by one rung and of the most promising pairs of them, again and again while it helps."""
    here, size = start, amount(start)
    for _ in range(MOVES):
        if abs(size - target) <= enough:
            break
        singles = [(moved, amount(moved) - size) for moved in _moves(here, ladders)]
        pairs = sorted(combinations(singles, 2), key=lambda pair: abs(size + pair[0][1] + pair[1][1] - target))
        both = (_together(here, one, other) for (one, _), (other, _) in pairs[:TRIED])
        best = min(chain((moved for moved, _ in singles), both), key=lambda counts: abs(amount(counts) - target))
        if abs(amount(best) - target) >= abs(size - target):
            break
        here, size = best, amount(best)
    return here


def _moves(here: Counts, ladders: Ladders) -> Iterator[Counts]:
    for group, ladder in ladders.items():
        rung = ladder.index(here[group])
        for other in (rung - 1, rung + 1):
            if 0 <= other < len(ladder):
                yield {**here, group: ladder[other]}


def _together(here: Counts, one: Counts, other: Counts) -> Counts:
    return {group: one[group] if one[group] != width else other[group] for group, width in here.items()}

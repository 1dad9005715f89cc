"""When a zoo has paid for itself; energy and CO2e are estimated in `core.pruning.footprint`."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadValueError
from core.pruning.footprint import DEFAULT, Assumptions, Footprint, footprint
from core.pruning.methods import METHODS
from core.reports.comparability import mismatch, with_setups
from core.reports.compare import Row, measure, measures

__all__ = ["DEFAULT", "Assumptions", "Footprint", "PayOff", "footprint", "pay_offs", "pays_off_after", "telling"]

CONTROLS = ("random", "farthest", "all")  # of who votes
MOST_SHOWN = 12  # lines of a table that people still read


@dataclass(frozen=True)
class PayOff:
    """A variant that uses a zoo beside one that does not, over the (task, seed) pairs both have, at one keep ratio.

    Costs are CPU seconds, those of a run the mean over the pairs. `difference`: mean accuracy of the first minus that
    of the second; `tasks` means something only where that is not clearly negative. `tasks` is None for never.
    `control`: tasks vote (random, farthest, all) that are there to be beaten rather than used. `of`: what the keep
    ratio is a share of.
    """

    variant: str
    iterations: int
    against: str
    against_iterations: int
    keep: float | None
    pairs: int
    difference: float
    zoo_cost: float
    cost: float
    against_cost: float
    tasks: int | None
    control: bool = False
    of: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def pay_offs(rows: Iterable[Row], zoo_costs: Mapping[str, float]) -> list[PayOff]:
    """After how many tasks each variant's zoo is paid for, against each pruning variant without one, on equal inputs.

    zoo_costs: variant -> CPU seconds that its zoo took to build; variants without an entry are left out.
    """
    cells: dict[tuple[str, str, float | None, int, str], dict[tuple[str, int], Row]] = defaultdict(dict)
    for row in with_setups(rows):
        if row.status == "finished" and row.test_accuracy is not None and row.cpu_seconds is not None:
            cells[row.variant, row.method, row.keep, row.iterations, row.setup].setdefault((row.task, row.seed), row)
    found = []
    for (variant, _, keep, spent, _), own in cells.items():
        for (other, method, other_keep, other_spent, _), others in cells.items():
            common = [cell for cell in own if cell in others and mismatch(own[cell], others[cell]) is None]
            rival = METHODS[method].removes and not METHODS[method].needs_zoo and other not in zoo_costs
            kinds = measures([*own.values(), *others.values()])
            if variant not in zoo_costs or not rival or keep != other_keep or not common or len(kinds) > 1:
                continue
            cost, without = (
                statistics.fmean(side[cell].cpu_seconds or 0.0 for cell in common) for side in (own, others)
            )
            gaps = [(own[cell].test_accuracy or 0.0) - (others[cell].test_accuracy or 0.0) for cell in common]
            found.append(PayOff(
                variant, spent, other, other_spent, keep, len(common), statistics.fmean(gaps), zoo_costs[variant],
                cost, without, pays_off_after(zoo_costs[variant], cost, without), _is_control(own.values()),
                measure(own.values()),
            ))  # fmt: skip
    return found


def _is_control(rows: Iterable[Row]) -> bool:
    return any(row.options.get("neighbours") in CONTROLS for row in rows)


def telling(found: Sequence[PayOff], most: int = MOST_SHOWN) -> list[PayOff]:
    """At most so many of the pairs: those that answer whether the zoo is worth it.

    Each variant at its iterations is held against the longest rival and the most accurate one, as a shorter or weaker
    one would flatter it; controls only where there is nothing else. Where these are too many, the ones that lose most
    accuracy go, as for them `tasks` means nothing.
    """
    used = [one for one in found if not one.control] or list(found)
    groups: dict[tuple[str, float | None, int], list[PayOff]] = defaultdict(list)
    for one in used:
        groups[one.variant, one.keep, one.iterations].append(one)
    chosen = set()
    for rivals in groups.values():
        chosen.add(max(rivals, key=lambda one: (one.against_iterations, -one.difference)))
        chosen.add(min(rivals, key=lambda one: (one.difference, -one.against_iterations)))
    best = sorted(chosen, key=lambda one: (-one.difference, *_place(one)))[:most]
    return sorted(best, key=_place)


def _place(one: PayOff) -> tuple[float, str, int, int, str]:
    return (one.keep or 0.0, one.variant, one.iterations, -one.against_iterations, one.against)


def pays_off_after(zoo_cost: float, cost_with_zoo: float, cost_without: float) -> int | None:
    """Tasks after which zoo_cost + n * cost_with_zoo <= n * cost_without, for costs in one unit; None means never.

    The costs per task must be of runs that end equally good, or the comparison means nothing.
    """
    if not all(math.isfinite(cost) and cost >= 0 for cost in (zoo_cost, cost_with_zoo, cost_without)):
        raise BadValueError("Costs must be finite numbers, zero or more.")
    if zoo_cost == 0 and cost_with_zoo <= cost_without:
        return 0
    if cost_with_zoo >= cost_without:
        return None
    return math.ceil(zoo_cost / (cost_without - cost_with_zoo))

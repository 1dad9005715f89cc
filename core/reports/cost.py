"""When a zoo has paid for itself; energy and CO2e are estimated in `core.pruning.footprint`."""

import math

from core.errors import BadValueError
from core.pruning.footprint import DEFAULT, Assumptions, Footprint, footprint

__all__ = ["DEFAULT", "Assumptions", "Footprint", "footprint", "pays_off_after"]


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

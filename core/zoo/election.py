"""What neighbours elect within a size budget, told ahead from the zoo's files as a run would choose it. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.channels.budget import Allowance, Budget
from core.channels.selection import Selection
from core.voting import Votes, elect, votes
from core.zoo.zoo import Neighbour, Zoo, ballots


def allowance_of(zoo: Zoo, budget: Budget, classes: int) -> Allowance:
    """A budget on a network of the zoo's backbone that tells so many classes apart."""
    return Allowance(budget, zoo.groups, zoo.layers, classes)


def elected(
    zoo: Zoo, neighbours: Sequence[Neighbour], weighting: str, allowance: Allowance, ties: Mapping[str, Any] | None
) -> tuple[Votes, Selection]:
    """Their votes, and the selection that a run would start from.

    ties: importance [n_g] per group that breaks ties between votes, as `Zoo.tie_break`. Raises BadValueError where no
    widths come near enough to the budget.
    """
    counted = votes(ballots(zoo, neighbours, allowance.voted_at()), weighting)
    return counted, elect(counted, allowance, ties)

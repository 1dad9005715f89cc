"""What the Votes page is about at one moment: the choices made on it, and the votes and the selection they lead to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from core.channels.budget import Allowance, Budget
from core.channels.selection import Selection
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.tasks.task import Task
from core.voting import Votes, select, votes
from core.zoo.election import allowance_of, elected
from core.zoo.zoo import Neighbour, Zoo, ballots


@dataclass(frozen=True)
class View:
    """near: who votes, best first. by_hand: whether they were chosen. start: where kept weights start."""

    zoo: Zoo
    target: Task
    similarity: str
    near: tuple[Neighbour, ...]
    by_hand: bool
    weighting: str
    budget: Budget
    start: str
    group: str
    votes: Votes
    selection: Selection

    @property
    def labels(self) -> list[str]:
        """The neighbours as axes name them: rank and id."""
        return [f"{rank} · {neighbour.task.id}" for rank, neighbour in enumerate(self.near, 1)]

    @property
    def selections(self) -> list[Selection]:
        """What each neighbour votes with."""
        return [ballot.selection for ballot in self.votes.ballots]

    def config(self, **changes: Any) -> RunConfig:
        """The run that would prune as this view says, as far as it goes without training."""
        who: dict[str, Any] = (
            {"neighbours": "chosen", "chosen": tuple(each.task.id for each in self.near)} if self.by_hand else {}
        )
        settings: dict[str, Any] = {
            **asdict(self.budget), "task": self.target.id, "iterations": 0, "k": len(self.near), "threads": 1,
            "similarity": self.similarity, "weighting": self.weighting, "weights": self.start,
            "backbone": self.zoo.backbone, "zoo": self.zoo.id, **who,
        }  # fmt: skip
        return RunConfig(**settings | changes)

    @cached_property
    def voted_at(self) -> float:
        """The share of the channels that neighbours kept when they had what they vote with."""
        return _voted_at(allowance_of(self.zoo, self.budget, len(self.target.classes)))

    def with_voters(self, near: Sequence[Neighbour]) -> "View":
        """The same where others vote, as if chosen by hand."""
        cast, selection = counted(self.zoo, self.target, near, self.weighting, self.budget)
        return replace(self, near=tuple(near), by_hand=True, votes=cast, selection=selection)


def counted(
    zoo: Zoo, target: Task, near: Sequence[Neighbour], weighting: str, budget: Budget
) -> tuple[Votes, Selection]:
    """The votes of these neighbours and the selection they make, ties broken as in a run.

    Where a run would be refused, as no widths come near enough, groups keep what comes nearest.
    """
    allowance, ties = allowance_of(zoo, budget, len(target.classes)), zoo.tie_break()
    try:
        return elected(zoo, near, weighting, allowance, ties)
    except BadValueError:
        cast = votes(ballots(zoo, near, _voted_at(allowance)), weighting)
        return cast, select(cast, allowance.nearest, ties)


def _voted_at(allowance: Allowance) -> float:
    try:
        return allowance.voted_at()
    except BadValueError:
        return sum(allowance.nearest.values()) / sum(allowance.sizes.values())

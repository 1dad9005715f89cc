"""What the Votes page is about at one moment: the choices made on it, and the votes and the selection they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.channels.budget import Allowance, Budget
from core.channels.selection import Selection
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.tasks.task import Task
from core.voting import Votes, select, standing
from core.zoo.zoo import Neighbour, Zoo
from dashboard import data


@dataclass(frozen=True)
class View:
    """near: who votes, best first. by_hand: whether they were chosen. start: where kept weights start."""

    zoo: Zoo
    target: Task
    similarity: str
    near: tuple[Neighbour, ...]
    by_hand: bool
    weighting: str
    keep: float
    start: str
    group: str
    votes: Votes
    selection: Selection
    allocation: str

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
            "task": self.target.id, "keep": self.keep, "iterations": 0, "k": len(self.near), "threads": 1,
            "similarity": self.similarity, "weighting": self.weighting, "weights": self.start,
            "backbone": self.zoo.backbone, "zoo": self.zoo.id, "allocation": self.allocation, **who,
        }  # fmt: skip
        return RunConfig(**settings | changes)

    def with_voters(self, near: Sequence[Neighbour]) -> "View":
        """The same where others vote, as if chosen by hand."""
        votes, selection = counted(self.zoo, near, self.weighting, self.keep, self.allocation)
        return replace(self, near=tuple(near), by_hand=True, votes=votes, selection=selection)


def counted(
    zoo: Zoo, near: Sequence[Neighbour], weighting: str, keep: float, allocation: str
) -> tuple[Votes, Selection]:
    """The votes of these neighbours and the selection they make, ties broken as in a run.

    Where a run would be refused, as no widths come near enough, every group keeps what is nearest to its own share.
    """
    allowance, ties = Allowance(Budget(keep, allocation=allocation), zoo.groups), zoo.tie_break()
    try:
        votes = data.votes_by(zoo, near, weighting, allowance.voted_at())
        across = standing(votes, ties) if allocation == "global" else None
        return votes, select(votes, allowance.counts(standing=across), ties)
    except BadValueError:
        votes = data.votes_by(zoo, near, weighting, keep)
        return votes, select(votes, keep, ties)

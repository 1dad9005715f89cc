"""Votes of neighbours for the channels they kept, counted per channel group. Formulas: `docs/method.md`, "Votes"."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.arguments import takes, text, whole
from core.channels.files import PrunedModel
from core.channels.selection import Selection
from core.errors import BadValueError, MismatchError, UnknownNameError

Array = npt.NDArray[np.float64]
WEIGHTINGS = ("count", "similarity", "score")
_GROUP = text("the name of a channel group", "choose one of votes.groups")


@dataclass(frozen=True, eq=False, repr=False)
class Ballot:
    """What one neighbour votes with: the channels it kept, its similarity to the target, and its own importances.

    importance: float [n_g] per channel group, not negative, original coordinates; only "score" weighting needs it.
    """

    task: str
    selection: Selection
    similarity: float = 0.0
    importance: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for group, importance in self.importance.items():
            size = self.selection.sizes.get(group)
            if np.shape(importance) != (size,):
                raise MismatchError(
                    f"Importance of '{self.task}' in channel group '{group}' has shape {np.shape(importance)}, "
                    f"but the group has {size} channels: take both from the same backbone."
                )

    def __repr__(self) -> str:
        return f"Ballot({self.task!r}, {self.selection}, similarity {self.similarity:.3g})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        importance = {group: np.asarray(values).tolist() for group, values in self.importance.items()}
        return {
            "task": self.task,
            "similarity": self.similarity,
            "selection": self.selection.to_dict(),
            "importance": importance,
        }


@dataclass(frozen=True)
class Voter:
    """One neighbour's voice for one channel. `importance` is None where its ballot brought none."""

    task: str
    similarity: float
    vote: float
    importance: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Votes:
    """The votes of K ballots. `weights` [K] is what each gives a channel ("score": what it spreads over a group).

    shares: float [K, n_g] per channel group, each ballot's weighted vote for each channel, zero where it has none.
    within: where not None, only its channels can be voted for (dynamic voting).
    """

    ballots: tuple[Ballot, ...]
    weighting: str
    weights: tuple[float, ...]
    shares: Mapping[str, Array]
    within: Selection | None = None

    def __repr__(self) -> str:
        return f"Votes of {len(self.ballots)} tasks by {self.weighting} over {len(self.groups)} channel groups"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The ids of the tasks that voted, in the order of the ballots."""
        return tuple(ballot.task for ballot in self.ballots)

    @property
    def sizes(self) -> Mapping[str, int]:
        """Channels per group in the backbone."""
        return self.ballots[0].selection.sizes

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the channel groups."""
        return tuple(self.sizes)

    @takes("votes.table", group=_GROUP)
    def table(self, group: str) -> Array:
        """Votes per channel, float [n_g]."""
        # Sorted, because float addition depends on its order and the order of the ballots must not decide ties.
        return np.asarray(np.sort(self.shares[self._known(group)], axis=0).sum(axis=0))

    @takes("votes.voters", group=_GROUP)
    def voters(self, group: str) -> npt.NDArray[np.bool_]:
        """bool [K, n_g]: which ballot voted for which channel."""
        return np.stack([_kept(ballot, self._known(group), self.within) for ballot in self.ballots])

    @takes("votes.importance", group=_GROUP)
    def importance(self, group: str) -> Array:
        """float [K, n_g]: each ballot's own importance of each channel; NaN where it brought none."""
        absent = np.full(self.sizes[self._known(group)], np.nan)
        return np.stack([np.asarray(ballot.importance.get(group, absent), np.float64) for ballot in self.ballots])

    @takes("votes.who", group=_GROUP, channel=whole("try 0", 0))
    def who(self, group: str, channel: int) -> list[Voter]:
        """Who voted for a channel, largest vote first, then by task id."""
        voters, importance = self.voters(group), self.importance(group)
        if not 0 <= channel < self.sizes[group]:
            last = self.sizes[group] - 1
            raise BadValueError(
                f"Channel group '{group}' has channels 0 to {last}, not {channel}: choose one of those."
            )
        found = []
        for row in np.flatnonzero(voters[:, channel]):
            ballot, value = self.ballots[row], float(importance[row, channel])
            vote = float(self.shares[group][row, channel])
            found.append(Voter(ballot.task, ballot.similarity, vote, None if math.isnan(value) else value))
        return sorted(found, key=lambda voter: (-voter.vote, voter.task))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: who votes with what weight, and per group the votes and each ballot's channels."""
        tasks = [
            {"task": ballot.task, "similarity": ballot.similarity, "weight": weight}
            for ballot, weight in zip(self.ballots, self.weights, strict=True)
        ]
        groups = {
            group: {
                "size": self.sizes[group],
                "votes": self.table(group).tolist(),
                "voters": [np.flatnonzero(row).tolist() for row in self.voters(group)],
            }
            for group in self.groups
        }
        return {"weighting": self.weighting, "tasks": tasks, "groups": groups}

    def _known(self, group: str) -> str:
        if group not in self.sizes:
            raise UnknownNameError("channel group", group, self.sizes)
        return group


def ballot_of(model: PrunedModel, similarity: float, keep: float | None = None) -> Ballot:
    """What a pruned model votes with: its final selection, or the one of its last round that still kept `keep`."""
    selection = model.selection if keep is None else model.selection_at(keep)
    return Ballot(str(model.task["id"]), selection, similarity, model.importance)


def votes(
    ballots: Sequence[Ballot],
    weighting: str = "count",
    temperature: float | None = None,
    within: Selection | None = None,
) -> Votes:
    """Count the ballots: v_g(c) = sum over ballots j of w_j * [c in S_j,g].

    weighting: "count" (w = 1), "similarity" (`similarity_weights`), "score" (the ballot's own importance of c,
    normalised to sum 1 over the channels it votes for in the group). temperature: of "similarity" only.
    within: votes for channels outside it are dropped. The order of the ballots changes nothing but the order of rows.
    Raises BadValueError, MismatchError, UnknownNameError.
    """
    if not ballots:
        raise BadValueError("There is no ballot to count: choose at least one neighbour.")
    if weighting not in WEIGHTINGS:
        raise UnknownNameError("weighting of votes", weighting, WEIGHTINGS)
    for other in (*(ballot.selection for ballot in ballots[1:]), *((within,) if within else ())):
        if other.sizes != ballots[0].selection.sizes:
            raise MismatchError("The ballots differ in their channel groups: let only tasks of one backbone vote.")
    weights = np.ones(len(ballots))
    if weighting == "similarity":
        weights = similarity_weights([ballot.similarity for ballot in ballots], temperature)
    shares = {}
    for group in ballots[0].selection.groups:
        rows = [_kept(ballot, group, within) for ballot in ballots]
        if weighting == "score":
            shares[group] = np.stack([_scores(ballot, group, row) for ballot, row in zip(ballots, rows, strict=True)])
        else:
            shares[group] = weights[:, None] * np.stack(rows)
    return Votes(tuple(ballots), weighting, tuple(weights.tolist()), shares, within)


def revote(
    ballots: Sequence[Ballot],
    similarities: Mapping[str, float],
    within: Selection,
    k: int | None = None,
    weighting: str = "count",
    temperature: float | None = None,
) -> Votes:
    """Dynamic voting: count again with neighbours re-ranked by `similarities` (task id -> similarity on the current
    sub-network), only the `k` most similar voting (None: all), and only for channels still in `within`.

    `select` on the result gives a selection that lies inside `within`.
    """
    if missing := [ballot.task for ballot in ballots if ballot.task not in similarities]:
        raise MismatchError(f"There is no new similarity of '{missing[0]}': give one for each ballot.")
    if unranked := [ballot.task for ballot in ballots if math.isnan(similarities[ballot.task])]:
        raise BadValueError(f"The new similarity of '{unranked[0]}' is not a number: compute it again.")
    if k is not None and k < 1:
        raise BadValueError(f"K must be at least 1, got {k}: try 5.")
    ranked = [replace(ballot, similarity=float(similarities[ballot.task])) for ballot in ballots]
    ranked.sort(key=lambda ballot: (-ballot.similarity, ballot.task))
    return votes(ranked[:k], weighting, temperature, within)


def similarity_weights(similarities: Sequence[float], temperature: float | None = None) -> Array:
    """Softmax of similarity / temperature, float [K] that sums to 1.

    Default temperature: the (population) standard deviation of the similarities, 1 where that is zero; so weights
    depend on neither the unit nor the zero of the similarity, and LEEP, LogME and prototypes are weighted alike.
    """
    values = np.asarray(similarities, np.float64)
    if not np.isfinite(values).all():
        raise BadValueError("A similarity is not a finite number: weight these votes by count.")
    if temperature is None:
        # Sorted sums here and below: the weights must not depend on the order of the ballots, not even in the last bit.
        temperature = float(np.std(np.sort(values))) or 1.0
    # In units of the temperature, differences first: exp cannot overflow, and a huge common offset costs nothing.
    powers = np.exp((values - values.max()) / checked_temperature(temperature))
    return np.asarray(powers / np.sort(powers).sum())


def _kept(ballot: Ballot, group: str, within: Selection | None) -> npt.NDArray[np.bool_]:
    mask = ballot.selection.mask(group)
    return mask if within is None else mask & within.mask(group)


def _scores(ballot: Ballot, group: str, kept: npt.NDArray[np.bool_]) -> Array:
    """The ballot's importance of the channels it votes for, sum 1 [n_g]. Equal shares where all are zero."""
    if group not in ballot.importance:
        raise MismatchError(f"'{ballot.task}' has no importances of channel group '{group}': weight by count instead.")
    values = np.where(kept, np.asarray(ballot.importance[group], np.float64), 0.0)
    if not np.isfinite(values).all() or (values < 0).any():
        raise BadValueError(
            f"Importances of '{ballot.task}' in channel group '{group}' are negative or not finite: weight by count."
        )
    if not values.any():
        values = kept.astype(np.float64)
    # Scaled first, so that neither huge nor tiny importances leave the range of a float.
    values = values / (values.max() or 1.0)
    return np.asarray(values / (values.sum() or 1.0))


def checked_temperature(value: float) -> float:
    """The temperature as a float. Raises BadValueError for one that is not above 0."""
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise BadValueError(f"Temperature must be a number above 0, got {value}: try 1.")
    return float(value)

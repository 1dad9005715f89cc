"""Who votes: which of the ranked zoo tasks, by the ways that a run knows."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from core.errors import BadValueError, UnknownNameError
from core.tasks.task import Task


class Ranked(Protocol):
    """A zoo task in a ranking."""

    @property
    def task(self) -> Task:
        """The zoo task."""


N = TypeVar("N", bound=Ranked)


def pick_voters(
    ranked: Sequence[N], how: str, k: int | None = None, chosen: Sequence[str] = (), seed: int = 0
) -> list[N]:
    """The zoo tasks that vote, of those that may.

    ranked: best first. how: "nearest", "farthest" or "random" (`at_random`) for k of them, "all", or "chosen" for those
    of these ids, in their order. Raises UnknownNameError for an id that may not vote, BadValueError for a k that is
    larger than the ranking.
    """
    if how == "all":
        return list(ranked)
    if how == "chosen":
        known = {each.task.id: each for each in ranked}
        if unknown := [id for id in chosen if id not in known]:
            raise UnknownNameError("zoo task that may vote", unknown[0], known)
        return [known[id] for id in chosen]
    if k is None:
        raise BadValueError("K, the number of neighbours, is missing: give one, such as 5.")
    check_k(k, len(ranked))
    if how == "random":
        return at_random(ranked, k, seed)
    return list(ranked[:k] if how == "nearest" else ranked[::-1][:k])


def at_random(ranked: Sequence[N], k: int, seed: int) -> list[N]:
    """k of these neighbours by chance: the control that a run with that seed uses."""
    chosen = np.random.default_rng([seed, 0x4E1B]).permutation(len(ranked))[:k]
    return [ranked[place] for place in chosen]


def check_k(k: int, size: int) -> None:
    """Refuse more neighbours than may vote."""
    if k > size:
        raise BadValueError(f"K is {k}, but the zoo has {size} tasks to choose from: choose K from 1 to {size}.")

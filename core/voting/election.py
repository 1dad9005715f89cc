"""From votes and a size budget to the selection: the one place where ties are broken and channels are elected."""

from collections.abc import Mapping
from zlib import crc32

import numpy as np

from core.channels.budget import Allowance, relative, standings
from core.channels.selection import Selection, kept_count
from core.errors import BadValueError, MismatchError
from core.voting.counting import Array, Votes, checked_temperature


def elect(
    counted: Votes,
    allowance: Allowance,
    tie_break: Mapping[str, Array] | None,
    keep: float | None = None,
    sample: float | None = None,
    seed: int = 0,
    within: Mapping[str, int] | None = None,
) -> Selection:
    """The channels that win within a size budget.

    tie_break: importance [n_g] per group. keep: the budget's keep ratio at this round; None for its final one. sample,
    seed: as in `select`. within: how many channels each group still has. Raises BadValueError if no widths come near
    enough to the budget.
    """
    is_global = allowance.budget.allocation == "global"
    across = standing(counted, tie_break, sample, seed) if is_global else None
    return select(counted, allowance.counts(keep, across, within), tie_break, sample=sample, seed=seed)


def select(
    counted: Votes,
    keep: float | Mapping[str, int],
    tie_break: Mapping[str, Array] | None = None,
    minimum: int = 1,
    sample: float | None = None,
    seed: int = 0,
) -> Selection:
    """Keep the channels with most votes in each group, fewer where `within` has fewer.

    keep: how many of each group, or a keep ratio: then `kept_count(keep, n_g, minimum)`.
    tie_break: importance [n_g] per group; ties go to the higher importance, then to the lower index.
    sample: temperature T. Where given, channels are drawn instead, without replacement, p proportional to exp(v/T),
    seeded. A group's draw depends on the seed and the group's name alone.
    """
    if minimum < 1:
        raise BadValueError(
            f"The least number of channels to keep in a group must be at least 1, got {minimum}: try 1."
        )
    kept = {}
    for group, size in counted.sizes.items():
        importance = _tie_break(tie_break, group, size)
        table = _drawn(counted.table(group), group, sample, seed)
        order = np.lexsort((np.arange(size), -importance, -table))
        if counted.within is not None:
            order = order[counted.within.mask(group)[order]]
        count = keep[group] if isinstance(keep, Mapping) else kept_count(keep, size, minimum)
        kept[group] = tuple(sorted(order[:count].tolist()))
    return Selection(kept, counted.sizes)


def standing(
    counted: Votes, tie_break: Mapping[str, Array] | None = None, sample: float | None = None, seed: int = 0
) -> dict[str, Array]:
    """Each channel's place among those of all groups by its votes, float [n_g] per group: see `budget.standings`.

    A vote is worth the same in every group; those of "score" weighting are first multiplied by how many channels of
    the group their ballot votes for, so that they are 1 on average. Ties go to the higher importance in units of the
    group's mean. sample, seed: as in `select`, whose order within a group this is.
    """
    tables, ties, there = {}, {}, {}
    for group, size in counted.sizes.items():
        voters, shares = counted.voters(group), counted.shares[group]
        worth = shares * voters.sum(axis=1, keepdims=True) if counted.weighting == "score" else shares
        tables[group] = _drawn(np.sort(worth, axis=0).sum(axis=0), group, sample, seed)
        ties[group] = _tie_break(tie_break, group, size)
        there[group] = np.ones(size, np.bool_) if counted.within is None else counted.within.mask(group)
    return standings(tables, relative(ties), there)


def _drawn(table: Array, group: str, sample: float | None, seed: int) -> Array:
    """The votes as they are, or perturbed by chance where channels are to be drawn by them."""
    if sample is None:
        return table
    return _perturbed(table, checked_temperature(sample), np.random.default_rng([seed, crc32(group.encode())]))


def _perturbed(table: Array, temperature: float, rng: np.random.Generator) -> Array:
    """Scores whose top n are a sample without replacement, p proportional to exp(v/T) (Gumbel top-k, arXiv 1903.06059).

    v + T * Gumbel, the usual v/T + Gumbel times T, which does not overflow for a small T.
    """
    return np.asarray(table + temperature * rng.gumbel(size=table.shape))


def _tie_break(tie_break: Mapping[str, Array] | None, group: str, size: int) -> Array:
    if tie_break is None:
        return np.zeros(size)
    importance = np.asarray(tie_break.get(group, ()), np.float64)
    if importance.shape != (size,) or np.isnan(importance).any():
        raise MismatchError(f"Ties in channel group '{group}' need {size} importances: give one for each channel.")
    return importance

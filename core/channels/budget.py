"""Size budgets: how large a slim network may be, and how many channels of each group that leaves. Torch-free.

The keep ratio is a share of the channels, of the parameters or of the MACs of the whole network, head included, and is
hit within 2 % or refused. "uniform" gives every group the same ratio; "global" ranks the channels of all groups against
each other. The definitions are in docs/budgets.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral

import numpy as np
import numpy.typing as npt

from core.channels import fit
from core.channels.fit import Counts
from core.channels.layers import Layers
from core.channels.selection import check_keep, kept_count, widths_of
from core.errors import BadValueError, UnknownNameError
from core.numbers import ratio
from core.schema import shortened

Array = npt.NDArray[np.float64]
SHARES_OF = ("channels", "params", "macs")
ALLOCATIONS = ("uniform", "global")
KIND = ("of", "allocation", "least_width", "multiple")  # the settings of a budget, besides its keep ratio
WORDS = {"channels": "channels", "params": "parameters", "macs": "MACs"}
WIDEST = 1_000_000  # channels
TOLERANCE = 0.02  # relative: how far off the size asked for a network may be


@dataclass(frozen=True)
class Budget:
    """What is asked for: keep this share `of` the whole, in widths of at least `least_width` and in multiples.

    A group's own size is always a width it may have. Raises BadValueError, UnknownNameError.
    """

    keep: float
    of: str = "channels"
    allocation: str = "uniform"
    least_width: int = 1
    multiple: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", check_keep(self.keep))
        for kind, value, known in (
            ("measure of a keep ratio", self.of, SHARES_OF),
            ("allocation", self.allocation, ALLOCATIONS),
        ):
            if value not in known:
                raise UnknownNameError(kind, value, known)
        for name, words in (("least_width", "The least width of a channel group"), ("multiple", "What widths are")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= WIDEST:
                more = " multiples of" if name == "multiple" else ""
                raise BadValueError(
                    f"{words}{more} must be a whole number from 1 to {WIDEST:,}, not {shortened(value)}."
                )
            object.__setattr__(self, name, int(value))

    @property
    def by_groups(self) -> bool:
        """Whether every group keeps that share of its own channels: the usual kind, which no other group bears on."""
        return self.of == "channels" and self.allocation == "uniform"

    def in_words(self, whole: bool = False) -> str:
        """In a few words: "20 %", "5 % of the parameters, global, in multiples of 8".

        whole: say that it is of the channels, too.
        """
        parts = [ratio(self.keep) + (f" of the {WORDS[self.of]}" if whole or self.of != Budget.of else "")]
        parts += ["global"] if self.allocation == "global" else []
        parts += [f"at least {self.least_width} wide"] if self.least_width > 1 else []
        return ", ".join([*parts, *([f"in multiples of {self.multiple}"] if self.multiple > 1 else [])])

    def __str__(self) -> str:
        return self.in_words(whole=True)


@dataclass(frozen=True, eq=False)
class Allowance:
    """A budget on one network: `sizes` of its groups, `layers` its size follows from, `classes` its head tells.

    `layers` may be None where only channels count.
    """

    budget: Budget
    sizes: Mapping[str, int] = field(repr=False)
    layers: Layers | None = field(repr=False, default=None)
    classes: int = 2

    def amount(self, counts: Mapping[str, int]) -> int:
        """What a network of these widths comes to, in what the budget counts."""
        if self.budget.of == "channels":
            return sum(counts.values())
        if self.layers is None:
            raise BadValueError(
                f"The {WORDS[self.budget.of]} of a network cannot be told ahead here: build the zoo again, or ask for "
                "a share of the channels."
            )
        size = self.layers.size(counts, self.classes)
        return size.params if self.budget.of == "params" else size.macs

    @cached_property
    def whole(self) -> int:
        """What the whole network comes to."""
        return self.amount(self.sizes)

    def share(self, counts: Mapping[str, int]) -> float:
        """The share of the whole that these widths keep, in what the budget counts."""
        return self.amount(counts) / self.whole

    def deviation(self, counts: Mapping[str, int]) -> float:
        """How far that share is off the one asked for, relative to it: 0.01 is 1 % too much."""
        return self.share(counts) / self.budget.keep - 1

    def hit(self, counts: Mapping[str, int]) -> bool:
        """Whether these widths are near enough."""
        return abs(self.deviation(counts)) <= TOLERANCE

    @property
    def uniform(self) -> Counts:
        """The widths where all groups have one keep ratio, single ones moved where only that hits the budget.

        Raises BadValueError, with the nearest there is, where none hits it: then no allocation is sure to.
        """
        if not self.hit(self.nearest):
            raise self._refusal(self.nearest)
        return self.nearest

    @cached_property
    def nearest(self) -> Counts:
        """What `uniform` comes to, near enough or not."""
        found = self._uniform(self.budget.keep)
        if self.hit(found):
            return found
        steps, _ = self._ratios
        every = fit.nearest(self._ladders, steps, range(len(steps) + 1), self.amount, self._target)
        return every if self.hit(every) else self._mended(every, self._ladders)

    def counts(
        self,
        keep: float | None = None,
        standing: Mapping[str, Array] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> Counts:
        """How many channels each group keeps at the budget, or at a larger keep ratio on the way to it.

        standing: see `standings`; without it "global" is answered as "uniform" is. limits: what each group still has.
        Raises BadValueError where the budget cannot be hit.
        """
        limits, last = limits or self.sizes, keep is None or keep <= self.budget.keep
        final = self.uniform
        if self.budget.allocation == "global" and standing is not None:
            return self._global(self.budget.keep if last else keep or 1.0, last, standing, limits)
        found = final if last else {g: max(n, final[g]) for g, n in self._uniform(keep or 1.0).items()}
        return {group: min(count, limits[group]) for group, count in found.items()}

    def channel_ratio(self, keep: float | None = None) -> float:
        """The share of the channels that go with a keep ratio, where groups are treated alike."""
        keep = self.budget.keep if keep is None else keep
        if self.budget.by_groups:
            return keep
        return sum(self.counts(keep).values()) / sum(self.sizes.values())

    def voted_at(self, keep: float | None = None) -> float:
        """The share of the channels with which neighbours vote: theirs may be as far off as a budget may."""
        ratio = self.channel_ratio(keep)
        return ratio if self.budget.by_groups else ratio * (1 - TOLERANCE)

    def _uniform(self, keep: float) -> Counts:
        """One keep ratio for all groups: of channels the one asked for, else the one that comes nearest."""
        budget = self.budget
        if budget.of == "channels":
            found = {g: kept_count(keep, n, budget.least_width, budget.multiple) for g, n in self.sizes.items()}
            if keep > budget.keep or self.hit(found):
                return found
        steps, stops = self._ratios
        return fit.nearest(self._ladders, steps, stops, self.amount, keep * self.whole)

    def _global(self, keep: float, last: bool, standing: Mapping[str, Array], limits: Mapping[str, int]) -> Counts:
        ladders = {g: (*(w for w in ladder if w < limits[g]), limits[g]) for g, ladder in self._ladders.items()}
        steps = fit.by_standing(ladders, standing)
        if not last:  # never below what is still to come
            return fit.at_least(ladders, steps, self.amount, keep * self.whole)
        found = fit.nearest(ladders, steps, range(len(steps) + 1), self.amount, self._target)
        if not self.hit(found):
            found = self._mended(found, ladders)
        if not self.hit(found) and all(self.uniform[group] in ladder for group, ladder in ladders.items()):
            found = self.uniform
        if not self.hit(found):
            raise self._refusal(found)
        return found

    @cached_property
    def _target(self) -> float:
        return self.budget.keep * self.whole

    @cached_property
    def _ladders(self) -> dict[str, tuple[int, ...]]:
        return {g: widths_of(n, self.budget.least_width, self.budget.multiple) for g, n in self.sizes.items()}

    @cached_property
    def _ratios(self) -> tuple[list[str], list[int]]:
        return fit.by_ratio(self._ladders, self.sizes)

    def _mended(self, start: Counts, ladders: Mapping[str, tuple[int, ...]]) -> Counts:
        return fit.mended(start, ladders, self.amount, self._target, TOLERANCE * self._target)

    def _refusal(self, counts: Counts) -> BadValueError:
        budget, near = self.budget, self.share(counts)
        free = budget.least_width == budget.multiple == 1
        other = "" if free else ", or allow other widths than "
        if not free:
            kinds = [f"{budget.least_width} at least"] if budget.least_width > 1 else []
            other += " and ".join([*kinds, *([f"multiples of {budget.multiple}"] if budget.multiple > 1 else [])])
        return BadValueError(
            f"Keeping {ratio(budget.keep)} of the {WORDS[budget.of]} cannot be met within {ratio(TOLERANCE)}: "
            f"the nearest is {ratio(near)}. Ask for a keep ratio of {near:.4g}{other}."
        )


def relative(scores: Mapping[str, Array]) -> dict[str, Array]:
    """Scores that can be compared across groups: each in units of its group's mean over all channels it ever had.

    scores: float [n_g] per group, not negative, 0 for channels that are gone. A group without any score counts as even.
    """
    found = {}
    for group, values in scores.items():
        total = float(values.sum())
        found[group] = values * (len(values) / total) if total > 0 else np.ones(len(values))
    return found


def standings(
    scores: Mapping[str, Array],
    ties: Mapping[str, Array] | None = None,
    there: Mapping[str, npt.NDArray[np.bool_]] | None = None,
) -> dict[str, Array]:
    """Each channel's place among the channels of all groups, float [n_g] per group, from 0 for the last.

    scores, ties: float [n_g] per group, comparable across groups; of two alike in both, the one in the earlier group
    or of the lower index stands before the other. there: bool [n_g], channels that are gone stand behind all others.
    """

    def joined(values: Mapping[str, Array]) -> Array:
        return np.concatenate([np.asarray(values[group], np.float64) for group in scores])

    score = joined(scores)
    present = np.concatenate([there[group] for group in scores]) if there else np.ones(len(score), np.bool_)
    tie = joined(ties) if ties is not None else np.zeros(len(score))
    order = np.lexsort((-np.arange(len(score)), tie, score, present))
    places = np.empty(len(score))
    places[order] = np.arange(len(score))
    ends = np.cumsum([len(values) for values in scores.values()])[:-1]
    return dict(zip(scores, np.split(places, ends), strict=True))

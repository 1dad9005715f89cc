"""Which channels a pruned model keeps: per channel group, sorted indices in the backbone's original coordinates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError, MismatchError, UnknownNameError
from core.schema import shortened


def check_keep(keep: object) -> float:
    """The keep ratio as a float in (0, 1]. BadValueError for anything else, NaN included."""
    number = isinstance(keep, (int, float, np.integer, np.floating)) and not isinstance(keep, bool)
    if not number or not 0.0 < keep <= 1.0:  # type: ignore[operator]  # known to be a number here
        raise BadValueError(f"Keep ratio must be above 0 and at most 1, not {shortened(keep)}: try 0.2.")
    return float(keep)  # type: ignore[arg-type]


def widths_of(size: int, least: int = 1, multiple: int = 1) -> tuple[int, ...]:
    """The widths a group of `size` channels may have, ascending: multiples from `least` on, and always its own size."""
    first = max(1, -(-least // multiple)) * multiple
    return (*range(first, size, multiple), size)


def kept_count(keep: float, size: int, minimum: int = 1, multiple: int = 1) -> int:
    """How many of a group's `size` channels a keep ratio keeps: the one place where a ratio becomes a count.

    Rounds to the nearest of `widths_of(size, minimum, multiple)`; a half to the even count, as Python does, where that
    may be any, and to the smaller one else.
    """
    wanted = check_keep(keep) * size
    if multiple == 1:
        return min(size, max(minimum, round(wanted)))
    return min(widths_of(size, minimum, multiple), key=lambda width: abs(width - wanted))


def kept_counts(keep: float, sizes: Mapping[str, int]) -> dict[str, int]:
    """How many channels of each group a keep ratio keeps, whatever the method: what a network's size follows from."""
    return {group: kept_count(keep, size) for group, size in sizes.items()}


def chance_overlap(keep: float) -> float:
    """Overlap (IoU) to expect of two random selections of the same keep ratio k, in a large group: k / (2 - k)."""
    ratio = check_keep(keep)
    return ratio / (2.0 - ratio)


@dataclass(frozen=True, repr=False)
class Selection:
    """Kept channel indices per group, and each group's size in the backbone. Both in depth order, if `sizes` is.

    kept: sorted, unique indices in [0, sizes[group]), at least one; any iterables of ints (arrays too) are accepted.
    Raises BadValueError for indices that break this, MismatchError where the two do not name the same groups.
    """

    kept: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int]

    def __post_init__(self) -> None:
        if not self.sizes:
            raise BadValueError("A selection needs at least one channel group: give the size of each.")
        if set(self.kept) != set(self.sizes):
            odd = sorted(set(self.kept) ^ set(self.sizes))
            raise MismatchError(f"Channel group '{odd[0]}' has kept channels or a size, but not both: give both.")
        sizes = {group: _integer(group, size) for group, size in self.sizes.items()}
        kept = {group: _checked(group, self.kept[group], size) for group, size in sizes.items()}
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "kept", kept)

    def __hash__(self) -> int:
        return hash((frozenset(self.kept.items()), frozenset(self.sizes.items())))

    def __str__(self) -> str:
        kept, total = sum(map(len, self.kept.values())), sum(self.sizes.values())
        return f"{kept:,} of {total:,} channels in {len(self.sizes)} groups"

    def __repr__(self) -> str:
        return f"Selection({self})"

    @classmethod
    def full(cls, sizes: Mapping[str, int]) -> "Selection":
        """The selection that keeps every channel."""
        return cls({group: tuple(range(size)) for group, size in sizes.items()}, sizes)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the channel groups."""
        return tuple(self.sizes)

    @property
    def counts(self) -> dict[str, int]:
        """Number of kept channels per group."""
        return {group: len(channels) for group, channels in self.kept.items()}

    def keep_ratio(self, group: str | None = None) -> float:
        """Kept share of one group's channels, or of all channels."""
        if group is not None:
            return len(self.kept[self._known(group)]) / self.sizes[group]
        return sum(map(len, self.kept.values())) / sum(self.sizes.values())

    @property
    def channel_sparsity(self) -> float:
        """Share of all channels removed."""
        return 1.0 - self.keep_ratio()

    def mask(self, group: str) -> npt.NDArray[np.bool_]:
        """bool [n_g], true where the channel is kept. Read-only: it is made once."""
        masks: dict[str, npt.NDArray[np.bool_]] = self.__dict__.setdefault("_masks", {})
        if group not in masks:
            flags = np.zeros(self.sizes[self._known(group)], np.bool_)
            flags[list(self.kept[group])] = True
            flags.flags.writeable = False
            masks[group] = flags
        return masks[group]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_masks"}

    def overlap(self, other: "Selection", group: str) -> float:
        """IoU of the two kept sets in one group. Show it beside `chance_overlap`. MismatchError if sizes differ."""
        self._known(group)
        if other.sizes.get(group) != self.sizes[group]:
            raise MismatchError(f"Channel group '{group}' differs between the selections: compare within one backbone.")
        mine, theirs = set(self.kept[group]), set(other.kept[group])
        return len(mine & theirs) / len(mine | theirs)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: {"kept": {group: [indices]}, "sizes": {group: count}}."""
        return {"kept": {group: list(kept) for group, kept in self.kept.items()}, "sizes": dict(self.sizes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Selection":
        """The selection that `to_dict` wrote. BadValueError if it is not one."""
        try:
            kept, sizes = dict(data["kept"]), dict(data["sizes"])
        except (KeyError, TypeError, ValueError):
            raise BadValueError('A selection needs "kept" and "sizes", each by channel group: save it again.') from None
        return cls(kept, sizes)

    def _known(self, group: str) -> str:
        if group not in self.sizes:
            raise UnknownNameError("channel group", group, self.sizes)
        return group


def overlap_by_group(a: Selection, b: Selection) -> dict[str, float]:
    """IoU per channel group, in the order of `a`. MismatchError unless both name the same groups."""
    if a.sizes != b.sizes:
        raise MismatchError("The selections are of different channel groups: compare selections of one backbone.")
    return {group: a.overlap(b, group) for group in a.groups}


def mean_overlap(a: Selection, b: Selection) -> float:
    """Overlap averaged over channel groups, each counting once whatever its size."""
    overlaps = overlap_by_group(a, b)
    return sum(overlaps.values()) / len(overlaps)


def _integer(group: str, value: object) -> int:
    try:
        number = index(value)  # type: ignore[arg-type]  # anything that is not an integer is the error below
    except TypeError:
        raise BadValueError(f"Channel group '{group}' holds {value!r}: sizes and indices are whole numbers.") from None
    return number


def _checked(group: str, channels: Iterable[object], size: int) -> tuple[int, ...]:
    kept = tuple(_integer(group, channel) for channel in channels)
    if not kept:
        raise BadValueError(f"Channel group '{group}' keeps no channel: keep at least one.")
    if any(left >= right for left, right in pairwise(kept)):
        raise BadValueError(f"Kept channels of group '{group}' must be sorted and unique: sort them, drop repeats.")
    if kept[0] < 0 or kept[-1] >= size:
        raise BadValueError(
            f"Kept channels of group '{group}' must be within 0 to {size - 1}, got {kept[0]}..{kept[-1]}."
        )
    return kept

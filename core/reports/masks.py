"""The masks of two runs side by side: what both keep, what only one keeps, and how much chance alone would give."""

from dataclasses import asdict, dataclass
from typing import Any

from core.channels.selection import Selection
from core.errors import MismatchError


@dataclass(frozen=True)
class GroupMasks:
    """One channel group in two selections: channels kept by both, by one of them only, by neither.

    `overlap` is the IoU, `chance` what two random selections of these keep ratios would reach.
    """

    group: str
    size: int
    both: int
    only_a: int
    only_b: int
    neither: int
    overlap: float
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def compare_masks(a: Selection, b: Selection) -> list[GroupMasks]:
    """Every channel group, in order of depth. MismatchError unless both are selections from one backbone."""
    if a.sizes != b.sizes:
        raise MismatchError("These runs pruned different networks, so their channels cannot be told apart.")
    found = []
    for group, size in a.sizes.items():
        mine, theirs = set(a.kept[group]), set(b.kept[group])
        both = len(mine & theirs)
        chance = chance_of_two(len(mine) / size, len(theirs) / size)
        gone = size - len(mine | theirs)
        found.append(
            GroupMasks(group, size, both, len(mine) - both, len(theirs) - both, gone, both / len(mine | theirs), chance)
        )
    return found


def chance_of_two(a: float, b: float) -> float:
    """Overlap to expect of two random selections of keep ratios a and b, in a large group; k / (2 - k) where a = b."""
    return a * b / (a + b - a * b)

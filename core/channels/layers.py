"""How large a slim network is, from the number of channels kept alone: parameters, MACs, bytes, exact and torch-free.

Every tensor's size is a product of widths, and every width a sum over channel groups; so a network's size is a sum of
products, written down once from the dense network (`core.channels.counted`) and evaluated for any selection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import BadFileError, MismatchError

HEAD = "outputs of the head"  # a width of the last layer's: one for each class of the task
WHOLE = "never removed"  # a width that does not depend on the selection: one for each index that is in no group


@dataclass(frozen=True)
class Size:
    """What a network comes to: parameters, MACs of one image, and bytes of its weights as float32, buffers included."""

    params: int
    macs: int
    bytes: int

    def __add__(self, other: "Size") -> "Size":
        return Size(self.params + other.params, self.macs + other.macs, self.bytes + other.bytes)


NOTHING = Size(0, 0, 0)


@dataclass(frozen=True)
class Term:
    """One product: `each` times all `widths`, where a width is the sum over groups of kept channels times a factor."""

    layer: str
    widths: tuple[Mapping[str, int], ...]
    each: Size

    def size(self, kept: Mapping[str, int]) -> Size:
        """Its value where each group keeps so many channels."""
        times = 1
        for width in self.widths:
            times *= sum(kept[group] * factor for group, factor in width.items())
        return Size(times * self.each.params, times * self.each.macs, times * self.each.bytes)


@dataclass(frozen=True, eq=False)
class Layers:
    """The terms of a network, in depth order, and the side in pixels of the images that MACs are counted for."""

    image: int
    terms: tuple[Term, ...] = field(repr=False)

    def size(self, kept: Mapping[str, int], classes: int) -> Size:
        """Of the slim network that keeps so many channels of each group and tells so many classes.

        kept: `selection.counts`, or `kept_counts(keep, zoo.groups)` where only the keep ratio is known, or the groups'
        own sizes for the dense network. Raises MismatchError for the groups of another network.
        """
        return sum(self.by_layer(kept, classes).values(), NOTHING)

    def by_layer(self, kept: Mapping[str, int], classes: int) -> dict[str, Size]:
        """The same, layer by layer in depth order."""
        kept = {**kept, HEAD: classes, WHOLE: 1}
        found: dict[str, Size] = {}
        try:
            for term in self.terms:
                found[term.layer] = found.get(term.layer, NOTHING) + term.size(kept)
        except KeyError as error:
            raise MismatchError(f"This network has a channel group {error} that the selection has not.") from None
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        terms = [
            [term.layer, [dict(w) for w in term.widths], term.each.params, term.each.macs, term.each.bytes]
            for term in self.terms
        ]
        return {"image": self.image, "terms": terms}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Layers":
        """What `to_dict` wrote. Raises BadFileError for anything else."""
        try:
            terms = tuple(
                Term(str(layer), tuple({str(g): int(n) for g, n in w.items()} for w in widths), Size(*map(int, each)))
                for layer, widths, *each in data["terms"]
            )
            return cls(int(data["image"]), terms)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadFileError("The layers of a network are not written as they should be: make them anew.") from error

"""What makes two backbones one: tensors, and the size and normalisation of the images that they are given. Torch-free.

Whatever holds a backbone against another, as zoos, models and comparisons do, asks this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DIGITS = 6  # of means and standard deviations, which files may hold as float32


@dataclass(frozen=True)
class Identity:
    """hash: SHA-256 of the tensors. size: side of the images in pixels. mean, std: per colour.

    None: not recorded, which fits any.
    """

    hash: str
    size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def words(self) -> str:
        """All of it as text, which is equal for one and the same."""
        return " ".join(map(str, (self.hash, self.size, _rounded(self.mean), _rounded(self.std))))

    def difference(self, other: "Identity") -> str:
        """The first thing that this and another differ in, such as "image size 32, here 64"; "" if in nothing."""
        for name, mine, theirs in (
            ("weights", self.hash, other.hash),
            ("image size", self.size, other.size),
            ("mean", _rounded(self.mean), _rounded(other.mean)),
            ("standard deviation", _rounded(self.std), _rounded(other.std)),
        ):
            if None not in (mine, theirs) and mine != theirs:
                return f"{name} {_short(mine)}, here {_short(theirs)}"
        return ""


def _rounded(colours: Sequence[float] | None) -> str | None:
    return None if colours is None else ",".join(f"{round(value, DIGITS):g}" for value in colours)


def _short(value: object) -> str:
    text = str(value)
    return text if "," in text else text[:12]

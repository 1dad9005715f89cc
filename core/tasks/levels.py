"""Levels of an image that stores more than 8 bits a value: how many are left in 8 bits, and how many it stores.

Files whose values fill a small part of their range, such as 12 bits in a 16-bit file, would come out almost black.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.tasks.files import FORMATS

FEWEST, PER_LEVEL = 32, 2  # levels in 8 bits; values stored for each of them
_NATIVE_SWAPPED = "B" if sys.byteorder == "little" else "L"
_SWAPPED = {"B": "L", "L": "B", "N": _NATIVE_SWAPPED}


def too_few_levels(eight_bit: Image.Image, stored: Callable[[], npt.NDArray[Any]]) -> int | None:
    """The number of levels in 8 bits if it is below FEWEST and at least PER_LEVEL stored values share each on average;
    else None. An image of one value has lost nothing. stored: the values before, called only if needed."""
    bands, counts = eight_bit.getbands(), eight_bit.histogram()
    colours = [counts[256 * place : 256 * place + 256] for place, band in enumerate(bands) if band != "A"]
    levels = sum(any(several) for several in zip(*colours, strict=True))
    return levels if levels < FEWEST and len(np.unique(stored())) >= PER_LEVEL * levels else None


def raw_mode(picture: Image.Image) -> str:
    """How an image's file lays out its pixels, such as "RGB;16B"; "" if it does not say. Known before they are
    loaded."""
    tiles = getattr(picture, "tile", None)
    arguments = tiles[0].args if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


@dataclass(frozen=True)
class WideColour:
    """An open file of 16-bit colour, or grey with alpha, of which Pillow decodes the upper bytes alone."""

    file: BinaryIO
    raw_mode: str

    @classmethod
    def of(cls, picture: Image.Image) -> "WideColour | None":
        """The file of an image whose pixels are not loaded yet; None if it is of another kind."""
        raw, file = raw_mode(picture), getattr(picture, "fp", None)
        wide = picture.mode in ("RGB", "RGBA") and raw[:-1].endswith(";16") and raw[-1] in _SWAPPED
        return cls(file, raw) if wide and file is not None else None

    def values(self) -> npt.NDArray[np.uint16]:
        """Its 16-bit values, without those of alpha."""
        if self.raw_mode.startswith("LA"):  # as if its four bytes a pixel were four bands
            both = self._decoded("RGBA")
            high, low = both[..., 0], both[..., 1]
        else:
            swapped = self.raw_mode[:-1] + _SWAPPED[self.raw_mode[-1]]
            high, low = self._decoded(self.raw_mode)[..., :3], self._decoded(swapped)[..., :3]
        return (high.astype(np.uint16) << 8 | low).astype(np.uint16)

    def _decoded(self, raw: str) -> npt.NDArray[np.uint8]:
        self.file.seek(0)
        with Image.open(self.file, formats=FORMATS) as picture:
            picture.tile = [
                tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
                for tile in picture.tile
            ]
            return np.asarray(picture)

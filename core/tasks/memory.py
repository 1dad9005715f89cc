"""What images take in memory: refused where a machine does not have it, and decoded ones kept while they fit."""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError

AS_FLOATS = 4  # bytes of a colour while a run trains, beside the one it is stored in
Images = npt.NDArray[np.uint8]


def image_bytes(count: int, side: int) -> int:
    """Bytes of so many stored images of `side` pixels."""
    return count * side * side * 3


def physical_memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_fits(what: str, count: int, side: int) -> None:
    """Raise BadValueError, before any is decoded, for more images than this machine can hold and train on."""
    needed, there = image_bytes(count, side) * (1 + AS_FLOATS), physical_memory()
    if needed > there:
        raise BadValueError(
            f"The {count:,} images of {what} take {needed / 1e9:.3g} GB at {side} pixels, and this machine has "
            f"{there / 1e9:.3g} GB of memory: choose fewer of its classes."
        )


class Sized(Protocol):
    """Something whose memory is known."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        ...


S = TypeVar("S", bound=Sized)


class Kept(Generic[S]):
    """Decoded images by key, up to `most` bytes, but at least the `fewest` used last; those used longest ago go
    first."""

    def __init__(self, most: int, fewest: int = 0) -> None:
        self._most, self._fewest, self._lock = most, fewest, Lock()
        self._images: OrderedDict[Hashable, S] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], S]) -> S:
        """The images under a key, made if they are not kept. To be read only."""
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
                return self._images[key]
        made = make()
        with self._lock:
            self._images[key] = made
            while self.bytes > self._most and len(self._images) > self._fewest:
                self._images.popitem(last=False)
        return made

    @property
    def bytes(self) -> int:
        """What is kept."""
        return sum(images.nbytes for images in self._images.values())

"""Labelled images in memory, with a fixed train / validation / test split: what every data set loads into."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import UnknownNameError
from core.tasks.findings import NOTHING, Findings

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """images uint8 [N, H, W, 3], labels int64 [N] (indices into `classes`), split int8 [N] (indices into `SPLITS`).

    findings: what there is to say about its files before training.
    """

    name: str
    classes: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    split: npt.NDArray[np.int8]
    findings: Findings = NOTHING

    def __repr__(self) -> str:
        return f"ImageSet({self.name!r}, {len(self.images)} images, {len(self.classes)} classes)"

    @property
    def nbytes(self) -> int:
        """What its images take in memory."""
        return self.images.nbytes

    def part(self, split: str, classes: Iterable[str] | None = None) -> "Examples":
        """The images of one split, of all classes or of some; labels then count in the order of those classes.

        Raises UnknownNameError for a split or class that is not there.
        """
        wanted = list(self.classes if classes is None else classes)
        if split not in SPLITS:
            raise UnknownNameError("split", split, SPLITS)
        for name in wanted:
            if name not in self.classes:
                raise UnknownNameError(f"{self.name} class", name, self.classes)
        relabel = np.full(len(self.classes), -1, np.int64)
        relabel[[self.classes.index(name) for name in wanted]] = np.arange(len(wanted))
        labels = relabel[self.labels]
        rows = np.flatnonzero((labels >= 0) & (self.split == SPLITS.index(split)))
        return Examples(self.images[rows], labels[rows])


@dataclass(frozen=True, eq=False, repr=False)
class Examples:
    """images uint8 [N, H, W, 3] and labels int64 [N], counted from 0 in the order of the task's classes."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def sized(self, side: int) -> "Examples":
        """The images as squares of `side` pixels, see `resized`; itself where they are that already."""
        return self if self.images.shape[1] == side else Examples(resized(self.images, side), self.labels)

    def at_most(self, per_class: int) -> "Examples":
        """No more than so many images of each class, always the same ones; itself where there are no more."""
        rows = [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]
        if all(len(mine) <= per_class for mine in rows):
            return self
        drawn = [np.random.default_rng([0x47, int(mine[0])]).permutation(mine)[:per_class] for mine in rows]
        chosen = np.sort(np.concatenate(drawn))
        return Examples(self.images[chosen], self.labels[chosen])

    def __repr__(self) -> str:
        return f"Examples({len(self)} images, {len(np.unique(self.labels))} classes)"


def fingerprint(parts: Iterable[Examples]) -> str:
    """SHA-256 of the images and labels of some parts, in their order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(part.labels.tobytes())
    return digest.hexdigest()


def resized(images: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, side, side, 3] of square images [N, H, H, 3]: Lanczos, antialiased, in whole numbers, so the same bits
    on every machine; N * side^2 * 3 bytes."""
    out = np.empty((len(images), side, side, 3), np.uint8)
    for index, image in enumerate(images):
        out[index] = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
    return out


def fraction(key: str) -> float:
    """A fixed number in [0, 1) for a text. Splits made from it depend on names alone, on every machine; a name that
    is not UTF-8 counts as its bytes."""
    return int.from_bytes(hashlib.sha256(key.encode(errors="surrogateescape")).digest()[:8], "big") / 2**64

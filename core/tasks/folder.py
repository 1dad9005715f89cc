"""Any folder of images as a data set: one subfolder a class, split by us or by train / validation / test subfolders.

Only the requested classes are walked and decoded, so that a task of five ImageNet classes reads five folders.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import BadValueError, MissingDataError, UnknownNameError
from core.tasks import allowed
from core.tasks.decode import Decoded, Undecodable, decode_file, decoded, dimensions, square
from core.tasks.files import File, is_utf8, printable
from core.tasks.findings import Findings, Unreadable, group_by_reason, repeats_of, unreadable_error
from core.tasks.images import SPLITS, TRAIN, ImageSet
from core.tasks.layout import Layout, layout_of
from core.tasks.listing import LeftOutFile, Listing, listing_of, outside, shown, split_of_each
from core.tasks.memory import Kept, check_fits
from core.tasks.tree import on_disk

PREFIX = "folder:"
SMALL, LARGE = 32, 64
_REMEDY = "replace {them}, or remove {them}, or skip what cannot be read (--skip-unreadable)"
_decoded: Kept[Decoded] = Kept(1 << 30)  # bytes of decoded classes, so that the tasks of a zoo share them


@dataclass(frozen=True)
class Survey:
    """What a folder holds. counts: class -> split -> images. checked: whether every image was decoded for it."""

    layout: Layout
    counts: dict[str, dict[str, int]]
    findings: Findings
    checked: bool


def path_of(name: str) -> Path:
    """The absolute folder of a data set's name "folder:/path". Raises MissingDataError for the home of no user,
    BadValueError for a name that is not UTF-8."""
    given = name.removeprefix(PREFIX)
    if not is_utf8(given):
        raise BadValueError(f"The folder name {printable(given)} is not valid UTF-8: rename the folder.")
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError as error:
        if allowed.is_restricted():
            raise MissingDataError(allowed.REFUSED) from error
        raise MissingDataError(f"No user has the home folder {Path(given).parts[0]}: check the path.") from error


def layout(path: Path) -> Layout:
    """Which of a folder's subfolders serve which split, and which are its classes. Raises MissingDataError for no such
    folder and for one that visitors may not read, BadValueError for an ambiguous folder, or with too
    few classes. Whatever reads a folder asks for its layout first."""
    allowed.check(path)
    if not os.path.isdir(path):
        raise MissingDataError(f"There is no folder {path}: check its name, and that it is on this machine.")
    return layout_of(on_disk(path), str(path))


def class_names(path: Path) -> tuple[str, ...]:
    """The classes: names of the subfolders that hold images, sorted. Looks no further than each one's first image.

    Raises as `layout`.
    """
    return layout(path).classes


def listed(path: Path, classes: Collection[str] | None = None) -> Listing:
    """The images of these classes (None: of all), not opened yet. Raises as `layout`, and UnknownNameError for a class
    that is not there."""
    found = layout(path)
    if missing := sorted(set(classes or ()) - set(found.classes)):
        raise UnknownNameError(f"{PREFIX}{path} class", missing[0], found.classes)
    return listing_of(found, found.classes if classes is None else set(classes), str(path))


def fingerprint(listing: Listing) -> str:
    """A text that changes if one of these images is added, removed or written to, or its folder serves another
    split."""
    return _fingerprint(chain.from_iterable(listing.images.values()))


def load(listing: Listing, size: int | None = None, skip_unreadable: bool = False) -> ImageSet:
    """These images as squares of `size` pixels: by default 32 if none is larger, else 64.

    Cut to the middle square, laid on white if transparent. skip_unreadable: leave out images that cannot be decoded,
    exactly as if they were not there. Raises BadValueError for too few images of a class, or more of them than memory
    holds, BadFileError that lists the images that cannot be decoded.
    """
    for name in listing.images:
        split_of_each(listing, name)  # refuses before anything is decoded
    side = size or (SMALL if all(max(_dimensions(file)) <= SMALL for file in listing.files) else LARGE)
    check_fits(f"{PREFIX}{listing.what}", len(listing.files), side)
    images = np.empty((len(listing.files), side, side, 3), np.uint8)
    read = _Read(listing, skip_unreadable)
    for name in listing.images:
        made = _class_decoded(name, listing, side)
        images[read.number : read.number + len(made.files)] = made.images
        read.add(name, made)
    if read.unreadable and not skip_unreadable:
        raise unreadable_error(read.unreadable, len(listing.files), listing.what, _REMEDY, f"{listing.what}/")
    splits = read.splits()
    labels = np.repeat(np.arange(len(splits)), [len(mine) for mine in splits.values()])
    split = np.array([SPLITS.index(one) for mine in splits.values() for one in mine.values()], np.int8)
    findings = read.findings(splits, listing.left_out)
    return ImageSet(f"{PREFIX}{listing.what}", tuple(splits), images[: read.number], labels, split, findings)


def survey(listing: Listing, skip_unreadable: bool = False, most: int | None = None) -> Survey:
    """What a folder holds of these classes, and which of its files are left out. Raises as `load`, but for unreadable
    images.

    most: decode every image to find unreadable and repeated ones, unless there are more than this many; None for never.
    """
    left_out = [*listing.left_out, *outside(listing.layout)]
    if most is None or len(listing.files) > most:
        counts = {name: _counted(split_of_each(listing, name)) for name in listing.images}
        return Survey(listing.layout, counts, Findings(group_by_reason(left_out)), checked=False)
    read = _Read(listing, skip_unreadable)
    for name in listing.images:
        read.add(name, _class_decoded(name, listing, SMALL))
    splits = read.splits()
    counts = {name: _counted(mine) for name, mine in splits.items()}
    return Survey(listing.layout, counts, read.findings(splits, left_out), checked=True)


def some_training_images(path: Path, name: str, most: int, side: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, side, side, 3]: the first few training images of a class that can be decoded, split as `load` does.
    Raises as it does."""
    squares: list[npt.NDArray[np.uint8]] = []
    for file, split in split_of_each(listed(path, [name]), name).items():
        if split == TRAIN and len(squares) < most:
            try:
                squares.append(square(decode_file(file.place), side))
            except Undecodable:
                continue
    return np.stack(squares) if squares else np.empty((0, side, side, 3), np.uint8)


class _Read:
    """The classes of a folder as they are decoded, one by one: labels and splits of the images that could be."""

    def __init__(self, listing: Listing, skip_unreadable: bool) -> None:
        self._listing, self._skips = listing, skip_unreadable
        self._made: dict[str, tuple[tuple[File, ...], tuple[bytes, ...]]] = {}
        self._unreadable_of: dict[str, set[File]] = {}
        self.unreadable: list[Unreadable] = []
        self.number = 0

    def add(self, name: str, made: Decoded) -> None:
        """Take note of one class's images; the images themselves are not kept."""
        self.number += len(made.files)
        self.unreadable += [Unreadable(shown(file), reason) for file, reason in made.unreadable]
        self._unreadable_of[name] = {file for file, _ in made.unreadable}
        self._made[name] = made.files, made.digests

    def splits(self) -> dict[str, dict[File, str]]:
        """Class -> image -> split; if unreadable ones are skipped, as if they were not there. Raises BadValueError for
        a class of which too few are left."""
        return {
            name: split_of_each(self._listing, name, self._unreadable_of[name] if self._skips else ())
            for name in self._listing.images
        }

    def findings(self, splits: dict[str, dict[File, str]], left_out: Iterable[LeftOutFile]) -> Findings:
        """What there is to say about these classes."""
        repeats = repeats_of(
            (digest, shown(file), name, splits[name][file])
            for name, (files, digests) in self._made.items()
            for file, digest in zip(files, digests, strict=True)
        )
        stopping, skipped = ((), self.unreadable) if self._skips else (self.unreadable, ())
        return Findings(group_by_reason(left_out), tuple(stopping), tuple(skipped), repeats)


def _class_decoded(name: str, listing: Listing, side: int) -> Decoded:
    """The decoded images of one class."""
    files = listing.images[name]
    key = (listing.what, name, side, _fingerprint(files))
    return _decoded.get(key, partial(decoded, [file for file, _ in files], side))


def _fingerprint(files: Iterable[tuple[File, str | None]]) -> str:
    digest = hashlib.sha256()
    for file, split in files:
        try:
            stat = os.lstat(file.place)
            written = f"{stat.st_size}\0{stat.st_mtime_ns}"
        except OSError:  # gone since it was listed
            written = "gone"
        digest.update(os.fsencode(file.place) + f"\0{split}\0{written}\n".encode())
    return digest.hexdigest()


def _dimensions(file: File) -> tuple[int, int]:
    """Width and height; (0, 0) of an unreadable image, which decoding reports."""
    try:
        return dimensions(file.place)
    except Undecodable:
        return 0, 0


def _counted(splits: Mapping[File, str]) -> dict[str, int]:
    return {split: sum(one == split for one in splits.values()) for split in SPLITS}

"""Any folder of images as a data set: one subfolder a class, split by us or by train / validation / test subfolders.

Only the classes that are asked for are walked and decoded, so that a task of five ImageNet classes reads five folders.
"""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from core.errors import BadFileError, BadValueError, MissingDataError, UnknownNameError
from core.numbers import percent
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION, ImageSet, fraction
from core.tasks.memory import Kept, check_fits

PREFIX = "folder:"
ENDINGS = {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
SPLIT_FOLDERS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
SMALL, LARGE = 32, 64
SHARES = {TEST: 0.20, VALIDATION: 0.15}
FEWEST = 3  # one for each split
_decoded = Kept(1 << 30)  # bytes of decoded classes, so that the tasks of a zoo do not decode theirs again and again
_Files = list[tuple[Path, str | None]]  # images, each with the split that the folder states, or None


def path_of(name: str) -> Path:
    """The absolute folder of a data set's name "folder:/path"."""
    path = Path(name.removeprefix(PREFIX))
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # "~" with the name of nobody
        return path.absolute()


def class_names(path: Path) -> tuple[str, ...]:
    """The classes: names of the subfolders that hold images, sorted. Looks no further than each one's first image.

    Raises MissingDataError for no such folder, BadValueError for too few classes.
    """
    found: set[str] = set()
    for parent, _ in _parents(path):
        found.update(inside.name for inside in _folders(parent) if inside.name not in found and _has_image(inside))
    if not found:
        raise BadValueError(f"There are no images in {path}: give each class a subfolder with its images.")
    if len(found) == 1:
        raise BadValueError(f"{path} has only one class, '{next(iter(found))}': add a subfolder with another's images.")
    return tuple(sorted(found))


def fingerprint(path: Path, classes: Collection[str] | None = None) -> str:
    """A text that changes when an image of these classes (None: of any) is added, removed or written to."""
    if classes is None:
        files = sorted(_walk(path))
    else:
        files = sorted(file for listed in _files(path, classes).values() for file, _ in listed)
    digest = hashlib.sha256()
    for file in files:
        stat = file.lstat()
        digest.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def load(path: Path, size: int | None = None, classes: Collection[str] | None = None) -> ImageSet:
    """The images of these classes (None: of all), as squares of `size` pixels: by default 32 where none is larger, else
    64.

    Cut to the middle square, laid on white where transparent. Raises MissingDataError for no such folder, BadValueError
    for too few classes or images, or more of them than memory holds, UnknownNameError for a class that is not there,
    BadFileError for an image that cannot be read.
    """
    names, listed = _listed(path, classes)
    every = [file for files in listed.values() for file, _ in files]
    side = size or (SMALL if all(max(_dimensions(file)) <= SMALL for file in every) else LARGE)
    check_fits(f"{PREFIX}{path}", len(every), side)
    images = np.empty((len(every), side, side, 3), np.uint8)
    start = 0
    for name, files in listed.items():
        own = [file for file, _ in files]
        key = (path, name, side, fingerprint(path, [name]))
        images[start : start + len(own)] = _decoded.get(key, partial(_squares, own, side))
        start += len(own)
    labels = np.repeat(np.arange(len(names)), [len(files) for files in listed.values()])
    split = np.array([SPLITS.index(split) for files in listed.values() for _, split in files], np.int8)
    return ImageSet(f"{PREFIX}{path}", names, images, labels, split)


def counts(path: Path, classes: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """Class -> split -> how many images `load` would read, without reading any. Raises as it does."""
    _, listed = _listed(path, classes)
    return {
        name: {split: sum(mine == split for _, mine in files) for split in SPLITS} for name, files in listed.items()
    }


def split_rule(path: Path) -> str:
    """One sentence: which images are for training, validation and test."""
    parents = _parents(path)
    given = {TRAIN: "train"} | {split: parent.name for parent, split in parents if split is not None}
    validation, test = percent(SHARES[VALIDATION]), percent(SHARES[TEST])
    if parents[0][1] is None:
        return f"By file name: {test} of each class for test, {validation} for validation, the rest for training."
    drawn = f"{validation} of each class, drawn by file name from '{given[TRAIN]}'"
    parts = [f"'{given[TRAIN]}' for training"]
    parts.append(f"'{given[VALIDATION]}' for validation" if VALIDATION in given else f"{drawn}, for validation")
    also = f"{test} of each class, drawn by file name from '{given[TRAIN]}', for test"
    parts.append(f"'{given[TEST]}' for test" if TEST in given else also)
    out = sorted(inside.name for inside in _folders(path) if inside.name not in given.values())
    left = f"; left out, as no class folders are in it: {', '.join(out)}" if out else ""
    return f"By folder: {', '.join(parts)}{left}."


def some_training_images(path: Path, name: str, most: int, side: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, side, side, 3]: the first few training images of a class; as `load` splits them. Raises as it does."""
    listed = _split(path, name, _files(path, [name])[name])
    files = [file for file, split in listed if split == TRAIN][:most]
    return _squares(files, side)


def _listed(path: Path, classes: Collection[str] | None) -> tuple[tuple[str, ...], dict[str, list[tuple[Path, str]]]]:
    """(the classes wanted, sorted; class -> its images, each with its split)."""
    known = class_names(path)
    if missing := sorted(set(classes or ()) - set(known)):
        raise UnknownNameError(f"{PREFIX}{path} class", missing[0], known)
    names = known if classes is None else tuple(name for name in known if name in set(classes))
    return names, {name: _split(path, name, files) for name, files in _files(path, names).items()}


def _parents(path: Path) -> list[tuple[Path, str | None]]:
    """The folders that class folders lie in, each with the split that it states, or None.

    Where there is no test part, validation images held out by others are it: validation is then drawn from training
    images, so that what a run is followed by is not what it is judged by.
    """
    if not path.is_dir():
        raise MissingDataError(f"There is no folder {path}: check its name, and that it is on this machine.")
    inside = _folders(path)
    stated = {folder.name.lower() for folder in inside}
    # a class may well be called "train": only where all subfolders are named as splits do they mean splits
    if not ("train" in stated and len(stated) > 1 and stated <= set(SPLIT_FOLDERS)):
        return [(path, None)]
    found = [(parent, SPLIT_FOLDERS[parent.name.lower()]) for parent in inside if _folders(parent)]
    if TEST in [split for _, split in found]:
        return [*found]
    return [(parent, TEST if split == VALIDATION else split) for parent, split in found]


def _files(path: Path, classes: Collection[str]) -> dict[str, _Files]:
    """Class -> its images, in order."""
    parents = _parents(path)
    return {
        name: [(file, split) for parent, split in parents for file in sorted(_walk(parent / name))]
        for name in sorted(classes)
    }


def _split(path: Path, name: str, files: Sequence[tuple[Path, str | None]]) -> list[tuple[Path, str]]:
    """Each image of one class with its split: the stated one, else by a hash of its name; at least one in each."""
    if len(files) < FEWEST:
        raise BadValueError(
            f"The class '{name}' in {path} has {len(files)} image(s), and each class needs {FEWEST} or more, "
            "for training, validation and test: add some, or remove its folder."
        )
    out = {file: split or TRAIN for file, split in files}
    stated = {split for _, split in files}
    free = [file for file, split in files if split in (None, TRAIN)]
    free.sort(key=lambda file: fraction(file.relative_to(path).as_posix()))
    for split, share in SHARES.items():
        if split not in stated:
            number = max(1, round(share * len(files)))
            out.update(dict.fromkeys(free[:number], split))
            free = free[number:]
    lacking = [split for split in SPLITS if split not in out.values()]
    if lacking:
        raise BadValueError(
            f"The class '{name}' in {path} has too few images for {lacking[0]}: add some to its training images."
        )
    return list(out.items())


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    except OSError as error:
        raise BadFileError(f"The folder {path} cannot be read ({error.strerror}): allow it, or remove it.") from error


def _has_image(path: Path) -> bool:
    """Whether there is an image anywhere below a folder; stops at the first."""
    try:
        with os.scandir(path) as inside:
            deeper = []
            for entry in inside:
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(entry)
                elif _is_image(entry.name):
                    return True
        return any(_has_image(Path(entry.path)) for entry in deeper if not entry.name.startswith("."))
    except OSError:
        return False


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in ENDINGS


def _walk(path: Path) -> Iterator[Path]:
    """Every image file below a folder; hidden ones (as file managers leave behind) are passed over."""
    for parent, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if _is_image(name))


def _dimensions(file: Path) -> tuple[int, int]:
    try:
        with Image.open(file) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _broken(file) from error


def _squares(files: Sequence[Path], side: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, side, side, 3]."""
    return np.stack([_square(file, side) for file in files])


def _square(file: Path, side: int) -> npt.NDArray[np.uint8]:
    """uint8 [side, side, 3]."""
    try:
        with Image.open(file) as picture:
            upright = _eight_bit(ImageOps.exif_transpose(picture)).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _broken(file) from error
    white = Image.new("RGBA", upright.size, "white")
    flat = Image.alpha_composite(white, upright).convert("RGB")
    return np.asarray(ImageOps.fit(flat, (side, side), Image.Resampling.LANCZOS))


def _eight_bit(picture: Image.Image) -> Image.Image:
    """16-bit grey brought to 8 bits by its upper byte; Pillow alone would cut everything from 255 up to white."""
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)) if picture.mode.startswith("I;16") else picture


def _broken(file: Path) -> BadFileError:
    return BadFileError(f"The image {file} cannot be read: replace it, or remove it.")

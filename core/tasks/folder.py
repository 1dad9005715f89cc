"""Any folder of images as a data set: one subfolder a class, split by us or by train / validation / test subfolders."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from core.errors import BadFileError, BadValueError, MissingDataError
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION, ImageSet, fraction

PREFIX = "folder:"
ENDINGS = {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
SPLIT_FOLDERS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
SMALL, LARGE = 32, 64
SHARES = {TEST: 0.20, VALIDATION: 0.15}
FEWEST = 3  # one for each split


def path_of(name: str) -> Path:
    """The absolute folder of a data set's name "folder:/path"."""
    return Path(name.removeprefix(PREFIX)).expanduser().absolute()


def class_names(path: Path) -> tuple[str, ...]:
    """The classes: names of the subfolders that hold images, sorted."""
    return tuple(sorted(_files(path)))


def fingerprint(path: Path) -> str:
    """A text that changes when a file in the folder is added, removed or written to."""
    digest = hashlib.sha256()
    for file in sorted(_walk(path)):
        stat = file.lstat()
        digest.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def load(path: Path, size: int | None = None) -> ImageSet:
    """All images, as squares of `size` pixels: by default 32 where no image is larger, else 64.

    Cut to the middle square, laid on white where transparent. Raises MissingDataError for no such folder, BadValueError
    for too few classes or images, BadFileError for an image that cannot be read.
    """
    found = _files(path)
    classes = tuple(sorted(found))
    rows = [
        (file, label, split) for label, name in enumerate(classes) for file, split in _split(path, name, found[name])
    ]
    side = size or (SMALL if all(max(_dimensions(file)) <= SMALL for file, _, _ in rows) else LARGE)
    images = np.empty((len(rows), side, side, 3), np.uint8)
    for index, (file, _, _) in enumerate(rows):
        images[index] = _square(file, side)
    labels = np.array([label for _, label, _ in rows], np.int64)
    split = np.array([SPLITS.index(split) for _, _, split in rows], np.int8)
    return ImageSet(f"{PREFIX}{path}", classes, images, labels, split)


def some_training_images(path: Path, name: str, most: int, side: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, side, side, 3]: the first few training images of a class; as `load` splits them. Raises as it does."""
    listed = _split(path, name, _files(path).get(name, []))
    files = [file for file, split in listed if split == TRAIN][:most]
    return np.stack([_square(file, side) for file in files])


def _files(path: Path) -> dict[str, list[tuple[Path, str | None]]]:
    """class -> its images, each with the split that the folder states, or None."""
    if not path.is_dir():
        raise MissingDataError(f"There is no folder {path}: check its name, and that it is on this machine.")
    found: dict[str, list[tuple[Path, str | None]]] = {}
    inside = _folders(path)
    stated = {folder.name.lower() for folder in inside}
    # a class may well be called "train": only where all subfolders are named as splits do they mean splits
    by_split = "train" in stated and len(stated) > 1 and stated <= set(SPLIT_FOLDERS)
    for parent in inside if by_split else [path]:
        for folder in _folders(parent):
            images = sorted(_walk(folder))
            if images:
                split = SPLIT_FOLDERS[parent.name.lower()] if by_split else None
                found.setdefault(folder.name, []).extend((file, split) for file in images)
    if not found:
        raise BadValueError(f"There are no images in {path}: give each class a subfolder with its images.")
    if len(found) == 1:
        raise BadValueError(f"{path} has only one class, '{next(iter(found))}': add a subfolder with another's images.")
    return found


def _split(path: Path, name: str, files: list[tuple[Path, str | None]]) -> list[tuple[Path, str]]:
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


def _walk(path: Path) -> Iterator[Path]:
    """Every image file below a folder; hidden ones (as file managers leave behind) are passed over."""
    for parent, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, n) for n in names if not n.startswith(".") and Path(n).suffix.lower() in ENDINGS)


def _dimensions(file: Path) -> tuple[int, int]:
    try:
        with Image.open(file) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _broken(file) from error


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

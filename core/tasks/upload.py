"""A zip of image folders, taken in: checked, unpacked under plain names, then a data set `folder:...` like any other.

Nothing in a zip is trusted: neither its names, nor the sizes it states, nor that a picture is one.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from core.bundle import DAMAGE
from core.errors import BadFileError, BadValueError, MetaVoteError
from core.tasks.allowed import uploads as uploads
from core.tasks.folder import ENDINGS, FEWEST, PREFIX, SPLIT_FOLDERS

MOST_IMAGES, LARGEST_IMAGE, LARGEST = 20_000, 20_000_000, 500_000_000  # images, bytes of one, bytes of all unpacked
MOST_PIXELS = 50_000_000
Member = tuple[tuple[str, ...], zipfile.ZipInfo]  # the folders that an image lies in, and itself
REMEDY = "zip a folder that has one subfolder of images for each class"


def uploaded() -> list[str]:
    """Names ("folder:/path") of the data sets that were taken in, by name."""
    return [f"{PREFIX}{path.absolute()}" for path in sorted(uploads().glob("*-*")) if path.is_dir()]


def is_upload(dataset: str) -> bool:
    """Whether a data set was taken in from a zip, so that it is ours to remove."""
    return dataset in uploaded()


def take_in(content: bytes, name: str) -> str:
    """Unpack a zip of image folders; returns the data set's name. The same content twice is one data set.

    Raises BadFileError, BadValueError, one sentence each, and then leaves nothing behind.
    """
    digest = hashlib.sha256(content).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem)[:40].strip("-") or "images"
    root = uploads()
    target = root / f"{plain}-{digest}"
    if not target.is_dir():
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=root, prefix=".unpack-") as beside:
                folder = Path(beside) / "images"
                _unpack(content, name, folder)
                folder.rename(target)
        except OSError as error:
            raise MetaVoteError(f"{name} cannot be unpacked into {root} ({error.strerror}): check it.") from error
    return f"{PREFIX}{target.absolute()}"


def remove_upload(dataset: str) -> None:
    """Delete the images of a data set that was taken in; any other is left alone."""
    if is_upload(dataset):
        shutil.rmtree(dataset.removeprefix(PREFIX), ignore_errors=True)


def _unpack(content: bytes, name: str, folder: Path) -> None:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            images = _images(archive, name)
            left = LARGEST
            for number, (parts, member) in enumerate(images):
                picture = _read(archive, member, min(left, LARGEST_IMAGE))
                left -= len(picture)
                ending = PurePosixPath(member.filename).suffix.lower()
                target = folder.joinpath(*parts) / f"{number:05d}{ending}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(picture)
    except DAMAGE as error:
        raise BadFileError(
            f"{name} is not a whole zip file, or it is encrypted: zip the folder of images again, without a password."
        ) from error


def _images(archive: zipfile.ZipFile, name: str) -> list[Member]:
    """The images in the zip, each with the folders it is to lie in: its class, or a split and its class."""
    found = list(_pictures(archive, name))
    if not found:
        raise BadValueError(f"{name} holds no images: {REMEDY}, such as cat/1.jpg and dog/1.jpg.")
    if len(found) > MOST_IMAGES:
        raise BadValueError(f"{name} holds {len(found):,} images, more than {MOST_IMAGES:,}: leave some out.")
    if sum(member.file_size for _, member in found) > LARGEST:
        raise BadValueError(f"{name} unpacks to more than {LARGEST // 10**6} MB: make its images smaller.")
    # a folder around all others, as many tools put there, is no class
    while len({parts[0] for parts, _ in found if parts}) == 1 and all(len(parts) > 1 for parts, _ in found):
        found = [(parts[1:], member) for parts, member in found]
    if any(not parts for parts, _ in found):
        raise BadValueError(f"In {name}, some images are in no folder, so that their class is unknown: {REMEDY}.")
    first = {parts[0].lower() for parts, _ in found}
    by_split = "train" in first and first <= set(SPLIT_FOLDERS) and all(len(parts) > 1 for parts, _ in found)
    found = [(parts[: 2 if by_split else 1], member) for parts, member in found]
    _check_classes([parts[-1] for parts, _ in found], name)
    return found


def _pictures(archive: zipfile.ZipFile, name: str) -> Iterator[Member]:
    """What could be images, with the names of their folders; hidden files, as systems leave behind, are passed over."""
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", member.filename):
            raise BadFileError(f"{name} names a place outside of itself, '{member.filename}': {REMEDY}.")
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if not member.is_dir() and not hidden and path.suffix.lower() in ENDINGS:
            yield tuple(part.strip() or "_" for part in path.parts[:-1]), member


def _check_classes(classes: Sequence[str], name: str) -> None:
    counts = Counter(classes)
    if len(counts) < 2:
        raise BadValueError(f"{name} has only one class, '{classes[0]}': {REMEDY}, two at least.")
    few = sorted(each for each, number in counts.items() if number < FEWEST)
    if few:
        raise BadValueError(
            f"The class '{few[0]}' in {name} has {counts[few[0]]} image(s), and each class needs {FEWEST} or more, for "
            "training, validation and test: add some, or leave the class out."
        )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """An image's bytes, once they have been seen to be one of a bearable size."""
    with archive.open(member) as source:
        content = source.read(most + 1)
    if len(content) > most:
        raise BadValueError(f"The image {member.filename} is larger than {most / 10**6:.0f} MB: make it smaller.")
    try:
        with Image.open(BytesIO(content)) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadValueError(f"The image {member.filename} has {width:,} × {height:,} pixels: make it smaller.")
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadFileError(f"{member.filename} is no image that can be read: replace it, or leave it out.") from error
    return content

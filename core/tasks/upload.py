"""A zip of image folders, taken in: checked, unpacked under plain names, then a data set `folder:...` like any other.

It is read by the rules of folders (`layout`, `listing`). Nothing in a zip is trusted: neither its names, nor the sizes
it states, nor that a picture is one.
"""

import hashlib
import json
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath

from PIL import Image

from core.bundle import DAMAGE
from core.errors import BadFileError, BadValueError, MetaVoteError
from core.tasks.allowed import uploads as uploads
from core.tasks.decode import Undecodable, decode_bytes, digest
from core.tasks.files import REGULAR, SPECIAL, File, extension_of
from core.tasks.findings import Findings, Unreadable, group_by_reason, repeats_of, unreadable_error
from core.tasks.folder import PREFIX
from core.tasks.layout import layout_of
from core.tasks.listing import Listing, listing_of, outside, shown, split_of_each
from core.tasks.split_names import goes_with_images, split_named
from core.tasks.tree import Folder

MOST_IMAGES, LARGEST_IMAGE, LARGEST = 20_000, 20_000_000, 500_000_000  # images, bytes of one, bytes of all unpacked
MOST_MEMBERS = 200_000
MOST_PIXELS = 50_000_000
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
                findings = _unpack(content, name, folder)
                _record(target).write_text(json.dumps(findings.to_dict(most=None)))
                folder.rename(target)
        except OSError as error:
            raise MetaVoteError(f"{name} cannot be unpacked into {root} ({error.strerror}): check it.") from error
    return f"{PREFIX}{target.absolute()}"


def found_in_zip(dataset: str) -> Findings:
    """What was found when a data set was taken in from a zip, with the zip's own paths; nothing for any other."""
    if not is_upload(dataset):
        return Findings()
    try:
        return Findings.from_dict(json.loads(_record(Path(dataset.removeprefix(PREFIX))).read_text()))
    except (OSError, ValueError, KeyError, TypeError):  # taken in before this was recorded
        return Findings()


def remove_upload(dataset: str) -> None:
    """Delete the images of a data set that was taken in; any other is left alone."""
    if is_upload(dataset):
        folder = Path(dataset.removeprefix(PREFIX))
        shutil.rmtree(folder, ignore_errors=True)
        _record(folder).unlink(missing_ok=True)


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _unpack(content: bytes, name: str, folder: Path) -> Findings:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            layout = layout_of(_tree(archive, name), name)
            listing = listing_of(layout, layout.classes, name)
            _check_number(listing)
            splits = {each: split_of_each(listing, each) for each in listing.images}
            digests = _written(archive, listing, folder)
            rows = (
                (digests[file], shown(file), each, split)
                for each, of_class in splits.items()
                for file, split in of_class.items()
            )
            return Findings(group_by_reason(chain(listing.left_out, outside(layout))), repeats=repeats_of(rows))
    except DAMAGE as error:
        raise BadFileError(
            f"{name} is not a whole zip file, or it is encrypted: zip the folder of images again, without a password."
        ) from error


def _written(archive: zipfile.ZipFile, listing: Listing, folder: Path) -> dict[File, bytes]:
    """Write the images to `folder`, numbered in the zip's order; the digest of each one's pixels."""
    place = {id(member): number for number, member in enumerate(archive.infolist())}
    homes = _homes(listing)
    digests, unreadable, left = {}, [], LARGEST
    for number, file in enumerate(sorted(listing.files, key=lambda one: place[id(one.place)])):
        content = _content(archive, file.place, min(left, LARGEST_IMAGE))
        left -= len(content)
        try:
            digests[file] = digest(decode_bytes(content, partial(_check_pixels, file.place.filename)))
        except Undecodable as error:
            unreadable.append(Unreadable(shown(file), str(error)))
            continue
        target = folder.joinpath(*homes[file]) / f"{number:05d}{extension_of(file.name)}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if unreadable:
        remedy = "replace {them}, or leave {them} out of the zip"
        raise unreadable_error(unreadable, len(listing.files), listing.what, remedy)
    return digests


def _homes(listing: Listing) -> dict[File, tuple[str, ...]]:
    """The folders that each image goes to: its class, below its split's folder if that is needed to read it again."""
    layout = listing.layout
    odd = any(split_named(each) or goes_with_images(each) for each in layout.classes)  # as a class
    below_split = len(layout.parts) > 1 or (layout.by_split and odd)
    above = {one.parts: part.folder.name for part in layout.parts for one in part.classes}
    return {
        file: (_above(file, above), each) if below_split else (each,)
        for each, files in listing.images.items()
        for file, _ in files
    }


def _above(file: File, above: Mapping[tuple[str, ...], str]) -> str:
    """The split folder of the class folder that a file lies in."""
    return next(above[file.parts[:depth]] for depth in range(len(file.parts)) if file.parts[:depth] in above)


def _check_number(listing: Listing) -> None:
    files, name = listing.files, listing.what
    if len(files) > MOST_IMAGES:
        raise BadValueError(f"{name} holds {len(files):,} images, more than {MOST_IMAGES:,}: leave some out.")
    if sum(file.place.file_size for file in files) > LARGEST:
        raise BadValueError(f"{name} unpacks to more than {LARGEST // 10**6} MB: make its images smaller.")


def _tree(archive: zipfile.ZipFile, name: str) -> Folder:
    """The zip's folders and files. Raises BadFileError for a name that leads out of it."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise BadValueError(f"{name} holds {len(members):,} files, more than {MOST_MEMBERS:,}: {REMEDY}.")
    inside: dict[tuple[str, ...], dict[str, Folder | File]] = {(): {}}

    def folder(parts: tuple[str, ...]) -> dict[str, Folder | File]:
        if parts not in inside:
            inside[parts] = {}
            folder(parts[:-1])[f"folder {parts[-1]}"] = Folder(parts, _values(inside[parts]))
        return inside[parts]

    for number, member in enumerate(members):
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", member.filename):
            raise BadFileError(f"{name} names a place outside of itself, '{member.filename}': {REMEDY}.")
        parts = tuple(part.strip() or "_" for part in path.parts)
        if member.is_dir() and parts:
            folder(parts)
        elif parts:
            folder(parts[:-1])[f"file {number}"] = _file(archive, member, parts)
    return Folder((), _values(inside[()]))


def _values(inside: dict[str, Folder | File]) -> Callable[[], Iterable[Folder | File]]:
    return lambda: list(inside.values())


def _file(archive: zipfile.ZipFile, member: zipfile.ZipInfo, parts: tuple[str, ...]) -> File:
    mode = member.external_attr >> 16
    kind = REGULAR if stat.S_IFMT(mode) in (0, stat.S_IFREG) else SPECIAL  # a link, pipe or device of the zip's maker

    def head(most: int) -> bytes:
        with archive.open(member) as source:
            return source.read(most)

    return File(parts, member, kind, head)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(member) as source:
        content = source.read(most + 1)
    if len(content) > most:
        raise BadValueError(f"The image {member.filename} is larger than {most / 10**6:.0f} MB: make it smaller.")
    return content


def _check_pixels(name: str, picture: Image.Image) -> None:
    """Refuse an image of more pixels than are decoded here."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise BadValueError(
            f"The image {name} has {width:,} × {height:,} pixels, over the limit of {MOST_PIXELS // 10**6} million: "
            "resize it."
        )

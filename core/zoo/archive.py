"""A zoo as one file, to be passed on: a zip of its own files, checked whole before it becomes a zoo here.

Torch-free.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from core.errors import BadFileError, BadValueError, MetaVoteError
from core.paths import home
from core.pruning.config import SIMILARITIES
from core.zoo.zoo import LAYOUTS, Zoo, open_zoo

LARGEST = 4_000_000_000  # bytes unpacked: a zip of a few kilobytes can claim any size
_MEMBER = re.compile(r"zoo\.json|arrays\.safetensors|models/[^\\]+\.safetensors")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same zoo is the same file


def files_of(zoo: Zoo) -> list[Path]:
    """The files that make up a zoo, relative to its folder."""
    models = [Path("models") / f"{task.id}.safetensors" for task in zoo.tasks]
    return [Path("zoo.json"), Path("arrays.safetensors"), *models]


def is_id(text: str) -> bool:
    """Whether a text can be a zoo's id: a plain file name."""
    return _ID.fullmatch(text) is not None


def check(zoo: Zoo) -> None:
    """Read all that a zoo says it holds. Raises BadFileError, MismatchError for what is missing, damaged or foreign."""
    if not is_id(zoo.id):
        raise BadFileError(f"The zoo's id {zoo.id!r} is no file name: letters, digits, dots and dashes only.")
    if hashlib.sha256((zoo.path / "arrays.safetensors").read_bytes()).hexdigest() != zoo.about.get("hash"):
        raise BadFileError(f"The arrays of the zoo {zoo.id} are not those it was made with: export it again.")
    rows, tasks = len(zoo.rows), len(zoo.tasks)
    try:
        shapes = {kind: zoo.similarity(kind)[1].shape for kind in SIMILARITIES}
        places = [len(zoo.coordinates(kind)) for kind in LAYOUTS]
    except (KeyError, IndexError) as error:
        raise BadFileError(f"The arrays of the zoo {zoo.id} lack {error}: export it again.") from error
    if any(shape != (rows, tasks) for shape in shapes.values()) or any(number != rows for number in places):
        raise BadFileError(f"The arrays of the zoo {zoo.id} do not fit its {tasks} tasks: export it again.")
    for task in zoo.tasks:
        if dict(zoo.model(task.id).selection.sizes) != zoo.groups:
            raise BadFileError(
                f"The model of {task.id} has other channel groups than its zoo {zoo.id}: export it again."
            )


def pack(zoo: Zoo, file: Path) -> int:
    """Write a zoo to one file, whole or not at all; returns its size in bytes. Raises BadFileError, MismatchError."""
    check(zoo)
    target = file.expanduser()
    if target.is_dir():
        raise BadValueError(f"{target} is a folder: name a file in it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".zoo-") as beside:
            packed = Path(beside) / "zoo.zip"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in files_of(zoo):
                    member = zipfile.ZipInfo(name.as_posix(), _STAMP)
                    member.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(member, (zoo.path / name).read_bytes())
            packed.replace(target)
    except OSError as error:
        raise MetaVoteError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
    return target.stat().st_size


def unpack(file: Path, replace: bool = False, fits: Callable[[Zoo], None] = lambda _: None) -> Zoo:
    """Make the zoo in a file one of the user's own. Nothing changes here unless all of it is whole.

    `fits` may raise for a zoo that does not fit this machine. Raises BadFileError, MismatchError; BadValueError where a
    zoo of that id is here and `replace` is not set.
    """
    root = home() / "zoos"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".import-") as beside:
            folder = Path(beside) / "zoo"
            _extract(file.expanduser(), folder)
            zoo = open_zoo(folder)
            check(zoo)
            fits(zoo)
            target = root / zoo.id
            if target.exists():
                if not replace:
                    raise BadValueError(f"A zoo {zoo.id} is here already: give --replace to put this one in its place.")
                target.rename(Path(beside) / "old")
            folder.rename(target)
    except OSError as error:
        raise MetaVoteError(f"The zoo cannot be put into {root} ({error.strerror}): check that folder.") from error
    return open_zoo(target)


def _extract(file: Path, folder: Path) -> None:
    if not file.is_file():
        raise BadFileError(f"There is no file {file}: check its name.")
    broken = f"{file.name} is not a whole zoo file: it is damaged, truncated or of another kind; export it again."
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            # nothing but a zoo's own files, so that none lands outside the folder
            if not all(_belongs(member.filename) for member in members):
                raise BadFileError(broken)
            if sum(member.file_size for member in members) > LARGEST:
                raise BadFileError(f"{file.name} unpacks to more than {LARGEST:,} bytes: no zoo is that large.")
            for member in members:
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(target, "wb") as out:
                    shutil.copyfileobj(source, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadFileError(broken) from error
    if not (folder / "zoo.json").is_file():
        raise BadFileError(broken)


def _belongs(name: str) -> bool:
    return _MEMBER.fullmatch(name) is not None and ".." not in name.split("/")

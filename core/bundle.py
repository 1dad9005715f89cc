"""One file that holds several: a zip written whole or not at all, and checked before anything of it is used."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BadFileError, BadValueError, MetaVoteError
from core.paths import expanded

LARGEST = 4_000_000_000  # bytes unpacked: a zip of a few kilobytes can claim any size
# What reading a zip raises where it is damaged, cut short, encrypted, or packed in a way that is not known here.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content is the same file


def write_bundle(file: Path, members: Iterable[tuple[str, bytes]]) -> int:
    """Write (name, content) pairs to one file by atomic rename; returns its size in bytes."""
    target = expanded(file)
    if target.is_dir():
        raise BadValueError(f"{target} is a folder: name a file in it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle-") as beside:
            packed = Path(beside) / "bundle.zip"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in members:
                    member = zipfile.ZipInfo(name, _STAMP)
                    member.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(member, content)
            packed.replace(target)
    except OSError as error:
        raise MetaVoteError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
    return target.stat().st_size


class Bundle:
    """An open bundle: its members by name. What is damaged or missing is told as one sentence, by BadFileError."""

    def __init__(self, archive: zipfile.ZipFile, broken: str) -> None:
        self._archive, self._broken = archive, broken

    @property
    def names(self) -> list[str]:
        """The names of its members, in the order in which they were written."""
        return self._archive.namelist()

    def read(self, name: str) -> bytes:
        """A member's content."""
        with self._whole():
            return self._archive.read(name)

    def text(self, name: str) -> str:
        """A member that is text."""
        with self._whole():
            return self._archive.read(name).decode()

    def copy(self, name: str, target: Path) -> None:
        """Write a member to a file, whose folder is made."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._whole(), self._archive.open(name) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except (*DAMAGE, KeyError) as error:  # KeyError: a member that is not there
            raise BadFileError(self._broken) from error


@contextmanager
def open_bundle(file: Path, belongs: Callable[[str], bool], what: str) -> Iterator[Bundle]:
    """The bundle, open, once its members' names have been checked.

    belongs: whether a member's name is one this kind of file has. what: the kind of file, such as "zoo file".
    Raises BadFileError; an error that is raised while the bundle is open passes as it is.
    """
    source = expanded(file)
    if not source.is_file():
        raise BadFileError(f"There is no file {source}: check its name.")
    broken = f"{source.name} is not a whole {what}: it is damaged, truncated or of another kind; export it again."
    try:
        archive = zipfile.ZipFile(source)
    except DAMAGE as error:
        raise BadFileError(broken) from error
    with archive:
        members = archive.infolist()
        if not members or not all(belongs(member.filename) for member in members):
            raise BadFileError(broken)
        if sum(member.file_size for member in members) > LARGEST:
            raise BadFileError(f"{source.name} unpacks to more than {LARGEST:,} bytes: no {what} is that large.")
        yield Bundle(archive, broken)

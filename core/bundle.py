"""One file that holds several: a zip written whole or not at all, and checked before anything of it is used."""

import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BadFileError, BadValueError, MetaVoteError

LARGEST = 4_000_000_000  # bytes unpacked: a zip of a few kilobytes can claim any size
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content is the same file


def write_bundle(file: Path, members: Iterable[tuple[str, bytes]]) -> int:
    """Write (name, content) pairs to one file by atomic rename; returns its size in bytes."""
    target = file.expanduser()
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


@contextmanager
def open_bundle(file: Path, belongs: Callable[[str], bool], what: str) -> Iterator[zipfile.ZipFile]:
    """The bundle, open, once its members' names have been checked; damage met while reading is told as one sentence.

    belongs: whether a member's name is one this kind of file has. what: the kind of file, such as "zoo file".
    Raises BadFileError.
    """
    source = file.expanduser()
    if not source.is_file():
        raise BadFileError(f"There is no file {source}: check its name.")
    broken = f"{source.name} is not a whole {what}: it is damaged, truncated or of another kind; export it again."
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if not members or not all(belongs(member.filename) for member in members):
                raise BadFileError(broken)
            if sum(member.file_size for member in members) > LARGEST:
                raise BadFileError(f"{source.name} unpacks to more than {LARGEST:,} bytes: no {what} is that large.")
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadFileError(broken) from error

"""The tree of folders and files that a data set is read from: on disk or in a zip, so that both follow one rule."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from core.errors import BadFileError
from core.tasks.files import BROKEN_LINK, REGULAR, SPECIAL, File, is_hidden, is_picture, open_regular, printable


@dataclass(frozen=True)
class Folder:
    """A folder. parts: the names that lead to it from the top. linked: a symbolic link, followed only for classes and
    what they lie in. entries: what lies in it, in no order, read each time. Whether it holds pictures is found
    once."""

    parts: tuple[str, ...]
    entries: "Callable[[], Iterable[Folder | File]]" = field(repr=False, compare=False)
    linked: bool = False
    place: Any = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """Its own name; "" for the top."""
        return self.parts[-1] if self.parts else ""

    def folders(self) -> "list[Folder]":
        """Its subfolders, sorted by name, without hidden ones."""
        found = [one for one in self.entries() if isinstance(one, Folder) and not is_hidden(one.name)]
        return sorted(found, key=lambda one: one.parts)

    def has_loose_picture(self) -> bool:
        """Whether a picture lies directly in it."""
        return self._pictures[0]

    def has_picture(self) -> bool:
        """Whether a picture lies anywhere below it."""
        return any(self._pictures)

    @cached_property
    def _pictures(self) -> tuple[bool, bool]:
        """(whether a picture lies directly in it, and if none does, whether one lies deeper): looked for once, up to
        the first."""
        deeper = []
        for one in self.entries():
            if isinstance(one, Folder):
                deeper.append(one)
            elif is_picture(one):
                return True, False
        return False, any(one.has_picture() for one in deeper if not one.linked and not is_hidden(one.name))

    def class_folders(self) -> "list[Folder]":
        """Its subfolders that hold pictures."""
        return [one for one in self.folders() if one.has_picture()]

    def walk(self) -> "Iterator[Folder | File]":
        """Everything below it; what lies in hidden and in linked folders is not listed, only the folder itself."""
        for one in self.entries():
            yield one
            if isinstance(one, Folder) and not one.linked and not is_hidden(one.name):
                yield from one.walk()


def on_disk(path: Path) -> Folder:
    """The tree of a folder on disk. Reading a part of it raises BadFileError if that is not allowed."""
    return _folder(path, ())


def _folder(path: Path, parts: tuple[str, ...], linked: bool = False) -> Folder:
    return Folder(parts, partial(_entries, path, parts), linked, path)


def _entries(path: Path, parts: tuple[str, ...]) -> Iterator[Folder | File]:
    try:
        with os.scandir(path) as inside:
            for entry in inside:
                yield _node(entry, Path(path, entry.name), (*parts, entry.name))
    except OSError as error:
        raise BadFileError(
            f"The folder {printable(str(path))} cannot be read ({error.strerror}): fix its permissions, or remove it."
        ) from error


def _node(entry: "os.DirEntry[str]", path: Path, parts: tuple[str, ...]) -> Folder | File:
    if _is(entry.is_dir):
        return _folder(path, parts, entry.is_symlink())
    if _is(entry.is_file):
        return File(parts, path, REGULAR, partial(_head, path))
    return File(parts, path, SPECIAL if not entry.is_symlink() or os.path.exists(path) else BROKEN_LINK)


def _is(check: Callable[[], bool]) -> bool:
    """What a check of a directory entry says; False for a link that leads in a circle."""
    try:
        return check()
    except OSError:
        return False


def _head(path: Path, most: int) -> bytes:
    with open_regular(path) as file:
        return file.read(most)

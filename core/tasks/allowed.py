"""Which folders of this machine are read for whom: the one rule that every read of a folder's images passes.

The command line and Python read any folder, and `permit` those that they are given. The dashboard and the processes
that work for it are `restrict`ed, as anybody may have brought what names a folder there: they read data sets that were
uploaded, folders in METAVOTE_FOLDERS, and folders that were permitted.
"""

import json
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from core.errors import MissingDataError
from core.paths import home

FOLDERS, FILE = "METAVOTE_FOLDERS", "folders.json"
REFUSED = (
    "This folder is not open to visitors of the dashboard: upload a zip of its images, or have whoever runs this "
    f"server name it in {FOLDERS}."
)
_restricted = False


def restrict() -> None:
    """From now on, this process reads for visitors: only folders that are allowed."""
    global _restricted
    _restricted = True


def is_restricted() -> bool:
    """Whether this process reads for visitors."""
    return _restricted


def permit(path: Path) -> None:
    """Let visitors read a folder, or use a file, that the command line or Python was given.

    Does nothing in a restricted process.
    """
    place = None if _restricted else _resolved(path)
    if place is None or is_allowed(path) or not os.path.exists(place):
        return
    file = home() / FILE
    with suppress(OSError):  # the folder is then read all the same, but not by the dashboard
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps([*_permitted(), str(place)], indent=1))
        beside.replace(file)


def check(path: Path, classes: Collection[str] = ()) -> Path:
    """The folder, if it may be read here, and none of these classes leads out of it.

    Raises MissingDataError, with the same sentence whether or not the folder is there.
    """
    if _restricted and not (is_allowed(path) and all(map(_is_plain, classes))):
        raise MissingDataError(REFUSED)
    return path


def is_allowed(path: Path) -> bool:
    """Whether visitors may read a folder, links and ".." followed to where they lead."""
    place = _resolved(path)
    if place is None:
        return False
    if place.parent == _resolved(uploads()) and not place.name.startswith("."):
        return True
    opened = [
        root for name in os.environ.get(FOLDERS, "").split(os.pathsep) if name and (root := _resolved(Path(name)))
    ]
    return str(place) in _permitted() or any(root == place or root in place.parents for root in opened)


def uploads() -> Path:
    """Where data sets that were taken in from a zip are."""
    return home() / "datasets" / "uploads"


def _permitted() -> list[str]:
    try:
        found = json.loads((home() / FILE).read_text())
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _resolved(path: Path) -> Path | None:
    """Where a path leads, whether or not anything is there; None if it leads nowhere, such as a circle of links."""
    try:
        return path.expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\\0")

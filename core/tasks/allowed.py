"""Which folders of this machine are read for whom: the one rule that every read of a folder's images passes.

The command line and Python read any folder, and `permit` those that they are given. The dashboard and the processes
that work for it are `restrict`ed, as anybody may have brought what names a folder there: they read data sets that were
uploaded, folders in METAVOTE_FOLDERS, and folders that were permitted.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import MissingDataError
from core.paths import home

FOLDERS, FILE = "METAVOTE_FOLDERS", "folders.json"
RESTRICTED = "METAVOTE_RESTRICTED"  # an environment variable, so that every process started by a restricted one is too
REFUSED = (
    "The dashboard may not read this folder: upload a zip of its images, or ask whoever runs this server to add the "
    f"folder to {FOLDERS}. If that is you, 'python -m core tasks --dataset folder:/path/to/images' adds it too."
)


def restrict() -> None:
    """From now on, this process and those that it starts read for visitors: only folders that are allowed."""
    os.environ[RESTRICTED] = "1"


def is_restricted() -> bool:
    """Whether this process reads for visitors."""
    return bool(os.environ.get(RESTRICTED))


def permit(path: Path) -> None:
    """Let visitors read a folder, or use a file, that the command line or Python was given; does nothing in a
    restricted process. Of a data set, the caller has read the layout, so that no other folder becomes known."""
    place = None if is_restricted() else _resolved(path)
    if place is None or is_allowed(path) or not os.path.exists(place):
        return
    with suppress(OSError), _held(home()):  # an error leaves the folder readable here, but not by the dashboard
        file = home() / FILE
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps([*_permitted(), str(place)], indent=1))
        beside.replace(file)


def check(path: Path) -> Path:
    """The folder, if it may be read here.

    Raises MissingDataError, with the same sentence whether or not the folder is there.
    """
    if is_restricted() and not is_allowed(path):
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


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keeps other processes and threads that hold this folder waiting. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which releases it


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

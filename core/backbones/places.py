"""Files and folders of backbones and zoos that people name by a path. Torch-free.

Text is a name that somebody gave, so that it may have come from a visitor; a `Path` is a place that the program chose.
"""

from pathlib import Path

from core.errors import MissingDataError
from core.paths import expanded
from core.tasks import allowed

REFUSED = (
    "Visitors of the dashboard name backbones and zoos by id, not by path: choose an id, or have whoever runs this "
    f"server name the folder in {allowed.FOLDERS}."
)
_MARKS = "/\\\0"


def is_path(name: str | Path) -> bool:
    """Whether a name is a path, not an id: ids have no separators and lead nowhere else."""
    return isinstance(name, Path) or name.startswith("~") or name in (".", "..") or any(m in name for m in _MARKS)


def place_of(path: str | Path) -> Path:
    """The place that a path names, whether or not anything is there.

    Raises MissingDataError, with the same sentence whether or not anything is there, for text that a restricted process
    may not follow (`core.tasks.allowed`); BadValueError for a path that cannot be.
    """
    if isinstance(path, str) and allowed.is_restricted() and not allowed.is_allowed(Path(path)):
        raise MissingDataError(REFUSED)
    return expanded(path)

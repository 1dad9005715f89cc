"""Where things are on disk: what ships with the project, and what belongs to the user."""

import errno
import os
from pathlib import Path

import platformdirs

from core.errors import BadValueError
from core.schema import shortened

ASSETS = Path(__file__).resolve().parent.parent / "assets"
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR)


def home() -> Path:
    """Where the run store, models and downloaded data are: `METAVOTE_HOME` if set, else the user's data folder."""
    given = os.environ.get("METAVOTE_HOME")
    return expanded(given) if given else Path(platformdirs.user_data_dir("meta-vote-studio", appauthor=False))


def expanded(path: str | Path) -> Path:
    """A path that somebody gave, "~" replaced by the home folder, whether or not anything is there.

    Raises BadValueError for a path that no file can have: too long, not text, out of reach, in the home of no user.
    """
    try:
        place = Path(path).expanduser()
        os.stat(place)
    except RuntimeError as error:
        user = shortened(Path(path).parts[0])
        raise BadValueError(f"{user} is the home folder of no user here: write the path in full.") from error
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _NOTHING_THERE:
            return place
        why = getattr(error, "strerror", None) or "not a valid name"
        raise BadValueError(f"{shortened(str(path))} cannot be used as a path ({why}): choose another.") from error
    return place

"""Where things are on disk: what ships with the project, and what belongs to the user."""

import os
from pathlib import Path

import platformdirs

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def home() -> Path:
    """Where the run store, models and downloaded data are: `METAVOTE_HOME` if set, else the user's data folder."""
    given = os.environ.get("METAVOTE_HOME")
    return Path(given).expanduser() if given else Path(platformdirs.user_data_dir("meta-vote-studio", appauthor=False))

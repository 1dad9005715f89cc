"""A few training pictures of a class, to show to people, for any data set; without torch.

The embedded data set ships them, a folder has them, and of any other they are kept once its images have been loaded.
"""

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import MetaVoteError
from core.paths import home
from core.tasks import allowed, emoji, folder
from core.tasks.images import SPLITS, TRAIN, ImageSet

SIDE, MOST = 64, 8
Tiles = npt.NDArray[np.uint8]


def thumbnails(dataset: str, name: str, most: int = MOST) -> Tiles | None:
    """uint8 [N, 64, 64, 3], up to so many; None where there are none, or the data set is gone."""
    try:
        if dataset == "emoji":
            return emoji.thumbnails(name)[:most]
        if dataset.startswith(folder.PREFIX):
            path = allowed.check(folder.path_of(dataset), [name])
            found = folder.some_training_images(path, name, min(most, MOST), SIDE)
            return found if len(found) else None
    except (MetaVoteError, OSError):
        return None
    return _kept(_file(dataset, name), most)


def keep_thumbnails(loaded: ImageSet) -> None:
    """Keep the first training images of every class to show later, where that was not done yet and can be."""
    for label, name in enumerate(loaded.classes):
        file = _file(loaded.name, name)
        rows = np.flatnonzero((loaded.labels == label) & (loaded.split == SPLITS.index(TRAIN)))[:MOST]
        if file.is_file() or not len(rows):
            continue
        tiles = [Image.fromarray(loaded.images[row]).resize((SIDE, SIDE), Image.Resampling.NEAREST) for row in rows]
        with suppress(OSError):  # pictures are for show: a folder that cannot be written to is no reason to stop
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.concatenate([np.asarray(tile) for tile in tiles], axis=1)).save(file)


def _file(dataset: str, name: str) -> Path:
    key = hashlib.sha256(f"{dataset}\0{name}".encode()).hexdigest()[:16]
    return home() / "cache" / "thumbnails" / f"{key}.png"


@lru_cache(maxsize=256)
def _strip(file: Path) -> Tiles:
    with Image.open(file) as picture:
        sheet = np.asarray(picture.convert("RGB"))
    return np.stack(np.split(sheet, sheet.shape[1] // SIDE, axis=1))


def _kept(file: Path, most: int) -> Tiles | None:
    return _strip(file)[:most] if file.is_file() else None

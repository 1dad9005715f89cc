"""A few training pictures of a class, to show to people, for any data set; without torch.

The embedded data set ships them, a folder has them, and of any other they are kept once its images have been loaded.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import MetaVoteError
from core.paths import home
from core.tasks import emoji, folder
from core.tasks.images import Examples

SIDE, MOST = 64, 8
Tiles = npt.NDArray[np.uint8]


def thumbnails(dataset: str, name: str, most: int = MOST) -> Tiles | None:
    """uint8 [N, 64, 64, 3], up to so many; None where there are none, or the data set is gone."""
    try:
        if dataset == "emoji":
            return emoji.thumbnails(name)[:most]
        if dataset.startswith(folder.PREFIX):
            path = folder.path_of(dataset)
            found = folder.some_training_images(path, name, min(most, MOST), SIDE)
            return found if len(found) else None
    except (MetaVoteError, OSError):
        return None
    return _kept(_file(dataset, name), most)


def keep_thumbnails(dataset: str, name: str, examples: Examples) -> None:
    """Keep the first of a class's training images to show later, unless the data set has its own."""
    if dataset == "emoji" or dataset.startswith(folder.PREFIX) or not len(examples):
        return
    tiles = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.NEAREST) for image in examples.images[:MOST]]
    file = _file(dataset, name)
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

"""The embedded data set: emoji artwork of five openly licensed styles, classes by Unicode subgroup.

Made by `assets/emoji/build.py`; sources and licences in `assets/emoji/ATTRIBUTION.md`.
"""

import csv
import json
import re
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.paths import ASSETS
from core.tasks.images import SPLITS, ImageSet

FOLDER = ASSETS / "emoji"
SIZE, THUMBNAIL = 32, 64
# where the first words of a title do not stand alone
SHORT = {
    "face-unwell": "unwell faces",
    "face-costume": "costume faces",
    "transport-air": "aircraft and boats",
    "sign": "traffic signs",
    "av-symbol": "media symbols",
    "person-activity": "people moving",
    "other-symbol": "mathematical symbols",
}


@cache
def about() -> dict[str, dict[str, list[str] | str]]:
    """class -> {"title": what people read, "subgroups": the Unicode subgroups merged into it}."""
    loaded: dict[str, dict[str, list[str] | str]] = json.loads((FOLDER / "classes.json").read_text())
    return loaded


@cache
def aliases() -> dict[str, str]:
    """Unicode subgroup -> the class that holds it, so that a class may be asked for by any subgroup in it."""
    return {sub: name for name, entry in about().items() for sub in entry["subgroups"]}


def short_title(name: str) -> str:
    """A class's title in a word or two: the first thing it lists."""
    return SHORT.get(name) or re.split(r", | and ", str(about()[name]["title"]))[0]


def tiles(kind: str, name: str, size: int) -> npt.NDArray[np.uint8]:
    """uint8 [N, size, size, 3]: one class's sheet, cut up; tiles past the last picture are white."""
    with Image.open(FOLDER / kind / f"{name}.png") as picture:
        sheet = np.asarray(picture.convert("RGB"))
    rows, columns = sheet.shape[0] // size, sheet.shape[1] // size
    cut = sheet.reshape(rows, size, columns, size, 3).swapaxes(1, 2)
    return cut.reshape(-1, size, size, 3)


def load() -> ImageSet:
    """All images of all classes, in the order of `index.csv`."""
    with open(FOLDER / "index.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    classes = tuple(about())
    labels = np.array([classes.index(row["class"]) for row in rows], np.int64)
    split = np.array([SPLITS.index(row["split"]) for row in rows], np.int8)
    counts = np.bincount(labels, minlength=len(classes))
    images = np.concatenate([tiles("images", name, SIZE)[:n] for name, n in zip(classes, counts, strict=True)])
    return ImageSet("emoji", classes, images, labels, split)


def thumbnails(name: str) -> npt.NDArray[np.uint8]:
    """uint8 [N, 64, 64, 3]: up to 24 training pictures of a class, for showing to people."""
    return tiles("thumbnails", name, THUMBNAIL)

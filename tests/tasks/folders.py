"""Folders of tiny images, each unlike any other, for tests."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def make(root: Path, files: Iterable[str]) -> Path:
    """Files below a folder, by path: images where the name has an image's ending or none, else a word of text."""
    for number, name in enumerate(sorted(files)):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix.lower() in (".txt", ".xml", ".md", ".json"):
            file.write_text("words")
        else:
            pixels = np.full((2, 2, 3), (number % 256, number // 256, 7), np.uint8)
            Image.fromarray(pixels).save(file, "PNG")
    return root


def classes(*names: str, within: str = "", images: int = 4, ending: str = ".png") -> set[str]:
    """Paths of images of these classes: "within/cat/0.png"."""
    above = f"{within}/" if within else ""
    return {f"{above}{name}/{n}{ending}" for name in names for n in range(images)}


def loose(*folders: str, images: int = 4) -> set[str]:
    """Paths of images directly in these folders."""
    return classes(*folders, images=images)


def split_set(*splits: str, names: Collection[str] = ("cat", "dog"), within: str = "") -> set[str]:
    """Paths of images in folders that state splits, each with these classes; 8 images a class in training ones."""
    above = f"{within}/" if within else ""
    return {path for split in splits for path in classes(*names, within=f"{above}{split}", images=8)}

"""What people read for the classes of a folder that are named by a code, such as ImageNet's "n01440764"."""

import ast
import re
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from core.tasks.images import TRAIN
from core.tasks.split_names import split_named

FILES = ("classes.txt", "LOC_synset_mapping.txt", "words.txt")  # "code title, other title" a line, in the folder itself
IMAGENET, FIRST, LAST = 1000, "n01440764", "n15075141"  # its classes: how many, and the ends of their order
_WNID = re.compile(r"n\d{8}")


def folder_titles(path: Path) -> Mapping[str, str]:
    """Class -> title: from the first of FILES that is in the folder, or ImageNet's where exactly its classes are there.

    Empty where nothing tells; never raises, as a title is only for show.
    """
    for name in FILES:
        if stamp := _stamp(path / name):
            return _read(path / name, stamp)
    classes = _training(path, _stamp(path, stat.S_ISDIR))
    return _imagenet(classes, _stamp(classes, stat.S_ISDIR))


def _stamp(path: Path, kind: Callable[[int], bool] = stat.S_ISREG) -> int:
    """Another number once it was written to; 0 for what is not there, or of another kind, as a pipe."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_mtime_ns if kind(found.st_mode) else 0


@lru_cache(maxsize=64)
def _training(path: Path, _stamp: int) -> Path:
    """The folder of training images in a data set's folder; that folder itself if there is none."""
    try:
        inside = sorted(path.iterdir())
    except OSError:
        return path
    return next((one for one in inside if split_named(one.name) == (TRAIN, ()) and one.is_dir()), path)


@lru_cache(maxsize=16)
def _read(file: Path, _stamp: int) -> Mapping[str, str]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    parts = [re.split(r"\t|\s+", line.strip(), maxsplit=1) for line in lines]
    return {part[0]: part[1].split(",")[0].strip() for part in parts if len(part) == 2}


@lru_cache(maxsize=64)
def _imagenet(classes: Path, _stamp: int) -> Mapping[str, str]:
    try:
        codes = sorted(inside.name for inside in classes.iterdir() if _WNID.fullmatch(inside.name))
    except OSError:
        return {}
    if len(codes) != IMAGENET or (codes[0], codes[-1]) != (FIRST, LAST):
        return {}
    return dict(zip(codes, _categories(), strict=False))


@lru_cache(maxsize=1)
def _categories() -> tuple[str, ...]:
    """torchvision's names of ImageNet's classes in the order of their codes; read, as an import would bring torch."""
    found = find_spec("torchvision")
    if found is None or found.origin is None:
        return ()
    tree = ast.parse((Path(found.origin).parent / "models" / "_meta.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_IMAGENET_CATEGORIES":
            return tuple(ast.literal_eval(node.value))
    return ()

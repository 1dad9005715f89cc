"""Fashion-MNIST, CIFAR-10 and CIFAR-100, read by torchvision."""

import gzip
import shutil
import tempfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torchvision import datasets

from core.errors import BadFileError, MissingDataError
from core.tasks import torchvision_names
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION, ImageSet, fraction

_KINDS = {"fashion-mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}


def load(name: str, download: bool = False) -> ImageSet:
    """All images; part of torchvision's training images is validation, torchvision's test images are test.

    Raises MissingDataError where files are not here or cannot be downloaded, BadFileError where they are broken.
    """
    place = torchvision_names.place(name)
    if place is None and not download:
        raise MissingDataError(torchvision_names.remedy(name))
    if place == torchvision_names.DEBIAN_FASHION:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(place, Path(folder) / "FashionMNIST" / "raw")
            return _read(name, Path(folder), download=False)
    return _read(name, torchvision_names.root(), download=place is None)


def _unpack(source: Path, target: Path) -> None:
    """Debian's gzipped files in the layout that torchvision reads; a copy for the moment, so nothing can go stale."""
    target.mkdir(parents=True)
    for name in torchvision_names.IDX_FILES:
        packed = source / f"{name}.gz"
        try:
            with gzip.open(packed) as file, open(target / name, "wb") as out:
                shutil.copyfileobj(file, out)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadFileError(f"{packed} is damaged ({error}): install its package again.") from error


def _read(name: str, root: Path, download: bool) -> ImageSet:
    kind = _KINDS[name]
    try:
        parts = [kind(str(root), train=train, download=download) for train in (True, False)]
    except Exception as error:  # torchvision lets many kinds through: OSError, RuntimeError, ValueError, EOFError, ...
        if download:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise MissingDataError(
                f"Downloading {name} failed ({reason}): check the network, or put its unpacked files into {root}."
            ) from error
        raise BadFileError(f"The files of {name} in {root} are damaged: delete them and get them again.") from error
    if tuple(parts[0].classes) != torchvision_names.CLASSES[name]:  # else every label would mean another class
        raise BadFileError(f"The files of {name} in {root} list other classes than expected: get the original files.")
    images = np.concatenate([_colour(part.data) for part in parts])
    labels = np.concatenate([np.asarray(part.targets, np.int64) for part in parts])
    split = np.full(len(labels), SPLITS.index(TEST), np.int8)
    split[: len(parts[0])] = [
        SPLITS.index(VALIDATION if fraction(f"{name}/{index}") < torchvision_names.VALIDATION_SHARE else TRAIN)
        for index in range(len(parts[0]))
    ]
    if images.shape[-1] == 1:  # grey: one stored channel seen three times
        images = np.broadcast_to(images, (*images.shape[:3], 3))
    return ImageSet(name, torchvision_names.CLASSES[name], images, labels, split)


def _colour(data: object) -> npt.NDArray[np.uint8]:
    """uint8 [N, H, W, 3] or, grey, [N, H, W, 1]."""
    pixels = np.asarray(data, np.uint8)
    return pixels if pixels.ndim == 4 else pixels[..., None]

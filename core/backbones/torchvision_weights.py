"""torchvision's published weights: how images go into them, and their files, fetched only where that is asked for."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torchvision.models import WeightsEnum, get_model_weights

from core.backbones.architectures import architecture
from core.errors import BadFileError, MissingDataError, UnknownNameError


@dataclass(frozen=True)
class Presentation:
    """How a network wants its images: mean and standard deviation of each colour in [0, 1], side in pixels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int


def weights_names(name: str) -> list[str]:
    """What torchvision publishes for an architecture, such as IMAGENET1K_V2."""
    return [entry.name for entry in get_model_weights(architecture(name).name)]


def published(name: str, weights: str) -> WeightsEnum:
    """torchvision's entry of those weights. Raises UnknownNameError."""
    known = weights_names(name)
    if weights not in known:
        raise UnknownNameError(f"weights of {name}", weights, known)
    return get_model_weights(name)[weights]


def presentation(name: str, weights: str | None = None) -> Presentation:
    """How images go into torchvision's weights of an architecture; where none are named, as is usual for it."""
    usual = architecture(name)
    entry = get_model_weights(usual.name).DEFAULT if weights is None else published(name, weights)
    transforms: Any = entry.transforms()
    size = usual.size if weights is None else int(transforms.crop_size[0])
    return Presentation(tuple(transforms.mean), tuple(transforms.std), size)


def cached_file(entry: WeightsEnum) -> Path:
    """Where torch keeps the file of these weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / str(entry.url).rsplit("/", 1)[-1]


def weights_file(name: str, weights: str, download: bool = False) -> Path:
    """The file of torchvision's weights in torch's own cache, checked by the hash in its name.

    Raises MissingDataError where it is not there and `download` does not ask for it, or cannot be had; BadFileError.
    """
    entry = published(name, weights)
    file = cached_file(entry)
    if not file.is_file():
        if not download:
            raise MissingDataError(
                f"The weights {weights} of {name} are not on this machine: fetch "
                f"{entry.meta['_file_size']:.0f} MB from {entry.url} "
                f"(--download on the command line), or put that file into {file.parent}."
            )
        _fetch(entry, file)
    _check(file)
    return file


def _fetch(entry: WeightsEnum, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(entry.url, str(file), progress=False)
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingDataError(
            f"Downloading {entry.url} failed ({reason}): check the network, or put that file into {file.parent}."
        ) from error


def _check(file: Path) -> None:
    """The first digits of the file's SHA-256 stand at the end of its name."""
    stated = re.search(r"-([0-9a-f]{8,})\.pth$", file.name)
    if stated and not hashlib.sha256(file.read_bytes()).hexdigest().startswith(stated[1]):
        raise BadFileError(
            f"{file} is damaged, as it does not have the hash in its name: delete it and fetch it again."
        )

"""Which backbones are here, and what each says of itself, without reading its weights. Torch-free."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from core.backbones.coverage import Filling, filling_of
from core.backbones.identity import Identity
from core.backbones.places import is_path, place_of
from core.backbones.sound import first_wrong_field
from core.errors import BadFileError, MismatchError, UnknownNameError
from core.paths import ASSETS, home
from core.tasks import allowed

FOLDER = ASSETS / "backbones"
DEFAULT = "emoji-resnet18-simclr"
ENDING = ".safetensors"
OWN = "own:"  # how the ids of modules of one's own begin, and the names of their architectures
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")  # entries that are no parameters


@dataclass(frozen=True)
class About:
    """What a backbone's file says: as `core.backbones.backbone.Backbone`, without its weights.

    bytes: of the file. shipped: whether it came with the project. where: its file. params: without the head's.
    """

    id: str
    architecture: str
    source: str
    hash: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bytes: int
    shipped: bool
    where: str
    params: int
    about: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def identity(self) -> Identity:
        """What tells it from other backbones."""
        return Identity(self.hash, self.size, self.mean, self.std)

    @property
    def filling(self) -> Filling | None:
        """How much of it its checkpoint filled; None if it was made here, or its file does not say."""
        return filling_of(self.about)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with "filled": as `Filling`, or None."""
        return asdict(self) | {"filled": None if self.filling is None else self.filling.to_dict()}


def is_parameter(name: str) -> bool:
    """Whether a tensor of a network is a parameter, by its name; else it is a statistic that training gathers."""
    return not name.endswith(_BUFFERS)


def folders() -> tuple[Path, Path]:
    """Where backbones are looked for by id: the shipped ones first, then the user's own."""
    return FOLDER, home() / "backbones"


def backbone_ids() -> list[str]:
    """The ids of the backbones on this machine: those that ship with the project, and the user's own."""
    return sorted({path.stem for folder in folders() for path in folder.glob(f"*{ENDING}")})


MAKE_ONE = "is no backbone file: make one of it by python -m core backbones add"


def is_file_name(id: str) -> bool:
    """Whether a backbone is named by the path of its file, not by its id."""
    return id.endswith(ENDING)


def find_backbone(id: str | Path = DEFAULT) -> Path:
    """The file of a backbone, by id or path.

    Raises UnknownNameError, BadFileError; MismatchError for a module of one's own; as `place_of` for a path.
    """
    name = str(id)
    if name.startswith(OWN):
        raise not_given(name)
    if is_path(id) or is_file_name(name):
        places = [place_of(id)]
    else:
        places = [folder / f"{name}{ENDING}" for folder in folders()]
        places += [] if allowed.is_restricted() else [Path(name)]  # a file here, which needs to be added first
    for path in filter(os.path.isfile, places):
        if not is_file_name(path.name):
            raise BadFileError(f"{path.name} {MAKE_ONE}.")
        return path.absolute()
    raise UnknownNameError("backbone", name, backbone_ids())


def not_given(name: str) -> MismatchError:
    """The error for a network of somebody's own that this process does not know."""
    return MismatchError(
        f"{name} is a network of somebody's own, which only its module can build: call core.backbone(module, "
        "example_input) with it first, in this process."
    )


def about(id: str | Path = DEFAULT) -> About:
    """What a backbone says of itself. Raises as `find_backbone`."""
    path = find_backbone(id)
    try:
        with safe_open(path, framework="np") as file:
            record = json.loads((file.metadata() or {})["backbone"])
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        if (wrong := first_wrong_field(record)) is not None:
            raise ValueError(wrong)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise BadFileError(f"{path.name} {MAKE_ONE}, or fetch it again where it was one.") from error
    params = sum(math.prod(shape) for name, shape in shapes.items() if is_parameter(name))
    return About(
        path.stem, record["architecture"], record["source"], record["hash"], record["size"], tuple(record["mean"]),
        tuple(record["std"]), path.stat().st_size, path.parent == FOLDER.absolute(), str(path), params, record["about"],
    )  # fmt: skip


def backbones() -> list[About]:
    """All backbones that are here and can be read, by id."""
    found = []
    for id in backbone_ids():
        try:
            found.append(about(id))
        except BadFileError:
            continue  # `doctor` says what is wrong with it
    return found

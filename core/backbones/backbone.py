"""The backbone: architecture, weights, and where the weights came from."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.backbones.architectures import architecture, head_of
from core.backbones.identity import Identity
from core.backbones.listing import DEFAULT as DEFAULT
from core.backbones.listing import ENDING as ENDING
from core.backbones.listing import FOLDER as FOLDER
from core.backbones.listing import MAKE_ONE as MAKE_ONE
from core.backbones.listing import about as about
from core.backbones.listing import backbone_ids as backbone_ids
from core.backbones.listing import find_backbone as find_backbone
from core.backbones.listing import folders as folders
from core.backbones.listing import is_file_name as is_file_name
from core.backbones.sound import first_wrong_field
from core.errors import BadFileError, MismatchError

OWN_BACKBONES: dict[str, "Backbone"] = {}  # made from modules of one's own, by id, of this process (core.backbones.own)


@dataclass(frozen=True, eq=False)
class Backbone:
    """A pre-trained network without its head.

    source: "self-supervised", "supervised" or "random". mean, std: per colour, in [0, 1]. size: input height = width.
    hash: SHA-256 of the tensors, which zoos and pruned models refer to. about: how the weights were made, free form.
    """

    id: str
    architecture: str
    source: str
    hash: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    tensors: Mapping[str, Tensor] = field(repr=False)
    about: Mapping[str, object] = field(repr=False, default_factory=dict)

    @property
    def identity(self) -> Identity:
        """What tells it from other backbones."""
        return Identity(self.hash, self.size, self.mean, self.std)

    def build(self, classes: int) -> nn.Module:
        """The dense network with these weights and a new head of `classes` zero outputs."""
        kind = architecture(self.architecture)
        model = kind.shell(classes, self.size)
        fresh = {name: tensor.clone() for name, tensor in self.tensors.items() if not name.startswith(f"{kind.head}.")}
        shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
        if other := [name for name, tensor in fresh.items() if tensor.shape != shapes.get(name, tensor.shape)]:
            raise BadFileError(
                f"The backbone {self.id} has weights of another shape for {other[0]}: it is not a {self.architecture} "
                f"for images of {self.size} × {self.size}."
            )
        missing, _ = model.load_state_dict(fresh, strict=False, assign=True)
        if lacking := [each for each in missing if not each.startswith(f"{kind.head}.")]:
            raise BadFileError(f"The backbone {self.id} has no weights for {lacking[0]}: fetch or build it again.")
        for parameter in head_of(model)[1].to_empty(device="cpu").parameters():
            nn.init.zeros_(parameter)
        return model

    def to_dict(self) -> dict[str, Any]:
        """What it is, as plain data for JSON; not its weights."""
        return {
            "id": self.id,
            "architecture": self.architecture,
            "source": self.source,
            "hash": self.hash,
            "mean": list(self.mean),
            "std": list(self.std),
            "size": self.size,
            "about": dict(self.about),
        }


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and float16 values, in name order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        value = tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        digest.update(f"{name}{tuple(value.shape)}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_backbone(
    path: Path,
    tensors: Mapping[str, Tensor],
    *,
    architecture: str,
    source: str,
    mean: list[float],
    std: list[float],
    size: int,
    about: Mapping[str, object],
) -> str:
    """Write safetensors with the metadata in it, float16 where that holds the values; returns the hash."""
    half = {name: _compact(tensor) for name, tensor in tensors.items()}
    record = {
        "format": 1, "architecture": architecture, "source": source, "hash": tensors_hash(half),
        "mean": mean, "std": std, "size": size, "about": dict(about),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, path, metadata={"backbone": json.dumps(record)})
    return str(record["hash"])


def _compact(tensor: Tensor) -> Tensor:
    """float16, or as it is where it has no fractions or values beyond float16's largest."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.to(torch.float16)
    return (half if half.isfinite().all() else tensor.float()).contiguous()


def load_backbone(id: str | Path = DEFAULT) -> Backbone:
    """A backbone by id, or any backbone file by its path. Raises as `find_backbone`."""
    if (own := OWN_BACKBONES.get(str(id))) is not None:
        return own
    path = find_backbone(id)
    stat = path.stat()
    return _read(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


def identity_of(id: str) -> Identity:
    """What tells a backbone from others, its weights checked. Raises as `load_backbone`."""
    return load_backbone(id).identity


def keep_backbone(id: str | Path) -> Backbone:
    """The backbone of that id or file; a file is copied to the user's own backbones, where its id finds it later.

    Raises MismatchError if a backbone with that id that differs in anything is here already.
    """
    backbone = load_backbone(id)
    if str(id) in OWN_BACKBONES:
        return backbone
    if backbone.id not in backbone_ids():
        target = folders()[1] / f"{backbone.id}{ENDING}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as beside:
            shutil.copyfile(find_backbone(id), Path(beside) / target.name).replace(target)
    return same_backbone(backbone, load_backbone(backbone.id))


def same_backbone(new: Backbone, here: Backbone) -> Backbone:
    """The backbone that is here, if a new one of its id is the same in all that a zoo or a run depends on.

    Raises MismatchError, naming what differs.
    """
    facts = (
        ("architecture", here.architecture, new.architecture),
        ("source of weights", here.source, new.source),
        ("image size", str(here.size), str(new.size)),
        ("mean", _plain(here.mean), _plain(new.mean)),
        ("standard deviation", _plain(here.std), _plain(new.std)),
    )
    differs = [f"its {name} is {old}, not {given}" for name, old, given in facts if old != given]
    if here.hash != new.hash:
        differs.insert(0, "its weights differ")
    if differs:
        remedy = "give this one another name"
        remedy += "" if about(here.id).shipped else f", or remove {here.id} first"
        raise MismatchError(f"A backbone {here.id} already exists, but {', '.join(differs)}: {remedy}.")
    return here


def _plain(colours: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in colours)


@lru_cache(maxsize=4)
def _read(path: Path, _stamp: tuple[int, int, int]) -> Backbone:
    """Kept until the file changes."""
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["backbone"])
            if (wrong := first_wrong_field(record)) is not None:
                raise ValueError(wrong)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        full = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
        backbone = Backbone(
            path.stem, record["architecture"], record["source"], record["hash"], tuple(record["mean"]),
            tuple(record["std"]), record["size"], full, record["about"],
        )  # fmt: skip
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise BadFileError(f"{path.name} {MAKE_ONE}, or fetch it again where it was one.") from error
    if tensors_hash(tensors) != backbone.hash:
        raise BadFileError(f"{path.name} does not hold the weights it says: fetch or build it again.")
    return backbone

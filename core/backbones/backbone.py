"""The backbone: architecture, weights, and where the weights came from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.backbones.architectures import architecture
from core.errors import BadFileError, UnknownNameError
from core.paths import ASSETS

FOLDER = ASSETS / "backbones"
DEFAULT = "emoji-resnet18-simclr"


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

    def build(self, classes: int) -> nn.Module:
        """The dense network with these weights and a new head of `classes` zero outputs."""
        model = architecture(self.architecture).build(classes)
        name = architecture(self.architecture).head
        missing, _ = model.load_state_dict(dict(self.tensors), strict=False)
        if lacking := [each for each in missing if not each.startswith(f"{name}.")]:
            raise BadFileError(f"The backbone {self.id} has no weights for {lacking[0]}: fetch or build it again.")
        head = model.get_submodule(name)
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.zero_()
        return model


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
    """Write float16 safetensors with the metadata in it; returns the hash."""
    half = {k: v.to(torch.float16).contiguous() if v.is_floating_point() else v for k, v in tensors.items()}
    record = {
        "format": 1, "architecture": architecture, "source": source, "hash": tensors_hash(half),
        "mean": mean, "std": std, "size": size, "about": dict(about),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, path, metadata={"backbone": json.dumps(record)})
    return str(record["hash"])


def backbone_ids() -> list[str]:
    """The ids of the backbones that ship with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


@lru_cache(maxsize=4)
def load_backbone(id: str = DEFAULT) -> Backbone:
    """A shipped backbone by id, or any backbone file by path. Raises UnknownNameError, BadFileError."""
    path = Path(id) if id.endswith(".safetensors") else FOLDER / f"{id}.safetensors"
    if not path.exists():
        raise UnknownNameError("backbone", id, backbone_ids())
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["backbone"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        full = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
        backbone = Backbone(
            path.stem, record["architecture"], record["source"], record["hash"], tuple(record["mean"]),
            tuple(record["std"]), record["size"], full, record["about"],
        )  # fmt: skip
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise BadFileError(f"{path.name} is not a readable backbone file: fetch or build it again.") from error
    if tensors_hash(tensors) != backbone.hash:
        raise BadFileError(f"{path.name} does not hold the weights it says: fetch or build it again.")
    return backbone

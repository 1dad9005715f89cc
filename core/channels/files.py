"""The pruned model and its file: one safetensors with slim tensors, and in its metadata all that makes sense of them.

Torch-free, so that the dashboard can read selections and scores; `core.channels.rebuild` makes the network again.
Loading never unpickles.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from core.backbones.identity import Identity
from core.channels.selection import Selection
from core.errors import BadFileError, MetaVoteError
from core.files import write_whole

FORMAT = 1
SCORES = "importance/"
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class PrunedModel:
    """Selection + slim weights + the task it is for + how it came about.

    tensors: slim state dict as numpy arrays, head included. importance: group -> float32 [n_g], the last score of every
    channel, in original coordinates. rounds: [{"iteration", "keep", "kept": {group: [...]}}], one a pruning round;
    "keep" is a share of the channels, whatever the budget counted.
    origin: free-form JSON: config, accuracy, cost.
    """

    architecture: str
    backbone: str
    backbone_hash: str
    task: Mapping[str, Any]
    selection: Selection
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    tensors: Mapping[str, Array] = field(repr=False, default_factory=dict)
    importance: Mapping[str, Array] = field(repr=False, default_factory=dict)
    rounds: tuple[Mapping[str, Any], ...] = field(repr=False, default=())
    origin: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the head's outputs."""
        return tuple(self.task["classes"])

    @property
    def identity(self) -> Identity:
        """What tells its backbone from others."""
        return Identity(self.backbone_hash, self.size, self.mean, self.std)

    @property
    def skips_unreadable(self) -> bool:
        """Whether the run that made it left out images that cannot be decoded."""
        return bool((self.origin.get("config") or {}).get("skip_unreadable", False))

    def selection_at(self, keep: float) -> Selection:
        """The narrowest selection on its way that still kept at least this ratio of channels.

        Below the final keep ratio that is the final selection; above the first round's, every channel.
        """
        if not self.rounds or keep <= self.rounds[-1]["keep"]:
            return self.selection
        wide = [entry for entry in self.rounds if entry["keep"] >= keep - 1e-9]
        return Selection(wide[-1]["kept"], wide[-1]["sizes"]) if wide else Selection.full(self.selection.sizes)


def save_pruned(model: PrunedModel, path: Path, half: bool = False) -> None:
    """Write the file by atomic rename. half: store floating point weights as float16, as zoos do."""
    write_whole(path, content_of(model, half))


def content_of(model: PrunedModel, half: bool = False) -> bytes:
    """What its file holds."""
    arrays = {name: compact(value, half) for name, value in model.tensors.items()}
    arrays |= {SCORES + name: value.astype(np.float32) for name, value in model.importance.items()}
    about = {
        "format": FORMAT, "architecture": model.architecture, "backbone": model.backbone,
        "backbone_hash": model.backbone_hash, "task": dict(model.task), "selection": model.selection.to_dict(),
        "mean": list(model.mean), "std": list(model.std), "size": model.size,
        "rounds": [dict(entry) for entry in model.rounds], "origin": dict(model.origin),
    }  # fmt: skip
    return save(arrays, metadata={"pruned-model": json.dumps(about)})


def compact(value: Array, half: bool) -> Array:
    """float16 where asked for and no value is too large for it, in one contiguous piece."""
    fits = half and value.dtype == np.float32 and np.abs(value).max(initial=0) <= np.finfo(np.float16).max
    wanted = value.astype(np.float16) if fits else value
    return np.array(wanted, order="C", copy=True)


def is_pruned(path: Path) -> bool:
    """Whether a file is one of ours, rather than tensors alone. Raises BadFileError where there is none."""
    if not path.is_file():
        raise BadFileError(f"There is no file {path.name}: check its name.")
    try:
        with safe_open(path, framework="np") as file:
            return "pruned-model" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def load_pruned(path: Path, weights: bool = True) -> PrunedModel:
    """Read a file back; with `weights=False` only selection, importance and the rest of the metadata.

    Raises BadFileError, naming the file, for one that is missing, truncated, damaged, or no pruned model.
    """
    try:
        with safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {})["pruned-model"])
            if about["format"] > FORMAT:
                raise BadFileError(f"{path.name} was written by a newer version: update this one to read it.")
            names = list(file.keys())
            wanted = [name for name in names if weights or name.startswith(SCORES)]
            arrays = {name: file.get_tensor(name) for name in wanted}
        return PrunedModel(
            about["architecture"], about["backbone"], about["backbone_hash"], about["task"],
            Selection.from_dict(about["selection"]), tuple(about["mean"]), tuple(about["std"]), about["size"],
            {k: v for k, v in arrays.items() if not k.startswith(SCORES)},
            {k.removeprefix(SCORES): v for k, v in arrays.items() if k.startswith(SCORES)},
            tuple(about["rounds"]), about["origin"],
        )  # fmt: skip
    except BadFileError:
        raise
    except FileNotFoundError as error:
        raise BadFileError(f"There is no file {path.name}: check its name.") from error
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, MetaVoteError) as error:
        raise BadFileError(
            f"{path.name} is not a whole pruned-model file: it is damaged, truncated or of another kind; make it again."
        ) from error

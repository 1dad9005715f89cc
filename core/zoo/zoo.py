"""A zoo on disk: its tasks, their pruned models, how similar its tasks are to its targets, and a map of them all.

    <zoo>/zoo.json                  what it is: backbone, channel groups, tasks, targets, accuracies, costs
    <zoo>/models/<task>.safetensors one pruned model each (`core.channels.files`), named by `model_path`
    <zoo>/arrays.safetensors        similarity/<kind> [rows, zoo tasks], embedding [rows, D], coordinates/<kind>
                                    [rows, 2], prototypes/<task> [C, D]; rows are zoo tasks, then targets;
                                    tie_break/<group> [n_g]

Torch-free: the dashboard reads zoos through this module.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from core.arguments import SHARE, choice, instance, optional, takes, whole
from core.backbones.identity import Identity
from core.backbones.places import is_path, place_of
from core.channels.files import PrunedModel, load_pruned
from core.channels.layers import Layers
from core.channels.selection import Selection
from core.errors import BadFileError, MetaVoteError, MismatchError, UnknownNameError
from core.paths import ASSETS, home
from core.pruning.config import SIMILARITIES
from core.pruning.engine import engine_of
from core.tasks.task import Task
from core.voting import Ballot, ballot_of, check_k
from core.zoo.sound import amiss

FORMAT = 1
DEFAULT = "emoji-resnet18-simclr"
LAYOUTS = ("umap", "pca", "mds")
VIEW = frozenset(("size", "mean", "std"))  # of zoo.json: the images that the backbone is given
Array = npt.NDArray[np.float32]
_TASK = instance("the id of a task in the zoo", "choose one of [task.id for task in zoo.tasks]", str)
_LAYOUT = choice("layout", LAYOUTS)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:%-]{0,119}")


@dataclass(frozen=True)
class Neighbour:
    """A zoo task and how similar it is to the target: higher is more similar, whatever the kind."""

    task: Task
    similarity: float

    def __iter__(self) -> Iterator[Any]:
        """So that `for task, similarity in neighbours` reads them."""
        return iter((self.task, self.similarity))

    def to_dict(self) -> dict[str, Any]:
        """{"task", "similarity", "classes", "dataset"}."""
        return {
            "task": self.task.id,
            "similarity": self.similarity,
            "dataset": self.task.dataset,
            "classes": list(self.task.classes),
        }


@dataclass(frozen=True, eq=False)
class Zoo:
    """A zoo, read as far as it is asked about. `about` is the content of zoo.json, `version` that of `version_of`."""

    path: Path
    about: Mapping[str, Any] = field(repr=False)
    version: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """The zoo's name."""
        return str(self.about["id"])

    @property
    def backbone(self) -> str:
        """The id of the backbone that all its models were pruned from."""
        return str(self.about["backbone"])

    @property
    def backbone_hash(self) -> str:
        """SHA-256 of that backbone's tensors."""
        return str(self.about["backbone_hash"])

    @cached_property
    def identity(self) -> Identity:
        """What tells that backbone from others: as zoo.json records it, else as the first model does."""
        if self.about.keys() >= VIEW:
            mean, std = tuple(self.about["mean"]), tuple(self.about["std"])
            return Identity(self.backbone_hash, self.about["size"], mean, std)
        try:
            return self.model(self.tasks[0].id, weights=False).identity
        except (MetaVoteError, IndexError):  # a zoo without a readable model
            return Identity(self.backbone_hash)

    @property
    def keep(self) -> float:
        """The keep ratio its models ended at."""
        return float(self.about["keep"])

    @cached_property
    def groups(self) -> dict[str, int]:
        """Channel group -> number of channels in the backbone, in depth order."""
        return dict(self.about["groups"])

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks that have a pruned model here."""
        return [Task.from_dict(entry["task"]) for entry in self.about["tasks"]]

    @cached_property
    def targets(self) -> list[Task]:
        """The tasks that are kept out of the zoo, to prune for."""
        return [Task.from_dict(entry) for entry in self.about["targets"]]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Task id -> row of the stored arrays: zoo tasks first, then targets."""
        return {task.id: row for row, task in enumerate([*self.tasks, *self.targets])}

    def holds(self, task: Task) -> bool:
        """Whether similarities of this very task are stored: its data set and classes count, not its id alone."""
        row = self.rows.get(task.id)
        return row is not None and [*self.tasks, *self.targets][row] == task

    def pictures(self, task_id: str) -> str | None:
        """SHA-256 of the training images that a stored task had; None in a zoo that was built before it was kept."""
        found = self.about.get("pictures", {}).get(task_id)
        return None if found is None else str(found)

    def voters(self, task: Task) -> list[Task]:
        """The zoo tasks that may vote for a task: all but itself and those with the same classes."""
        return [other for other in self.tasks if other.id != task.id and not same_classes(other, task)]

    @cached_property
    def _arrays(self) -> dict[str, Array]:
        try:
            arrays = load_file(self.path / "arrays.safetensors")
            shapes = {arrays[f"similarity/{kind}"].shape for kind in SIMILARITIES}
            if shapes != {(len(self.rows), len(self.tasks))}:
                raise KeyError(shapes)
            return arrays
        except (SafetensorError, OSError, KeyError) as error:
            raise BadFileError(
                f"The zoo {self.id} has no readable arrays.safetensors: build or import it again."
            ) from error

    @cached_property
    def _entries(self) -> dict[str, Mapping[str, Any]]:
        return {entry["task"]["id"]: entry for entry in self.about["tasks"]}

    def _entry(self, task_id: str) -> Mapping[str, Any]:
        if task_id not in self._entries:
            raise UnknownNameError("task in the zoo", task_id, self._entries)
        return self._entries[task_id]

    @takes("zoo.accuracy", task_id=_TASK)
    def accuracy(self, task_id: str) -> float:
        """Validation accuracy of a zoo task's pruned model."""
        return float(self._entry(task_id)["validation_accuracy"])

    @takes("zoo.sparsity", task_id=_TASK, of=choice("measure of size", ("params", "macs")))
    def sparsity(self, task_id: str, of: str = "params") -> float | None:
        """Share of the backbone's parameters ("params") or MACs ("macs") that a zoo task's model is without.

        None in a zoo that does not say.
        """
        left, whole = self._entry(task_id).get("achieved", {}).get(of), self.about.get("dense", {}).get(of)
        return None if left is None or not whole else 1 - float(left) / float(whole)

    @property
    def cpu_seconds(self) -> float | None:
        """CPU time that it took: of its models, whoever made them, and of similarities and map; None where unknown."""
        cost = self.about.get("cost") or {}
        spent = [float(cost[name]) for name in ("cpu_seconds", "similarity_cpu_seconds") if cost.get(name) is not None]
        return sum(spent) if spent else None

    @property
    def engine(self) -> int:
        """The earliest engine version that made one of its models (`core.pruning.engine`)."""
        return engine_of(self.about)

    @property
    def imported(self) -> int:
        """How many of its models were made elsewhere."""
        return sum("imported" in entry for entry in self.about["tasks"])

    def embedding(self) -> Array | None:
        """float32 [rows, D]: where each task lies in the backbone's feature space; None in a zoo that lacks it."""
        found = self._arrays.get("embedding")
        return found if found is not None and found.ndim == 2 and len(found) == len(self.rows) else None

    @takes("zoo.similarity", kind=choice("similarity", SIMILARITIES))
    def similarity(self, kind: str = "leep") -> tuple[list[str], Array]:
        """(row ids: zoo tasks, then targets; float32 [rows, zoo tasks])."""
        return list(self.rows), self._arrays[f"similarity/{kind}"]

    def neighbours(self, task: Task, k: int = 5, similarity: str = "leep") -> list[Neighbour]:
        """The k most similar zoo tasks of a stored task, best first; the task itself and equals of it left out.

        Other tasks are ranked by `core.zoo.similarity.neighbours_of`, which needs torch.
        """
        if not self.holds(task):
            raise MismatchError(
                f"The zoo {self.id} holds no similarities of {task.id}: they have to be computed first."
            )
        _, matrix = self.similarity(similarity)
        return self.rank(task, matrix[self.rows[task.id]], k)

    @takes("zoo.rank", k=optional(whole("try 5", 1)))
    def rank(self, task: Task, similarities: Sequence[float] | npt.NDArray[Any], k: int | None) -> list[Neighbour]:
        """Zoo tasks by similarity to a task, best first; ties by id. Tasks with the same classes are left out."""
        values = {other.id: float(value) for other, value in zip(self.tasks, similarities, strict=True)}
        found = [Neighbour(other, values[other.id]) for other in self.voters(task)]
        if k is not None:
            check_k(k, len(found))
        found.sort(key=lambda neighbour: (-neighbour.similarity, neighbour.task.id))
        return found[:k]

    @takes("zoo.model", task_id=_TASK)
    def model(self, task_id: str, weights: bool = True) -> PrunedModel:
        """A zoo task's pruned model; raises where it belongs to another backbone than the zoo says."""
        self._entry(task_id)
        path = model_path(self.path, task_id)
        model = load_pruned(path) if weights else _record(path, _stamp(path))
        if model.backbone_hash != self.backbone_hash:
            raise MismatchError(
                f"The model of {task_id} is of another backbone than its zoo {self.id}: build the zoo again."
            )
        return model

    @takes("zoo.selection", task_id=_TASK, keep=optional(SHARE))
    def selection(self, task_id: str, keep: float | None = None) -> Selection:
        """What a zoo task keeps: at the end, or at the round that still kept at least `keep` of the channels."""
        model = self.model(task_id, weights=False)
        return model.selection if keep is None else model.selection_at(keep)

    def keep_ratios(self) -> list[float]:
        """The keep ratios at which selections are stored, largest first."""
        return sorted({round(float(entry["keep"]), 4) for entry in self._rounds()}, reverse=True)

    def _rounds(self) -> Sequence[Mapping[str, Any]]:
        return self.model(self.tasks[0].id, weights=False).rounds if self.tasks else ()

    @takes("zoo.importance", task_id=_TASK)
    def importance(self, task_id: str) -> dict[str, npt.NDArray[Any]]:
        """Group -> float32 [n_g]: a zoo task's last score of every channel."""
        return dict(self.model(task_id, weights=False).importance)

    def tie_break(self) -> dict[str, npt.NDArray[Any]] | None:
        """Group -> float32 [n_g]: the backbone's importance of every channel, by which a run breaks ties between votes.

        None for a zoo that was built before these were stored. Raises BadFileError where they do not fit the groups.
        """
        stored = {group: self._arrays.get(f"tie_break/{group}") for group in self.groups}
        if all(values is None for values in stored.values()):
            return None
        found = {group: values for group, values in stored.items() if values is not None}
        shapes = {group: values.shape for group, values in found.items() if np.isfinite(values).all()}
        if shapes != {group: (size,) for group, size in self.groups.items()}:
            raise BadFileError(f"What breaks ties in the zoo {self.id} is damaged: build or import it again.")
        return found

    @cached_property
    def layers(self) -> Layers | None:
        """What the size of a slim network follows from: `zoo.layers.size(selection, classes)`, exact and torch-free.

        None for a zoo that was built before it was stored. Raises BadFileError where it is damaged.
        """
        stored = self.about.get("layers")
        return None if stored is None else Layers.from_dict(stored)

    def prototypes(self, row: int) -> npt.NDArray[Any]:
        """float32 [C, D]: class means of the dense backbone's features for the task of that row."""
        task = list(self.rows)[row]
        return self._arrays[f"prototypes/{task}"]

    @takes("zoo.coordinates", kind=_LAYOUT)
    def coordinates(self, kind: str = "umap") -> dict[str, tuple[float, float]]:
        """Task id -> its place on the 2-D map, zoo tasks and targets."""
        places = self._arrays[f"coordinates/{kind}"]
        return {task: (float(places[row, 0]), float(places[row, 1])) for task, row in self.rows.items()}

    @takes("zoo.trustworthiness", kind=_LAYOUT)
    def trustworthiness(self, kind: str = "umap") -> float:
        """How far near neighbours on the map are near in the original space, 0 to 1 (k = 5)."""
        return float(self.about["trustworthiness"][kind])

    def to_dict(self) -> dict[str, Any]:
        """What it holds, as plain data for JSON; nothing that its arrays hold."""
        return {
            "id": self.id,
            "path": str(self.path),
            "backbone": self.backbone,
            "backbone_hash": self.backbone_hash,
            "architecture": self.about.get("architecture"),
            "keep": self.keep,
            "keep_ratios": self.keep_ratios(),
            "groups": self.groups,
            "tasks": [{**task.to_dict(), "validation_accuracy": self.accuracy(task.id)} for task in self.tasks],
            "targets": [task.to_dict() for task in self.targets],
            "imported": self.imported,
            "engine": self.engine,
            "cost": self.about.get("cost"),
            "cpu_seconds": self.cpu_seconds,
            "config": self.about.get("config"),
            "trustworthiness": self.about.get("trustworthiness"),
        }


def same_classes(a: Task, b: Task) -> bool:
    """Are these the same problem, whatever the order of their classes?"""
    return a.dataset == b.dataset and set(a.classes) == set(b.classes)


def model_path(folder: Path, task_id: str) -> Path:
    """Where the pruned model of a task is in a zoo: one flat file, whatever the id, and another one for every id.

    An id that is a plain file name is the file's name; of any other (such as a folder's) only what is plain in it is,
    and a hash of the whole.
    """
    name = task_id
    if not _PLAIN.fullmatch(task_id):
        plain = re.sub(r"[^A-Za-z0-9.-]+", "_", task_id).strip("_.-")[:80]
        # "~" is in no plain id, so that neither kind of name can be taken for the other
        name = f"{plain}~{hashlib.sha256(task_id.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return folder / "models" / f"{name}.safetensors"


@lru_cache(maxsize=4096)
def _record(path: Path, _stamp: str) -> PrunedModel:
    """A model without its weights, kept until its file changes."""
    return load_pruned(path, weights=False)


def _stamp(file: Path) -> str:
    """Another text for another content of a file; "" for one that is not there."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}/{found.st_size}/{found.st_ino}"


def version_of(path: Path) -> str:
    """Another text once the zoo in that folder was built again or replaced: what a cache of reads is keyed by."""
    return " ".join(_stamp(path / name) for name in ("zoo.json", "arrays.safetensors"))


def zoo_ids() -> list[str]:
    """The zoos on this machine: shipped ones, and the user's own in `METAVOTE_HOME/zoos`."""
    return sorted({path.parent.name for root in roots() for path in root.glob("*/zoo.json")})


def own_folder(id: str) -> Path:
    """Where the user's own zoo of that id is, or goes."""
    return roots()[0] / id


def roots() -> tuple[Path, Path]:
    """Where zoos are looked for by id, the user's own first."""
    return home() / "zoos", ASSETS / "zoo"


def open_zoo(id: str | Path = DEFAULT) -> Zoo:
    """A zoo by id, or by the path of its folder. Raises BadFileError; as `find_zoo`."""
    return _read(find_zoo(id))


def find_zoo(id: str | Path = DEFAULT) -> Path:
    """The folder of a zoo, by id or path. Raises UnknownNameError; as `place_of` for a path."""
    for path in [place_of(id)] if is_path(id) else [root / str(id) for root in roots()]:
        if os.path.isfile(path / "zoo.json"):
            return path
    raise UnknownNameError("zoo", str(id), zoo_ids())


def _read(path: Path) -> Zoo:
    version = version_of(path)  # before its content: what is newer than its version is only read once more
    try:
        about = json.loads((path / "zoo.json").read_text())
        if about["format"] > FORMAT:
            raise BadFileError(f"The zoo {path.name} was written by a newer version: update this one to read it.")
        if (key := amiss(about)) is not None:
            raise ValueError(key)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFileError(
            f"{path.name}/zoo.json is damaged or of another kind: build or import the zoo again."
        ) from error
    return Zoo(path, about, version)


def ballots(zoo: Zoo, neighbours: Sequence[Neighbour], keep: float | None = None) -> list[Ballot]:
    """What these neighbours vote with, at the zoo's final keep ratio or an earlier one."""
    return [ballot_of(zoo.model(each.task.id, weights=False), each.similarity, keep) for each in neighbours]

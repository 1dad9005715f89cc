"""A zoo in the real file format whose selections and similarities are drawn by chance: to test pages, not pruning."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from core.backbones.listing import about
from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.channels.selection import Selection
from core.tasks.catalogue import tasks
from core.tasks.datasets import class_names
from core.tasks.task import Task
from core.zoo.zoo import model_path

GROUPS = {"conv1": 16, "layer1.0.conv1": 24, "layer2.0.conv1": 32, "layer3.0.conv1": 48, "layer4.0.conv1": 64}
KEEPS = (0.6, 0.35, 0.2)
HASH = "0" * 64
BACKBONE = about()  # the embedded one
EMBEDDED = BACKBONE.hash
Floats = npt.NDArray[np.float32]


def write_paper_zoo(
    folder: Path,
    zoo_tasks: int = 14,
    targets: int = 4,
    seed: int = 0,
    tie_break: bool = False,
    others: tuple[Sequence[Task], Sequence[Task]] = ((), ()),
    backbone_hash: str = EMBEDDED,
) -> Path:
    """Write it and return its folder; its id is the folder's name. `tie_break`: with random importances for ties.

    others: zoo tasks and targets beside the shipped ones. backbone_hash: of the backbone it says it was made on.
    """
    rng = np.random.default_rng(seed)
    shipped, wanted = tasks("zoo"), [*tasks("targets")[:targets], *others[1]]
    stored = [*shipped[:zoo_tasks], *more_tasks(zoo_tasks - len(shipped)), *others[0]]
    entries: list[dict[str, object]] = []
    for task in stored:
        save_pruned(_model(task, rng, backbone_hash), model_path(folder, task.id))
        achieved = {"params": 30_000 + 100 * len(entries), "macs": 90_000}
        accuracy = float(rng.uniform(0.5, 0.9))
        entries.append({"task": task.to_dict(), "validation_accuracy": accuracy, "achieved": achieved})
    rows = len(stored) + len(wanted)
    arrays = {f"similarity/{kind}": _floats(rng, rows, len(stored)) for kind in ("leep", "logme", "prototypes")}
    arrays |= {f"coordinates/{kind}": _floats(rng, rows, 2) for kind in ("umap", "pca", "mds")}
    if tie_break:
        arrays |= {f"tie_break/{group}": np.abs(_floats(rng, size)) for group, size in GROUPS.items()}
    arrays["embedding"] = _floats(np.random.default_rng(seed), rows, 16)
    save_file(arrays, folder / "arrays.safetensors")
    described = {
        "format": 1,
        "id": folder.name,
        "backbone": "emoji-resnet18-simclr",
        "backbone_hash": backbone_hash,
        "dense": {"params": 1_000_000, "macs": 900_000},
        "keep": KEEPS[-1],
        "groups": GROUPS,
        "tasks": entries,
        "targets": [task.to_dict() for task in wanted],
        "trustworthiness": {"umap": 0.91, "pca": 0.84, "mds": 0.88},
        "hash": HASH,
    }
    (folder / "zoo.json").write_text(json.dumps(described))
    return folder


def seal(folder: Path) -> None:
    """Have it say the hash of its arrays, as one that was built does: then it can be passed on."""
    about = json.loads((folder / "zoo.json").read_text())
    digest = hashlib.sha256((folder / "arrays.safetensors").read_bytes()).hexdigest()
    (folder / "zoo.json").write_text(json.dumps(about | {"hash": digest}))


def write_foreign_zoo(folder: Path) -> Path:
    """One whose first model was made on another backbone than the zoo says."""
    first = write_paper_zoo(folder) / "models" / "emoji-z00.safetensors"
    save_pruned(replace(load_pruned(first), backbone_hash="1" * 64), first)
    return folder


def more_tasks(number: int) -> list[Task]:
    """So many tasks that nobody pruned for, of five emoji classes drawn by chance."""
    rng, classes = np.random.default_rng(1), class_names("emoji")
    return [
        Task(f"paper-{n:04d}", "emoji", tuple(classes[i] for i in rng.choice(len(classes), 5, replace=False)))
        for n in range(number)
    ]


def _floats(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.normal(-1, 0.4, shape).astype(np.float32)


def _model(task: Task, rng: np.random.Generator, backbone_hash: str) -> PrunedModel:
    importance = {group: rng.gamma(0.5, size=size).astype(np.float32) for group, size in GROUPS.items()}
    rounds = [_selection(importance, keep) for keep in KEEPS]
    return PrunedModel(
        "resnet18",
        "emoji-resnet18-simclr",
        backbone_hash,
        task.to_dict(),
        rounds[-1],
        BACKBONE.mean,
        BACKBONE.std,
        BACKBONE.size,
        importance=importance,
        rounds=tuple({"keep": keep, **each.to_dict()} for keep, each in zip(KEEPS, rounds, strict=True)),
    )


def _selection(importance: dict[str, Floats], keep: float) -> Selection:
    best = {group: np.sort(np.argsort(-scores)[: round(keep * len(scores))]) for group, scores in importance.items()}
    return Selection({group: tuple(channels.tolist()) for group, channels in best.items()}, GROUPS)

"""What a zoo says of itself, as two files: similarities, prototypes, what breaks ties, maps, sizes, costs.

What zoos that are here already know of the same models and tasks is taken from them; only the rest is computed.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from core.channels.files import load_pruned
from core.errors import MetaVoteError
from core.files import write_whole
from core.neighbours.embedding import task_embedding
from core.neighbours.layout import layout, trustworthiness
from core.pruning.config import SIMILARITIES
from core.pruning.engine import ENGINE, engine_of
from core.tasks.data import TaskData, load_task
from core.tasks.datasets import FOLDER
from core.tasks.task import Task
from core.zoo.similarity import Floats, pictures_of, pools_of, prototypes, similarity_rows
from core.zoo.zoo import FORMAT, LAYOUTS, Zoo, model_path

if TYPE_CHECKING:
    from torch import nn

    from core.backbones.backbone import Backbone
    from core.channels.groups import ChannelGroups
    from core.channels.layers import Layers
    from core.criteria.scores import Scores

PAID = ("similarity_seconds", "similarity_cpu_seconds")


@dataclass(frozen=True)
class Contents:
    """What a zoo is to hold: tasks whose models are in its folder, targets, and what is said of it as a whole.

    config: the run that made its models, None where several ways did. seed: of its map. known: zoos on the same
    backbone, the most trusted first, whose own reckoning is taken over where it is of the same model and the same task.
    """

    id: str
    tasks: tuple[Task, ...]
    targets: tuple[Task, ...]
    backbone: "Backbone" = field(repr=False)
    keep: float
    config: Mapping[str, Any] | None
    seed: int = 0
    known: tuple[Zoo, ...] = ()


@dataclass(frozen=True)
class _View:
    """How tasks' images are read: as squares of `size` pixels, with or without those that cannot be decoded."""

    size: int
    skip_unreadable: bool

    def of(self, task: Task) -> TaskData:
        """A task's images."""
        return load_task(task, self.size, self.skip_unreadable)


def describe(folder: Path, contents: Contents) -> None:
    """Write arrays.safetensors and zoo.json beside the models."""
    start, cpu = time.perf_counter(), time.process_time()
    backbone, rows = contents.backbone, [*contents.tasks, *contents.targets]
    known = [zoo for zoo in contents.known if _same_view(zoo, backbone)]
    view = _View(backbone.size, _skips_unreadable(folder, contents.tasks))
    sources = {task.id: [zoo for zoo in known if _knows(zoo, task, view)] for task in rows}
    protos = [_prototypes(sources[task.id], task, backbone, view) for task in rows]
    columns: dict[str, list[list[float]]] = {kind: [] for kind in SIMILARITIES}
    entries, engine = [], ENGINE
    for number, task in enumerate(contents.tasks):
        file = model_path(folder, task.id)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        told = {row.id: zoo for row in rows for zoo in sources[row.id] if _same_model(zoo, task, digest)}
        found = _column(
            file, protos[number], rows, protos, {id: _stored(zoo, id, task) for id, zoo in told.items()}, view
        )
        for kind, values in found.items():
            columns[kind].append(values)
        model = load_pruned(file, weights=False)
        entries.append(_entry(task, model.origin, digest))
        engine = min(engine, engine_of(model.origin))
    embeddings = np.stack([task_embedding(p) for p in protos]).astype(np.float32)
    places = {kind: layout(embeddings, kind, seed=contents.seed) for kind in LAYOUTS}
    trust = {kind: trustworthiness(embeddings, where) for kind, where in places.items()}
    arrays = {f"similarity/{kind}": np.array(values, np.float32).T.copy() for kind, values in columns.items()}
    arrays |= {f"coordinates/{kind}": where.astype(np.float32) for kind, where in places.items()}
    arrays |= {f"prototypes/{task.id}": p.astype(np.float32) for task, p in zip(rows, protos, strict=True)}
    arrays |= {f"tie_break/{group}": v.astype(np.float32) for group, v in backbone_importance(backbone).items()}
    content = save({"embedding": embeddings, **arrays})
    pictures = {task.id: _pictures(sources[task.id], task, view) for task in rows}
    now = {"similarity_seconds": time.perf_counter() - start, "similarity_cpu_seconds": time.process_time() - cpu}
    paid = {name: now[name] + sum((zoo.about.get("cost") or {}).get(name, 0.0) for zoo in known) for name in PAID}
    about: dict[str, Any] = {
        "format": FORMAT, "id": contents.id, "backbone": backbone.id, "backbone_hash": backbone.hash,
        "size": backbone.size, "mean": list(backbone.mean), "std": list(backbone.std),
        "architecture": backbone.architecture, "dense": model.origin["dense"], "keep": contents.keep,
        "config": contents.config, "groups": dict(model.selection.sizes),
        "layers": backbone_layers(backbone).to_dict(), "tasks": entries,
        "targets": [task.to_dict() for task in contents.targets], "trustworthiness": trust,
        "hash": hashlib.sha256(content).hexdigest(), "pictures": pictures, "engine": engine,
        "cost": total_cost([entry["cost"] for entry in entries]) | paid,
    }  # fmt: skip
    (folder / "zoo.json").unlink(missing_ok=True)  # else it would tell of other arrays, were this killed half-way
    write_whole(folder / "arrays.safetensors", content)
    write_whole(folder / "zoo.json", (json.dumps(about, indent=1) + "\n").encode())


def _skips_unreadable(folder: Path, tasks: Sequence[Task]) -> bool:
    """Whether a run that made one of the models left out images that cannot be decoded."""
    return any(load_pruned(model_path(folder, task.id), weights=False).skips_unreadable for task in tasks)


def _entry(task: Task, origin: Mapping[str, Any], digest: str) -> dict[str, Any]:
    made = {
        "task": task.to_dict(), "validation_accuracy": origin["validation_accuracy"], "curve": origin["curve"],
        "attempts": origin["attempts"], "cost": origin["cost"], "achieved": origin["achieved"], "hash": digest,
    }  # fmt: skip
    return made if "imported" not in origin else {**made, "imported": origin["imported"]}


def _same_view(zoo: Zoo, backbone: "Backbone") -> bool:
    """Whether a zoo is of the same weights, looking at images of the same size and normalisation."""
    return not zoo.identity.difference(backbone.identity)


def _knows(zoo: Zoo, task: Task, view: _View) -> bool:
    """Whether what a zoo has stored is of this very task: of a folder, whose pictures may change, of these too."""
    if not zoo.holds(task):
        return False
    try:
        return not task.dataset.startswith(FOLDER) or zoo.pictures(task.id) == pictures_of(view.of(task))
    except MetaVoteError:  # the folder is not on this machine, so that nothing can say otherwise
        return True


def _same_model(zoo: Zoo, task: Task, digest: str) -> bool:
    """Whether the zoo's model of a task is the one with that hash."""
    if not any(task == other for other in zoo.tasks):
        return False
    return hashlib.sha256(model_path(zoo.path, task.id).read_bytes()).hexdigest() == digest


def _stored(zoo: Zoo, row: str, task: Task) -> dict[str, float]:
    """Kind -> what a zoo has stored of a row's similarity to one of its tasks."""
    column = [other.id for other in zoo.tasks].index(task.id)
    return {kind: float(zoo.similarity(kind)[1][zoo.rows[row], column]) for kind in SIMILARITIES}


def _column(
    file: Path,
    own: Floats,
    rows: Sequence[Task],
    protos: Sequence[Floats],
    stored: Mapping[str, Mapping[str, float]],
    view: _View,
) -> dict[str, list[float]]:
    """Kind -> similarity of one model to every row: stored where it is, else found by looking at the row's images."""
    missing = [place for place, row in enumerate(rows) if row.id not in stored]
    tasks = [rows[place] for place in missing]
    found: Mapping[str, list[float]] = {kind: [] for kind in SIMILARITIES}
    if missing:
        theirs = [protos[place] for place in missing]
        found = similarity_rows(load_pruned(file), own, tasks, pools_of(tasks, view.size, view.skip_unreadable), theirs)
    fresh = {kind: dict(zip(missing, values, strict=True)) for kind, values in found.items()}
    return {
        kind: [fresh[kind][place] if place in fresh[kind] else stored[row.id][kind] for place, row in enumerate(rows)]
        for kind in SIMILARITIES
    }


def _prototypes(known: Sequence[Zoo], task: Task, backbone: "Backbone", view: _View) -> Floats:
    if known:
        return np.asarray(known[0].prototypes(known[0].rows[task.id]), np.float64)
    return prototypes(backbone, view.of(task).train)


def _pictures(known: Sequence[Zoo], task: Task, view: _View) -> str | None:
    return known[0].pictures(task.id) if known else pictures_of(view.of(task))


def backbone_importance(backbone: "Backbone") -> "Scores":
    """Group -> float64 [n_g]: the L2 norms of the backbone's channels, by which ties between votes are broken."""
    from core.criteria.weights import tie_break_of

    return tie_break_of(*network(backbone))


def backbone_layers(backbone: "Backbone") -> "Layers":
    """The terms from which the size of any slim network of this backbone follows."""
    from core.channels.counted import layers_of

    return layers_of(*network(backbone), backbone.size)


def network(backbone: "Backbone") -> "tuple[nn.Module, ChannelGroups]":
    """The dense network of two classes, and its channel groups."""
    import torch

    from core.channels.groups import channel_groups

    model = backbone.build(2)
    return model, channel_groups(model, torch.zeros(1, 3, backbone.size, backbone.size))


def total_cost(costs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Sums over the models."""
    return {
        key: sum(cost[key] for cost in costs) for key in ("seconds", "cpu_seconds", "iterations", "macs", "energy_kwh")
    }

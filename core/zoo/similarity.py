"""How well each zoo model should help a task: LEEP, LogME and prototype similarity, from its training images."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from core.backbones.architectures import architecture
from core.backbones.backbone import Backbone
from core.channels.files import PrunedModel
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import rebuild
from core.files import write_whole
from core.neighbours.leep import leep
from core.neighbours.logme import logme
from core.neighbours.prototypes import class_prototypes, prototype_similarity
from core.paths import home
from core.pruning.config import SIMILARITIES
from core.pruning.images import normalised
from core.pruning.readout import features, features_of
from core.tasks.data import TaskData
from core.tasks.datasets import FOLDER, load_dataset
from core.tasks.images import TRAIN, Examples, fingerprint
from core.tasks.task import Task
from core.zoo.pairing import check_pair
from core.zoo.zoo import Neighbour, Zoo

Floats = npt.NDArray[np.float64]
LOOKED_AT = 500  # training images of a class that similarities are computed from, at most


@dataclass(frozen=True, eq=False)
class Views:
    """What a zoo model sees in images: softmax outputs [N, Z] and penultimate features [N, D]."""

    probabilities: Floats
    features: Floats


@torch.no_grad()
def views(model: PrunedModel, examples: Examples, batch: int = 256) -> Views:
    """One forward pass of a zoo model over images."""
    network = rebuild(model)
    images, _ = normalised(examples, model.mean, model.std)
    with features_of(network) as seen:
        logits = torch.cat([network(part) for part in torch.split(images, batch)])
    return Views(logits.double().softmax(1).numpy(), torch.cat(seen).double().numpy())


def prototypes(backbone: Backbone, examples: Examples) -> Floats:
    """[C, D] class means of the dense backbone's features."""
    model = backbone.build(2)
    images, labels = normalised(examples.at_most(LOOKED_AT), backbone.mean, backbone.std)
    return np.asarray(class_prototypes(features(model, images).numpy(), labels.numpy()))


def pictures_of(data: TaskData) -> str:
    """SHA-256 of a task's training images and their labels."""
    return fingerprint([data.train])


def similarities(
    zoo: Zoo, task: Task, data: TaskData, backbone: Backbone, looked: Callable[[int], None] = lambda _: None
) -> dict[str, list[float]]:
    """Kind -> similarity of every zoo task to `task`, in the zoo's order; kept in the user's folder once computed.

    looked: called after each zoo model with the number evaluated so far. Raises MismatchError for a
    backbone that the zoo was not made on.
    """
    check_pair(zoo, backbone.id, backbone.identity)
    cached = _cache_file(zoo, task, data)
    if (kept := _cached(cached, zoo)) is not None:
        return kept[0]
    own = prototypes(backbone, data.train)
    pools = {task.dataset: Pool(task.classes, data.train.at_most(LOOKED_AT))}
    rows: dict[str, list[float]] = {kind: [] for kind in SIMILARITIES}
    for number, other in enumerate(zoo.tasks):
        found = similarity_rows(zoo.model(other.id), zoo.prototypes(number), [task], pools, [own])
        for kind, values in found.items():
            rows[kind] += values
        looked(number + 1)
    document = {"similarities": rows, "macs": macs_to_look(zoo, data)}
    write_whole(cached, json.dumps(document).encode())
    return rows


def ranking_macs(zoo: Zoo, task: Task, data: TaskData) -> int:
    """MACs that ranking the zoo for a task takes, the same whether its similarities are cached by now or not.

    0 where they are stored in the zoo; else one pass of every zoo model, and of the backbone, over the training images.
    """
    if stored(zoo, task, data):
        return 0
    kept = _cached(_cache_file(zoo, task, data), zoo)
    return macs_to_look(zoo, data) if kept is None else kept[1]


def macs_to_look(zoo: Zoo, data: TaskData) -> int:
    """MACs of one forward pass of every zoo model, and of their backbone, over a task's training images."""
    last = zoo.model(zoo.tasks[-1].id, weights=False)
    if last.size == data.size:
        dense = int(last.origin["dense"]["macs"])
    else:
        dense = parameters_and_macs(architecture(last.architecture).shell(len(last.classes), data.size), data.size)[1]
    return len(data.train.at_most(LOOKED_AT)) * (dense + sum(_macs_of(zoo, task, data.size) for task in zoo.tasks))


def _macs_of(zoo: Zoo, task: Task, size: int) -> int:
    """MACs of a zoo model for one image of that size: counted when it was made, or now where that was another size."""
    known = zoo.model(task.id, weights=False)
    if known.size == size:
        return int(known.origin["achieved"]["macs"])
    return parameters_and_macs(rebuild(zoo.model(task.id)), size)[1]


def stored(zoo: Zoo, task: Task, data: TaskData) -> bool:
    """Whether the zoo's stored similarities are of this task: of a folder, whose pictures may change, of these too."""
    same = zoo.holds(task)
    return same and (not task.dataset.startswith(FOLDER) or zoo.pictures(task.id) == pictures_of(data))


def neighbours_of(
    zoo: Zoo, task: Task, data: TaskData, backbone: Backbone, k: int | None, similarity: str = "leep"
) -> list[Neighbour]:
    """The k most similar zoo tasks of any task, best first: stored similarities where there are, else computed."""
    if stored(zoo, task, data):
        _, matrix = zoo.similarity(similarity)
        return zoo.rank(task, matrix[zoo.rows[task.id]], k)
    return zoo.rank(task, similarities(zoo, task, data, backbone)[similarity], k)


def _cache_file(zoo: Zoo, task: Task, data: TaskData) -> Path:
    key = json.dumps([zoo.about["hash"], asdict(zoo.identity), task.to_dict(), pictures_of(data)])
    return home() / "cache" / "similarity" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _cached(file: Path, zoo: Zoo) -> tuple[dict[str, list[float]], int] | None:
    """(similarities, MACs) as they were computed earlier; None where they were not, or the file is damaged."""
    try:
        kept = json.loads(file.read_text())
        rows, macs = kept["similarities"], int(kept["macs"])
        whole = set(rows) == set(SIMILARITIES) and all(len(row) == len(zoo.tasks) for row in rows.values())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (rows, macs) if whole else None


@dataclass(frozen=True, eq=False)
class Pool:
    """The training images of all classes that some tasks of one data set have, so that each is looked at once."""

    classes: tuple[str, ...]
    examples: Examples

    def part(self, task: Task) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(rows of a task's images in the pool, their labels in the order of the task's classes)."""
        order = np.full(len(self.classes), -1, np.int64)
        order[[self.classes.index(name) for name in task.classes]] = np.arange(len(task.classes))
        labels = order[self.examples.labels]
        rows = np.flatnonzero(labels >= 0)
        return rows, labels[rows]


def pools_of(tasks: Sequence[Task], size: int, skip_unreadable: bool = False) -> dict[str, Pool]:
    """Data set -> pool of the training images that the tasks have in it, as squares of `size` pixels."""
    pools = {}
    for dataset in dict.fromkeys(task.dataset for task in tasks):
        used = {name for task in tasks if task.dataset == dataset for name in task.classes}
        images = load_dataset(dataset, size=size, classes=used, skip_unreadable=skip_unreadable)
        classes = tuple(name for name in images.classes if name in used)
        pools[dataset] = Pool(classes, images.part(TRAIN, classes).at_most(LOOKED_AT).sized(size))
    return pools


def similarity_rows(
    model: PrunedModel,
    model_prototypes: Floats,
    tasks: Sequence[Task],
    pools: Mapping[str, Pool],
    protos: Sequence[Floats],
) -> dict[str, list[float]]:
    """Kind -> similarity of one zoo model to each of many tasks, given their images and prototypes."""
    seen = {dataset: views(model, pool.examples) for dataset, pool in pools.items()}
    found: dict[str, list[float]] = {kind: [] for kind in SIMILARITIES}
    for task, own in zip(tasks, protos, strict=True):
        rows, labels = pools[task.dataset].part(task)
        found["leep"].append(leep(seen[task.dataset].probabilities[rows], labels))
        found["logme"].append(logme(seen[task.dataset].features[rows], labels))
        found["prototypes"].append(prototype_similarity(own, model_prototypes))
    return found

"""How well each zoo model should help a task: LEEP, LogME and prototype similarity, from its training images."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from core.backbones.backbone import Backbone
from core.channels.files import PrunedModel, write_whole
from core.channels.rebuild import rebuild
from core.neighbours.leep import leep
from core.neighbours.logme import logme
from core.neighbours.prototypes import class_prototypes, prototype_similarity
from core.paths import home
from core.pruning.config import SIMILARITIES
from core.pruning.images import normalised
from core.pruning.readout import features, features_of
from core.tasks.data import TaskData
from core.tasks.datasets import load_dataset
from core.tasks.images import TRAIN, Examples
from core.tasks.task import Task
from core.zoo.zoo import Neighbour, Zoo

Floats = npt.NDArray[np.float64]


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
    images, labels = normalised(examples, backbone.mean, backbone.std)
    return np.asarray(class_prototypes(features(model, images).numpy(), labels.numpy()))


def similarities(zoo: Zoo, task: Task, data: TaskData, backbone: Backbone) -> dict[str, list[float]]:
    """Kind -> similarity of every zoo task to `task`, in the zoo's order; kept in the user's folder once computed."""
    pictures = hashlib.sha256(data.train.images.tobytes() + data.train.labels.tobytes()).hexdigest()
    key = hashlib.sha256(json.dumps([zoo.about["hash"], task.to_dict(), pictures]).encode()).hexdigest()[:24]
    cached = home() / "cache" / "similarity" / f"{key}.json"
    if cached.exists():
        try:
            kept: dict[str, list[float]] = json.loads(cached.read_text())
            if set(kept) == set(SIMILARITIES) and all(len(row) == len(zoo.tasks) for row in kept.values()):
                return kept
        except ValueError:
            pass  # a damaged cache is computed again
    own = prototypes(backbone, data.train)
    pools = {task.dataset: Pool(task.classes, data.train)}
    rows: dict[str, list[float]] = {kind: [] for kind in SIMILARITIES}
    for number, other in enumerate(zoo.tasks):
        found = similarity_rows(zoo.model(other.id), zoo.prototypes(number), [task], pools, [own])
        for kind, values in found.items():
            rows[kind] += values
    write_whole(cached, json.dumps(rows).encode())
    return rows


def neighbours_of(
    zoo: Zoo, task: Task, data: TaskData, backbone: Backbone, k: int | None, similarity: str = "leep"
) -> list[Neighbour]:
    """The k most similar zoo tasks of any task, best first: stored similarities where there are, else computed."""
    if task.id in zoo.rows:
        _, matrix = zoo.similarity(similarity)
        return zoo.rank(task, matrix[zoo.rows[task.id]], k)
    return zoo.rank(task, similarities(zoo, task, data, backbone)[similarity], k)


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


def pools_of(tasks: Sequence[Task]) -> dict[str, Pool]:
    """Data set -> pool of the training images that the tasks have in it."""
    pools = {}
    for dataset in dict.fromkeys(task.dataset for task in tasks):
        images = load_dataset(dataset)
        used = {name for task in tasks if task.dataset == dataset for name in task.classes}
        classes = tuple(name for name in images.classes if name in used)
        pools[dataset] = Pool(classes, images.part(TRAIN, classes))
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

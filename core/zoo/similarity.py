"""How well each zoo model should help a task: LEEP, LogME and prototype similarity, from its training images."""

import hashlib
import json
from collections.abc import Sequence
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
from core.pruning.images import normalised
from core.pruning.readout import features, features_of
from core.tasks.data import TaskData
from core.tasks.images import Examples
from core.tasks.task import Task
from core.zoo.zoo import SIMILARITIES, Neighbour, Zoo

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
    rows: dict[str, list[float]] = {kind: [] for kind in SIMILARITIES}
    for number, other in enumerate(zoo.tasks):
        found = similarity_rows(zoo.model(other.id), zoo.prototypes(number), [data.train], [own])
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


def similarity_rows(
    model: PrunedModel, model_prototypes: Floats, images: Sequence[Examples], protos: Sequence[Floats]
) -> dict[str, list[float]]:
    """Kind -> similarity of one zoo model to each of many tasks, given their training images and prototypes."""
    seen = [views(model, examples) for examples in images]
    labels = [examples.labels for examples in images]
    return {
        "leep": [leep(v.probabilities, y) for v, y in zip(seen, labels, strict=True)],
        "logme": [logme(v.features, y) for v, y in zip(seen, labels, strict=True)],
        "prototypes": [prototype_similarity(own, model_prototypes) for own in protos],
    }

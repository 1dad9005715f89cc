"""A pruned model that was made elsewhere, as one of ours: which channels it keeps, and its tensors, checked and tried.

Nothing is believed: indices are checked against the backbone's channel groups, every tensor against the shape that they
leave of the backbone's, and the accuracy that is written down was measured here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.backbones.checkpoints import read_states
from core.backbones.values import unusable
from core.channels.counted import layers_of
from core.channels.files import PrunedModel, compact
from core.channels.groups import ChannelGroups, channel_groups
from core.channels.rebuild import rebuild
from core.channels.selection import Selection
from core.channels.slim import slim_state
from core.criteria.weights import l2
from core.errors import BadFileError, BadValueError, MismatchError, UnknownNameError
from core.numbers import percent
from core.pruning.engine import ENGINE
from core.pruning.images import normalised
from core.pruning.meter import Meter
from core.tasks.data import TaskData, load_task
from core.tasks.task import Task

LARGEST = 10_000_000  # bytes of a file of indices
COUNTER = "num_batches_tracked"  # of a BatchNorm: no network needs it to compute


@dataclass(frozen=True)
class _Parts:
    """The dense network of a task, its channel groups, and its images."""

    data: TaskData
    dense: nn.Module
    groups: ChannelGroups


def foreign(task: Task, backbone: Backbone, kept: Path, state: Mapping[str, Tensor], name: str) -> PrunedModel:
    """The pruned model of a state dict and a file that says what it keeps: {group or layer: [indices]}.

    name: of the file that the state is from. Raises BadFileError, UnknownNameError, BadValueError, MismatchError.
    """
    parts = _parts(task, backbone)
    selection = selection_of(kept, parts.groups)
    tensors = _checked(state, parts, selection, name, kept.name)
    arrays = {tensor: compact(value.numpy(), half=True) for tensor, value in tensors.items()}
    model = PrunedModel(
        backbone.architecture, backbone.id, backbone.hash, task.to_dict(), selection, backbone.mean, backbone.std,
        parts.data.size, arrays,
    )  # fmt: skip
    scores = l2(rebuild(model), parts.groups, selection)
    importance = {title: values.astype("float32") for title, values in scores.items()}
    ratio = selection.keep_ratio()
    rounds = ({"iteration": 0, "keep": ratio, **selection.to_dict()},)
    return _tried(replace(model, importance=importance, rounds=rounds), parts, f"{name} with {kept.name}")


def ours(model: PrunedModel, task: Task, backbone: Backbone, source: str) -> PrunedModel:
    """A model in our own format, its accuracy measured anew. Raises MismatchError for another task or backbone's."""
    if differs := model.identity.difference(backbone.identity):
        raise MismatchError(
            f"{source} was pruned from another backbone, {model.backbone}, not from {backbone.id} ({differs}): add it "
            "to a zoo of its own backbone."
        )
    theirs = Task.from_dict(model.task)
    if (theirs.dataset, theirs.classes) != (task.dataset, task.classes):
        raise MismatchError(f"{source} is for {theirs.id}, not for {task.id}: name the task it was made for.")
    arrays = {name: compact(value, half=True) for name, value in model.tensors.items()}
    return _tried(
        replace(model, task=task.to_dict(), tensors=arrays), _parts(task, backbone, model.skips_unreadable), source
    )


def selection_of(file: Path, groups: ChannelGroups) -> Selection:
    """What a file of {group or layer: [indices]} keeps; a group that it does not name is whole.

    Raises BadFileError, UnknownNameError for a name that is neither, BadValueError for indices that cannot be.
    """
    if not file.is_file():
        raise BadFileError(f"There is no file {file}: it holds the kept channels as {_FORM}.")
    try:
        content = file.read_bytes()
        document = json.loads(content, object_pairs_hook=_once(file.name)) if len(content) <= LARGEST else None
    except (OSError, ValueError, RecursionError) as error:
        raise BadFileError(f"{file.name} is no readable JSON: it holds the kept channels as {_FORM}.") from error
    if not isinstance(document, dict) or not document:
        raise BadFileError(f"{file.name} does not hold kept channels: write them as {_FORM}.")
    group_of = {layer: group for group in groups.sizes for layer in _layers(group, groups)}
    kept: dict[str, tuple[str, list[int]]] = {}
    for layer, channels in document.items():
        if layer not in group_of:
            raise UnknownNameError(f"channel group or layer in {file.name}", layer, group_of)
        group, found = group_of[layer], _indices(channels, layer, file.name)
        if group in kept and kept[group][1] != found:
            raise MismatchError(
                f"{file.name} keeps other channels of {layer} than of {kept[group][0]}, but these layers are coupled: "
                "they are added up, so both must keep the same."
            )
        kept[group] = (layer, found)
    whole = {group: list(range(size)) for group, size in groups.sizes.items()}
    return Selection(whole | {group: channels for group, (_, channels) in kept.items()}, groups.sizes)  # type: ignore[arg-type]


def _once(name: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """What makes a dictionary of a JSON object. Raises BadValueError for a name that stands in it twice."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise BadValueError(f"{name} names {twice} twice: write what it keeps once.")
        return found

    return made


def _layers(group: str, groups: ChannelGroups) -> list[str]:
    """The layers whose own channels are numbered as the group's are; the one it is named after first."""
    layers = (*groups.producers[group], *groups.gates[group])
    axes = {layer: groups.axes[f"{layer}.weight"][0] for layer in layers if f"{layer}.weight" in groups.axes}
    size = groups.sizes[group]
    return [layer for layer, axis in axes.items() if np.array_equal(axis.channel, np.arange(size))]


_FORM = '{"layer1.0.conv1": [0, 3, 7], ...}'


def _indices(channels: object, layer: str, name: str) -> list[int]:
    numbers = isinstance(channels, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in channels)
    if not numbers:
        raise BadValueError(f"The kept channels of {layer} in {name} must be a list of whole numbers: [0, 3, 7].")
    assert isinstance(channels, list)
    if any(left >= right for left, right in pairwise(channels)):
        raise BadValueError(
            f"The kept channels of {layer} in {name} are not in ascending order: sort them, and the model's channels "
            "with them, as the backbone has them."
        )
    return channels


def _parts(task: Task, backbone: Backbone, skip_unreadable: bool = False) -> _Parts:
    data, dense = load_task(task, backbone.size, skip_unreadable), backbone.build(len(task.classes))
    return _Parts(data, dense, channel_groups(dense, torch.zeros(1, 3, data.size, data.size)))


def _checked(
    state: Mapping[str, Tensor], parts: _Parts, selection: Selection, name: str, kept: str
) -> dict[str, Tensor]:
    """The tensors as float32, in the network's order. Raises MismatchError that names one that does not fit."""
    expected = slim_state(parts.dense.state_dict(), parts.groups, selection)
    odd = sorted(set(state) - set(expected))
    lacking = [tensor for tensor in expected if tensor not in state and not tensor.endswith(COUNTER)]
    if lacking or odd:
        what = f"lacks {lacking[0]}" if lacking else f"has a tensor {odd[0]}"
        more = len(lacking) + len(odd) - 1
        others = f" (and {more} more differ)" if more else ""
        raise MismatchError(
            f"{name} {what}{others}, unlike a {type(parts.dense).__name__} of this backbone: name tensors as it does."
        )
    found = {}
    for tensor, like in expected.items():
        value = state.get(tensor, like)
        if value.shape != like.shape:
            raise MismatchError(
                f"{tensor} in {name} is {_shape(value)}, but {kept} and the task's classes leave {_shape(like)}: give "
                "the channels that this very model keeps, and the task that it is for."
            )
        if like.is_floating_point() and (why := unusable(tensor, value)):
            raise BadValueError(f"{tensor} in {name} holds {why}: save the trained model's plain weights again.")
        found[tensor] = value.float() if value.is_floating_point() else value
    return found


def _shape(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.shape)) or "one number"


def _tried(model: PrunedModel, parts: _Parts, source: str) -> PrunedModel:
    """The model with what it gets right of its task's validation images, its size, and where it came from.

    Raises BadValueError for one that gets no more right than guessing would.
    """
    meter, classes = Meter(), len(model.classes)
    images, labels = normalised(parts.data.validation, model.mean, model.std)
    network = rebuild(model)
    with torch.no_grad():
        guesses = torch.cat([network(part).argmax(1) for part in torch.split(images, 256)])
    accuracy = int((guesses == labels).sum()) / len(labels)
    if accuracy <= 1 / classes:
        raise BadValueError(
            f"{source} gets {percent(accuracy)} of the validation images of {model.task['id']} right, no more than "
            "guessing would: check that its outputs are in the order of the task's classes, and that its input is "
            "normalised as the backbone's."
        )
    layers = layers_of(parts.dense, parts.groups, parts.data.size)
    slim, whole = layers.size(model.selection.counts, classes), layers.size(parts.groups.sizes, classes)
    meter.forward(slim.macs, len(labels))
    achieved = {
        "keep": model.selection.keep_ratio(), "channel_sparsity": model.selection.channel_sparsity,
        "params": slim.params, "macs": slim.macs,
    }  # fmt: skip
    made: dict[str, Any] = {"curve": [{"iteration": 0, "accuracy": round(accuracy, 4)}], "attempts": 1}
    own = model.origin or {"engine": ENGINE}  # of a model from elsewhere, no engine of ours set the statistics
    origin = {"cost": meter.cost(), **made, **own}
    measured = {"validation_accuracy": accuracy, "achieved": achieved, "imported": source,
                "dense": {"params": whole.params, "macs": whole.macs}}  # fmt: skip
    return replace(model, origin={**origin, **measured}, size=parts.data.size)


def read_state(file: Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors` file, or in one that torch saved; only tensors are unpickled.

    It may be under "state_dict" or "model", and its names may begin with "module.". Raises BadFileError.
    """
    states = read_states(file)
    place = next((place for place in ("", "state_dict", "model") if place in states), None)
    if place is None:
        raise BadFileError(f"{file.name} has tensors under {next(iter(states))!r}: save model.state_dict() alone.")
    return dict(states[place])

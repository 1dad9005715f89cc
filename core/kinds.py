"""What the arguments of the Python interface may be: tasks, zoos, backbones, modules, images, colours."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import isfunction
from typing import Any

import numpy as np
from torch import Tensor, nn

from core.arguments import Kind, choice, instance, kinds_of, number, optional, path, several, text
from core.backbones.adding import Wanted
from core.backbones.backbone import Backbone
from core.backbones.layouts import SOURCES
from core.pruning.config import SIMILARITIES, RunConfig
from core.tasks.task import Task
from core.voting import WEIGHTINGS
from core.zoo.plan import Plan
from core.zoo.zoo import Zoo, find_zoo, zoo_ids


def _task_hint(value: object) -> str:
    return f'give core.task("folder:{value}")' if isinstance(value, os.PathLike) else ""


def _backbone_hint(value: object) -> str:
    return "give core.backbone(module, images)" if isinstance(value, nn.Module) else _module_hint(value)


def _module_hint(value: object) -> str:
    if isinstance(value, type) and issubclass(value, nn.Module):
        return f"give a module, which {value.__name__}() makes"
    if isinstance(value, Mapping):
        return "load these weights into a module, and give that"
    return f"give a module, which {value.__name__}() may make" if isfunction(value) else ""


def _images_hint(value: object) -> str:
    return "convert it with torch.from_numpy()" if isinstance(value, np.ndarray) else ""


def _or_object(kind: Kind, of: type, name: Callable[[Any], Any]) -> Kind:
    """That kind, or an object of a class, which is read as its `name`."""
    return replace(kind, read=lambda value: name(value) if isinstance(value, of) else kind.read(value))


def _zoo_name(zoo: Zoo) -> str:
    """A zoo's id, or its folder if its id does not lead there."""
    return zoo.id if zoo.id in zoo_ids() and find_zoo(zoo.id) == zoo.path else str(zoo.path.absolute())


TASK = instance("a task or its id", "make a task with core.task()", Task, str, hint=_task_hint)
TASKS = several("a list of tasks or their ids", 'such as [core.task("emoji-t03")]', TASK)
ZOO_NAME = path("the id or the folder of a zoo", 'such as "emoji-resnet18-simclr"')
ZOO = _or_object(replace(ZOO_NAME, words="a zoo, its id or its folder"), Zoo, _zoo_name)
BACKBONE = _or_object(
    path("a backbone, its id or its file", 'such as "emoji-resnet18-simclr"', _backbone_hint),
    Backbone,
    lambda backbone: backbone.id,
)
MODULE = _or_object(
    path("a module, or the id or the file of a backbone", "give core.backbone(module, images)", _module_hint),
    nn.Module,
    lambda module: module,
)
IMAGES = instance(
    "a tensor of images [B, 3, S, S]", "such as torch.zeros(1, 3, 64, 64)", Tensor, hint=_images_hint
)  # fmt: skip
MEAN = several(
    "three numbers from 0 to 1, one per colour", "such as (0.485, 0.456, 0.406)",
    number("", "", lambda value: 0 <= value <= 1), 3,
)  # fmt: skip
STD = several(
    "three numbers above 0 and at most 1, one per colour", "such as (0.229, 0.224, 0.225)",
    number("", "", lambda value: 0 < value <= 1), 3,
)  # fmt: skip
SIMILARITY = choice("similarity", SIMILARITIES)
WEIGHTING = choice("weighting of votes", WEIGHTINGS)
SOURCE = choice("source of weights", SOURCES)
CHOSEN = _or_object(
    several("a list of ids of zoo tasks", 'such as ["emoji-z03", "emoji-z17"]', text("", "")), str, lambda id: (id,)
)  # fmt: skip
# The settings that a call hands on to a dataclass.
RUN = kinds_of(RunConfig, task=TASK, zoo=optional(ZOO), backbone=BACKBONE, chosen=CHOSEN)
WANTED = kinds_of(Wanted, mean=optional(MEAN), std=optional(STD), source=optional(SOURCE))
PLAN = kinds_of(Plan, tasks=TASKS, targets=TASKS, backbone=BACKBONE)

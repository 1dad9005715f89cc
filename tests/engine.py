"""What the engine's tests share: a small real task, a backbone with random weights, pruned models made by the loop."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.architectures import ARCHITECTURES
from core.backbones.backbone import Backbone, tensors_hash
from core.channels.groups import ChannelGroups, channel_groups
from core.channels.selection import Selection, kept_count
from core.pruning.config import RunConfig
from core.pruning.events import Event, Slimmed
from core.pruning.loop import prune_events
from core.pruning.work import Neighbour
from core.tasks.catalogue import task as task_of
from core.tasks.data import TaskData
from core.tasks.datasets import load_dataset
from core.tasks.images import ImageSet
from core.tasks.task import Task

SIZE = 32
CLASSES = ("arrow", "body-parts", "face-neutral")
MEAN, STD = (0.8, 0.75, 0.7), (0.3, 0.3, 0.3)


@cache
def random_backbone(architecture: str = "resnet18", seed: int = 0) -> Backbone:
    """A backbone nobody trained; its BatchNorm statistics are drawn too, so that they matter."""
    torch.manual_seed(seed)
    model = ARCHITECTURES[architecture].build(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.7, 1.3)
    head = ARCHITECTURES[architecture].head
    half = {n: t.half().float() if t.is_floating_point() else t for n, t in model.state_dict().items()}
    tensors = {name: tensor for name, tensor in half.items() if not name.startswith(f"{head}.")}
    return Backbone(
        f"random-{architecture}-{seed}", architecture, "random", tensors_hash(tensors), MEAN, STD, SIZE, tensors
    )


@cache
def few_images() -> ImageSet:
    """The emoji data set with the first 24 training, 10 validation and 12 test images of each class."""
    whole = load_dataset("emoji")
    rows = []
    for label in range(len(whole.classes)):
        for split, count in zip(range(3), (24, 10, 12), strict=True):
            rows.append(np.flatnonzero((whole.labels == label) & (whole.split == split))[:count])
    chosen = np.concatenate(rows)
    return ImageSet(whole.name, whole.classes, whole.images[chosen], whole.labels[chosen], whole.split[chosen])


MASKED = "taylor-some-run"  # stands for the first voter, wherever a run is asked to keep another one's mask


def small_task(classes: Sequence[str] = CLASSES) -> tuple[Task, TaskData]:
    """A task of real emoji images, few of each class."""
    task = task_of("emoji", list(classes))
    return task, TaskData(task, few_images())


def config(method: str, task: Task, **changes: object) -> RunConfig:
    """A run short enough for a test."""
    short = {"iterations": 4, "batch": 16, "threads": 1, "k": 2, "mask_of": MASKED if method == "same-mask" else None}
    return RunConfig(task.id, method, **short | changes)  # type: ignore[arg-type]


@cache
def voters() -> tuple[Neighbour, ...]:
    """Two pruned models of other tasks on the random backbone, with made-up similarities."""
    found = []
    for number, classes in enumerate((("tool", "arrow"), ("hand", "body-parts"))):
        task, data = small_task(classes)
        run = prune_events(config("taylor", task, keep=0.2), task, data, random_backbone())
        found += [(event.model, -0.5 - number) for event in run if isinstance(event, Slimmed)]
    return tuple(found)


def run_of(asked: RunConfig, task: Task, data: TaskData, **more: object) -> list[Event]:
    """All events of one run on the random backbone."""
    neighbours = voters() if asked.needs_zoo else ()
    mask = voters()[0][0].selection if asked.mask_of else None
    return list(prune_events(asked, task, data, random_backbone(), neighbours, mask=mask, **more))  # type: ignore[arg-type]


def network(architecture: str, classes: int = 3, seed: int = 0) -> tuple[nn.Module, ChannelGroups]:
    """A dense network with random weights, its head included, and its channel groups."""
    model = random_backbone(architecture, seed).build(classes)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.get_submodule(ARCHITECTURES[architecture].head).parameters():
            parameter.normal_(0, 0.1)
    return model, channel_groups(model, torch.zeros(2, 3, SIZE, SIZE))


def drawn(sizes: dict[str, int], keep: float, seed: int = 0, within: Selection | None = None) -> Selection:
    """A selection by chance."""
    generator = torch.Generator().manual_seed(seed)
    kept = {}
    for group, size in sizes.items():
        pool = torch.arange(size) if within is None else torch.tensor(within.kept[group])
        rows = torch.randperm(len(pool), generator=generator)[: kept_count(keep, size)]
        kept[group] = tuple(sorted(pool[rows].tolist()))
    return Selection(kept, sizes)


def images(count: int, seed: int = 0) -> Tensor:
    """Normal noise in the shape of a batch."""
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))

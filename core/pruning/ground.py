"""What every run of a task on a backbone starts from, found out once: images, the dense network, its channel groups."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.channels.counted import layers_of
from core.channels.groups import ChannelGroups, channel_groups
from core.channels.layers import Layers
from core.criteria.scores import Scores
from core.criteria.weights import tie_break_of
from core.pruning.images import normalised, sample_rows
from core.tasks.data import TaskData
from core.tasks.task import Task

READY_MOST, GLANCE_MOST = 2048, 256  # training images that settle BatchNorm and the head; BatchNorm on the way


@dataclass(frozen=True, eq=False)
class Ground:
    """Nothing here changes as a run goes on: a run copies the network. `seed` draws the samples of images.

    layers: tells the size of any slim network. tie_break: the dense network's own importance of every channel.
    """

    seed: int
    train: tuple[Tensor, Tensor] = field(repr=False)
    held: tuple[Tensor, Tensor] = field(repr=False)
    ready: tuple[Tensor, Tensor] = field(repr=False)
    glance: Tensor = field(repr=False)
    dense: nn.Module = field(repr=False)
    groups: ChannelGroups = field(repr=False)
    layers: Layers = field(repr=False)
    tie_break: Scores = field(repr=False)


def ground_of(task: Task, data: TaskData, backbone: Backbone, seed: int) -> Ground:
    """Look at the images and the backbone."""
    images, labels = normalised(data.train, backbone.mean, backbone.std)
    held = normalised(data.validation, backbone.mean, backbone.std)
    ready, glance = (sample_rows(labels, most, seed) for most in (READY_MOST, GLANCE_MOST))
    dense = backbone.build(len(task.classes))
    groups = channel_groups(dense, torch.zeros(1, 3, data.size, data.size))
    return Ground(
        seed, (images, labels), held, (images[ready], labels[ready]), images[glance], dense, groups,
        layers_of(dense, groups, data.size), tie_break_of(dense, groups),
    )  # fmt: skip

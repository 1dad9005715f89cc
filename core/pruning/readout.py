"""What a network needs after its channels changed and before it is trained: BatchNorm statistics and a head."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from core.backbones.architectures import head_of, pooled, set_head
from core.channels.groups import NORMS

BATCH = 128
SCALE = 5.0  # logit of a feature that lies exactly on its class's prototype; 10 is too sure of itself (docs/results.md)


@torch.no_grad()
def reestimate_batchnorm(model: nn.Module, images: Tensor, seed: int = 0) -> int:
    """Set every BatchNorm's running statistics to the mean of those of near-equal parts of the images, in place.

    images: [N, 3, H, W], N at least 2; every image counts, in parts of at most BATCH. The parts are drawn at random,
    by `seed`: images that are sorted by class would make parts of one class each, and their mean variance would miss
    the variance between classes. Everything else is in eval mode, so that no dropout disturbs the statistics. Returns
    the number of images seen: 0 if the network has no BatchNorm.
    """
    norms = [module for module in model.modules() if isinstance(module, NORMS) and module.track_running_stats]
    if not norms:
        return 0
    momenta, modes = [norm.momentum for norm in norms], [(module, module.training) for module in model.modules()]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
        norm.train()
    order = torch.from_numpy(np.random.default_rng([seed, 0xB47C]).permutation(len(images)))
    for rows in torch.tensor_split(order, max(1, -(-len(images) // BATCH))):
        model(images[rows])
    for module, training in modes:
        module.training = training
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return len(images)


@contextmanager
def features_of(model: nn.Module) -> Iterator[list[Tensor]]:
    """While open, collects what enters the head, [B, D] a forward pass: the mean over places, where it is a picture."""
    seen: list[Tensor] = []
    hook = head_of(model)[1].register_forward_pre_hook(lambda module, inputs: seen.append(pooled(inputs[0].detach())))
    try:
        yield seen
    finally:
        hook.remove()


@torch.no_grad()
def features(model: nn.Module, images: Tensor) -> Tensor:
    """[N, D] what enters the head for images [N, 3, H, W], in eval mode."""
    training = model.training
    model.eval()
    with features_of(model) as seen:
        for part in torch.split(images, BATCH):
            model(part)
    model.train(training)
    return torch.cat(seen)


@torch.no_grad()
def prototype_head(model: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Set the head, in place, so that each image goes to the class whose mean feature points most nearly its way.

    Features are centred on the mean of the class means; weights are the normalised class means, scaled so that logits
    are cosines times SCALE at the typical feature length. No training, one pass over the training images.
    """
    x = features(model, images)
    classes = len(head_of(model)[1].weight)
    means = torch.stack([x[labels == c].mean(0) for c in range(classes)])
    centre = means.mean(0)
    directions = nn.functional.normalize(means - centre)
    length = (x - centre).norm(dim=1).mean().clamp_min(1e-12)
    weight = directions * (SCALE / length)
    set_head(model, weight, -weight @ centre)

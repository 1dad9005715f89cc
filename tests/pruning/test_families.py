"""The loop on networks of every kind: dropout and stochastic depth, LayerNorm and attention, no BatchNorm at all."""

from collections.abc import Iterator

import pytest
import torch
import torchvision.models as tv
from torch import nn
from torchvision.models.convnext import CNBlockConfig

from core.backbones.architectures import OWN_ARCHITECTURES, adapted
from core.backbones.backbone import OWN_BACKBONES, Backbone
from core.backbones.own import give, own_backbone
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import rebuild
from core.pruning.events import Checkpoint, Event, Finished, Slimmed
from core.pruning.loop import CHECKPOINT_EVERY, prune_events
from core.pruning.readout import features, prototype_head, reestimate_batchnorm
from tests.engine import SIZE, config, images, small_task
from tests.networks import stirred

MAKERS = {
    "vit": lambda: tv.VisionTransformer(32, 8, 2, 4, 32, 48, dropout=0.1, attention_dropout=0.1, num_classes=2),
    "convnext": lambda: tv.ConvNeXt([CNBlockConfig(12, 20, 1), CNBlockConfig(20, None, 1)], 0.3, num_classes=2),
    "squeezenet": lambda: tv.squeezenet1_1(num_classes=2),
}


@pytest.fixture(params=MAKERS)
def backbone(request: pytest.FixtureRequest) -> Iterator[Backbone]:
    """A backbone of a family whose registered members are large, or have no BatchNorm."""
    torch.manual_seed(0)
    made = own_backbone(stirred(adapted(MAKERS[request.param]())), torch.zeros(1, 3, SIZE, SIZE))
    give(*made)
    yield made[0]
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()


def tensors_of(events: list[Event]) -> dict[str, torch.Tensor]:
    model = next(event.model for event in events if isinstance(event, Slimmed))
    return {name: torch.from_numpy(value) for name, value in model.tensors.items()}


def test_a_resumed_run_ends_with_the_same_bits_and_the_size_told(backbone: Backbone) -> None:
    task, data = small_task()
    asked = config("taylor", task, keep=0.5, iterations=CHECKPOINT_EVERY + 4)
    whole = list(prune_events(asked, task, data, backbone))
    checkpoint = next(event for event in whole if isinstance(event, Checkpoint))
    rest = list(prune_events(asked, task, data, backbone, checkpoint=checkpoint))
    first, second = tensors_of(whole), tensors_of(rest)
    assert all(torch.equal(first[name], second[name]) for name in first)
    finished = next(event for event in whole if isinstance(event, Finished))
    model = rebuild(next(event.model for event in whole if isinstance(event, Slimmed)))
    assert parameters_and_macs(model, SIZE) == (finished.achieved["params"], finished.achieved["macs"])
    assert finished.achieved["params"] < finished.dense["params"]


@pytest.mark.parametrize("method", ["taylor-oneshot", "magnitude", "l1", "bn-scale", "activation", "random", "dense"])
def test_every_method_works(backbone: Backbone, method: str) -> None:
    task, data = small_task()
    asked = config(method, task, keep=0.5, learning_rate=1e-3)  # nothing normalises SqueezeNet: it bears no large steps
    events = list(prune_events(asked, task, data, backbone))
    assert isinstance(events[-1], Finished) and all(value.isfinite().all() for value in tensors_of(events).values())


def test_the_prototype_head_is_right_whatever_kind_of_head(backbone: Backbone) -> None:
    """The logits are those that the head's formula gives for the features, also of a convolution and its mean."""
    model = backbone.build(3).eval()
    x, labels = images(12), torch.arange(12) % 3
    prototype_head(model, x, labels)
    seen = features(model, x)
    centre = torch.stack([seen[labels == c].mean(0) for c in range(3)]).mean(0)
    with torch.no_grad():
        logits = model(x)
    cosines = (
        nn.functional.normalize(torch.stack([seen[labels == c].mean(0) for c in range(3)]) - centre) @ (seen - centre).T
    )
    torch.testing.assert_close(logits, 5 / (seen - centre).norm(dim=1).mean() * cosines.T, rtol=1e-3, atol=1e-4)


def test_without_batchnorm_nothing_is_looked_at_and_with_it_dropout_does_not_disturb() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    assert reestimate_batchnorm(plain, images(4)) == 0
    norm = nn.BatchNorm2d(3)
    model = nn.Sequential(nn.Dropout(0.9), norm).train()
    state = torch.random.get_rng_state()
    assert reestimate_batchnorm(model, images(6)) == 6
    torch.testing.assert_close(norm.running_mean, images(6).mean((0, 2, 3)))
    assert model[0].training and norm.training and torch.equal(state, torch.random.get_rng_state())

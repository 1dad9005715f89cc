"""The architectures that can be pruned: torchvision's own, one entry each, and how to find their parts."""

from collections.abc import Callable
from dataclasses import dataclass

import torchvision.models as tv
from torch import nn

from core.errors import UnknownNameError


@dataclass(frozen=True)
class Architecture:
    """How to build one network, and the dotted name of its last linear layer (the head)."""

    name: str
    make: Callable[..., nn.Module]
    head: str

    def build(self, classes: int = 1000) -> nn.Module:
        """The network with fresh random weights and `classes` outputs."""
        return self.make(weights=None, num_classes=classes)


ARCHITECTURES = {
    entry.name: entry
    for entry in (
        Architecture("resnet18", tv.resnet18, "fc"),
        Architecture("resnet34", tv.resnet34, "fc"),
        Architecture("resnet50", tv.resnet50, "fc"),
        Architecture("vgg16_bn", tv.vgg16_bn, "classifier.6"),
        Architecture("mobilenet_v2", tv.mobilenet_v2, "classifier.1"),
    )
}


def architecture(name: str) -> Architecture:
    """The registered architecture. Raises UnknownNameError, before any work, for one that is not supported."""
    if name not in ARCHITECTURES:
        raise UnknownNameError("architecture", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def head_of(model: nn.Module) -> tuple[str, nn.Linear]:
    """(dotted name, module) of the last linear layer: the classifier whose outputs are the classes."""
    linear = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UnknownNameError("linear head in", type(model).__name__, [])
    return linear[-1]


def replace_head(model: nn.Module, head: nn.Module) -> None:
    """Put another module where the head is, in place."""
    parent, _, child = head_of(model)[0].rpartition(".")
    setattr(model.get_submodule(parent), child, head)


def feature_extractor(model: nn.Module) -> tuple[nn.Module, int]:
    """(the network with its head replaced by identity, in place; width of what it then returns [B, width])."""
    width = head_of(model)[1].in_features
    replace_head(model, nn.Identity())
    return model, width

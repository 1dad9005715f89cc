"""The architectures that can be pruned: torchvision's own, one entry each, and how to find their parts.

A network of one's own becomes an architecture too (`core.backbones.own`), for as long as this process lives.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torchvision.models as tv
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.backbones.attention import open_attention
from core.backbones.kinds import replace
from core.backbones.listing import OWN, not_given
from core.errors import MismatchError, UnknownNameError, UnsupportedError


@dataclass(frozen=True)
class Architecture:
    """How to build one network, and the dotted name of its last layer, whose outputs are the classes (the head).

    size: side of the square images it is usually given. patch: for networks made for one size of image alone, the side
    that the size must be a multiple of; else None. least: the smallest side that it can work on.
    """

    name: str
    make: Callable[..., nn.Module]
    head: str
    family: str
    size: int = 224
    least: int = 32
    patch: int | None = None

    def build(self, classes: int = 1000, size: int | None = None) -> nn.Module:
        """The network with fresh random weights and `classes` outputs; `size`: of its images, its usual one if None.

        Raises MismatchError for a size that it cannot take.
        """
        side = self.size if size is None else size
        if side < self.least or (self.patch and side % self.patch):
            must = f"of at least {self.least}" + (f" and a multiple of {self.patch}" if self.patch else "")
            raise MismatchError(f"{self.name} cannot take images of {side} × {side}: give it a side {must}.")
        made_for = {"image_size": side} if self.patch else {}
        return adapted(self.make(weights=None, num_classes=classes, **made_for))

    def shell(self, classes: int, size: int | None = None) -> nn.Module:
        """The same with parameters on the meta device: no numbers are drawn that would be overwritten at once."""
        with _OnMeta():
            return self.build(classes, size)


class _OnMeta(TorchFunctionMode):
    """What layers are made of comes without numbers; sums done on the way (RegNet's widths) keep theirs."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        where = {"device": "meta"} if func in (torch.empty, torch.zeros, torch.ones) else {}
        return func(*args, **(kwargs or {}) | where)


def adapted(model: nn.Module) -> nn.Module:
    """The network, in place, in the form that can be pruned and given a new head; its tensors stay the same.

    Attention gets heads that can be removed; SqueezeNet loses the ReLU behind its head, which would leave a new head of
    zeros without a gradient for ever, and let no class say no.
    """
    if isinstance(model, tv.SqueezeNet):
        model.classifier[2] = nn.Identity()
    return open_attention(model)


# Family -> (head, {name: smallest side}). The usual side is that of torchvision's first weights.
_FAMILIES: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "AlexNet": ("classifier.6", {"alexnet": 63}),
    "ConvNeXt": (
        "classifier.2",
        dict.fromkeys(("convnext_tiny", "convnext_small", "convnext_base", "convnext_large"), 32),
    ),
    "DenseNet": ("classifier", dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), 29)),
    "EfficientNet": (
        "classifier.1",
        dict.fromkeys((*(f"efficientnet_b{n}" for n in range(8)), *(f"efficientnet_v2_{size}" for size in "sml")), 1),
    ),
    "MNASNet": ("classifier.1", dict.fromkeys(("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"), 1)),
    "MobileNetV2": ("classifier.1", {"mobilenet_v2": 1}),
    "MobileNetV3": ("classifier.3", dict.fromkeys(("mobilenet_v3_small", "mobilenet_v3_large"), 1)),
    "RegNet": (
        "fc",
        dict.fromkeys(
            (
                *(f"regnet_x_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
                *(f"regnet_y_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")),
            ),
            1,
        ),
    ),
    "ResNet": ("fc", dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), 1)),
    "ResNeXt": ("fc", dict.fromkeys(("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"), 1)),
    "SqueezeNet": ("classifier.1", {"squeezenet1_0": 21, "squeezenet1_1": 17}),
    "VGG": ("classifier.6", {f"vgg{depth}{norm}": 32 for depth in (11, 13, 16, 19) for norm in ("", "_bn")}),
    "ViT": ("heads.head", {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14}),
    "Wide ResNet": ("fc", dict.fromkeys(("wide_resnet50_2", "wide_resnet101_2"), 1)),
}


def _entry(family: str, name: str, head: str, least: int) -> Architecture:
    made_for_one_size = family == "ViT"
    return Architecture(
        name,
        tv.get_model_builder(name),
        head,
        family,
        published(name).size,
        least,
        least if made_for_one_size else None,
    )


@dataclass(frozen=True)
class Published:
    """What torchvision says of a network with a head of 1,000 classes, on images of that side."""

    size: int
    params: int
    gigamacs: float  # to 3 decimals


def published(name: str) -> Published:
    """Torchvision's own figures for one of its networks, from the first of its weights that are for its plain size."""
    entries = list(tv.get_model_weights(name))
    weights = next((each for each in entries if each.name == "IMAGENET1K_V1"), entries[0])
    return Published(weights.transforms.keywords["crop_size"], weights.meta["num_params"], weights.meta["_ops"])


ARCHITECTURES: dict[str, Architecture] = {
    name: _entry(family, name, head, least)
    for family, (head, members) in _FAMILIES.items()
    for name, least in members.items()
}
OWN_ARCHITECTURES: dict[str, Architecture] = {}  # networks of one's own, by name, of this process


def architecture(name: str) -> Architecture:
    """The registered architecture.

    Raises, before any work, UnknownNameError for one that is not supported, and MismatchError for one of somebody's own
    that this process has not been given.
    """
    if name in OWN_ARCHITECTURES:
        return OWN_ARCHITECTURES[name]
    if name.startswith(OWN):
        raise not_given(name)
    if name not in ARCHITECTURES:
        raise UnsupportedArchitectureError(name)
    return ARCHITECTURES[name]


class UnsupportedArchitectureError(UnknownNameError):
    """An architecture that is not among the supported ones, all of which it names, by family."""

    def __init__(self, name: str) -> None:
        super().__init__("architecture", name, ARCHITECTURES)
        lists = "; ".join(f"{family}: {', '.join(members)}" for family, (_, members) in _FAMILIES.items())
        self.args = (f"{str(self)[:-1]}. Supported are {lists}.",)


def head_of(model: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """(dotted name, module) of the last layer, whose outputs are the classes: linear, or a 1 × 1 convolution.

    Raises UnsupportedError where the last layer with weights is neither.
    """
    layers = [(name, each) for name, each in model.named_modules() if isinstance(each, nn.Linear | nn.Conv2d)]
    if not layers or (isinstance(last := layers[-1][1], nn.Conv2d) and last.kernel_size != (1, 1)):
        raise UnsupportedError(
            f"{type(model).__name__} has no head: its last layer must be linear, or a 1 × 1 convolution, with one "
            "output a class."
        )
    return layers[-1]


def replace_head(model: nn.Module, head: nn.Module) -> None:
    """Put another module where the head is, in place."""
    replace(model, head_of(model)[1], head)


def new_head(model: nn.Module, classes: int) -> nn.Module:
    """A head of the same kind as the network's, with `classes` outputs of random weights, on the CPU."""
    old = head_of(model)[1]
    if isinstance(old, nn.Conv2d):
        return nn.Conv2d(old.in_channels, classes, 1, stride=old.stride, bias=old.bias is not None)  # type: ignore[arg-type]
    return nn.Linear(old.in_features, classes, bias=old.bias is not None)


@torch.no_grad()
def set_head(model: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Give the head these values, in place: weight [classes, D], bias [classes]."""
    head = head_of(model)[1]
    head.weight.copy_(weight.view_as(head.weight))
    if head.bias is not None:
        head.bias.copy_(bias)


def pooled(entering: Tensor) -> Tensor:
    """[B, D] features from what enters a head: the mean over places, where it enters as a picture [B, D, H, W]."""
    return entering.mean((2, 3)) if entering.dim() == 4 else entering


def feature_extractor(model: nn.Module) -> tuple[nn.Module, int]:
    """(the network with its head replaced by identity, in place; width of what it then returns [B, width])."""
    width = head_of(model)[1].weight.shape[1]
    replace_head(model, nn.Identity())
    return model, width

"""Networks that tests of channels share: a small member of each family, and two tiny ones written here."""

import pytest
import torch
import torchvision.models as tv
from torch import Tensor, nn
from torchvision.models.convnext import CNBlockConfig

from core.backbones.architectures import ARCHITECTURES, adapted

# At least one of each family (test_architectures holds that), by the small image that it is tested on.
SMALL = {
    "alexnet": 64, "densenet121": 32, "efficientnet_b0": 32, "efficientnet_v2_s": 32, "mnasnet0_5": 32,
    "mobilenet_v2": 32, "mobilenet_v3_small": 32, "regnet_x_400mf": 32, "regnet_y_400mf": 32, "resnet18": 32,
    "resnet50": 32, "resnext50_32x4d": 32, "squeezenet1_1": 32, "vgg11": 32, "vgg16_bn": 32, "wide_resnet50_2": 32,
}  # fmt: skip
TINY = {"tiny vit": 32, "tiny convnext": 32, "concatenated": 32}  # of families whose smallest member is large
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
EVERY = [
    pytest.param(name, marks=[] if name in SMALL else [pytest.mark.slow], id=name) for name in ARCHITECTURES
]  # the whole registry, most of it slow


class Concatenated(nn.Module):
    """Two branches joined by concatenation, one of them depthwise, and a residual add behind."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.right = nn.Sequential(nn.Conv2d(3, 10, 1, bias=False), nn.BatchNorm2d(10), nn.ReLU6())
        self.depthwise = nn.Sequential(nn.Conv2d(10, 10, 3, padding=1, groups=10), nn.BatchNorm2d(10), nn.ReLU())
        self.join = nn.Sequential(nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8))
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.head = nn.Linear(8 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.left(x), self.depthwise(self.right(x))], 1)
        y = self.join(joined).relu()
        y = (y + self.inner(y)).relu()
        return self.head(nn.functional.adaptive_avg_pool2d(y, 2).flatten(1))


def tiny_vit(classes: int = 5) -> nn.Module:
    """Three blocks of four heads."""
    return tv.VisionTransformer(
        image_size=32, patch_size=8, num_layers=3, num_heads=4, hidden_dim=32, mlp_dim=48, num_classes=classes
    )


def tiny_convnext(classes: int = 5) -> nn.Module:
    """Two stages of one and two blocks."""
    return tv.ConvNeXt([CNBlockConfig(12, 20, 1), CNBlockConfig(20, None, 2)], num_classes=classes)


def network(name: str) -> tuple[nn.Module, int]:
    """(a network with five classes whose every parameter matters, side of the images it is tested on)."""
    torch.manual_seed(0)
    made = {"tiny vit": tiny_vit, "tiny convnext": tiny_convnext, "concatenated": Concatenated}
    if name in made:
        return stirred(adapted(made[name]())), TINY[name]
    return stirred(ARCHITECTURES[name].build(5)), SMALL[name]


def stirred(model: nn.Module) -> nn.Module:
    """The network, in place, with nothing left at a value that hides a mistake: factors of 1, offsets of 0."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or name.endswith(("layer_scale", "class_token")):
            nn.init.uniform_(parameter, *((-0.5, 0.5) if name.endswith(("bias", "token")) else (0.5, 1.5)))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    nn.init.normal_(list(model.modules())[-1].weight, 0, 0.1) if isinstance(model, tv.VisionTransformer) else None
    return model

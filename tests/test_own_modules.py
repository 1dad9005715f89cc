"""A module of one's own, from a backbone to a zoo that votes, and back from its file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import core
from core.backbones.architectures import OWN_ARCHITECTURES
from core.backbones.backbone import OWN_BACKBONES, Backbone
from core.channels.files import load_pruned, save_pruned
from core.channels.rebuild import rebuild
from core.errors import BadValueError, MismatchError, UnknownNameError, UnsupportedError
from core.zoo.build import Plan, build_zoo
from tests.networks import DEVICES


class Small(nn.Module):
    """A residual block, a squeeze, and a convolution as its head."""

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.SiLU())
        self.body = nn.Sequential(nn.Conv2d(12, 12, 3, padding=1, groups=4), nn.BatchNorm2d(12), nn.SiLU())
        self.squeeze = nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 12), nn.Sigmoid())
        self.wide = nn.Sequential(
            nn.Conv2d(12, 20, 3, stride=2, padding=1), nn.BatchNorm2d(20), nn.ReLU(), nn.Dropout(0.1)
        )
        self.out = nn.Conv2d(20, classes, 1)
        self.register_buffer("scale", torch.tensor(1.5), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.body(x)
        x = x + y * self.squeeze(y.mean((2, 3)))[:, :, None, None]
        return self.out(self.wide(x) * self.scale).mean((2, 3))


@pytest.fixture
def own() -> Iterator[Backbone]:
    """A backbone from a module, forgotten afterwards."""
    torch.manual_seed(0)
    yield core.backbone(Small(), torch.zeros(2, 3, 32, 32))
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()


IDS = ["animal-bird", "tool", "arrow", "hand"]


def test_the_same_module_is_the_same_backbone_and_other_weights_are_another() -> None:
    torch.manual_seed(0)
    module = Small()
    first, again = (core.backbone(module, torch.zeros(1, 3, 32, 32)) for _ in range(2))
    assert first.id == again.id and first.id.startswith("own:Small-") and first.hash == again.hash
    assert core.backbone(first.id) is again
    assert core.backbone(Small(), torch.zeros(1, 3, 32, 32)).id != first.id
    built = first.build(3).eval()
    assert torch.equal(built(torch.zeros(1, 3, 32, 32)), torch.zeros(1, 3)) and module.out.out_channels == 7
    assert float(built.scale) == 1.5 and torch.equal(built.stem[0].weight, module.stem[0].weight)


@pytest.mark.parametrize(
    "where",
    [{"dtype": torch.float16}, {"dtype": torch.float64}, *({"device": device} for device in DEVICES)],
    ids=lambda where: str(next(iter(where.values()))),
)
def test_a_module_of_other_precision_or_on_a_gpu_is_the_backbone_of_its_weights(where: Any) -> None:
    torch.manual_seed(0)
    module = Small().half().float()  # weights that every precision holds
    expected = core.backbone(module, torch.zeros(1, 3, 32, 32))
    found = core.backbone(module.to(**where), torch.zeros(1, 3, 32, 32, **where))
    assert (found.id, found.hash) == (expected.id, expected.hash)
    assert {(t.dtype, t.device.type) for t in found.tensors.values() if t.is_floating_point()} == {
        (torch.float32, "cpu")
    }
    assert next(module.parameters()).dtype == where.get("dtype", torch.float32)  # left as it was


def test_it_is_pruned_saved_and_rebuilt_only_where_its_module_is_known(own: Backbone, tmp_path: Path) -> None:
    task = core.task("emoji", classes=IDS[:2])
    run = core.prune(task, backbone=own, method="taylor", keep=0.5, iterations=6, batch=16, threads=1)
    model, images = run.model, torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = model(images)
    assert run.result.achieved["params"] == sum(p.numel() for p in model.parameters())
    assert run.pruned.selection.sizes["stem.0"] == 4  # whole conv groups
    save_pruned(run.pruned, tmp_path / "model.safetensors")
    with torch.no_grad():
        assert torch.equal(rebuild(load_pruned(tmp_path / "model.safetensors"))(images), expected)
    OWN_ARCHITECTURES.clear()
    OWN_BACKBONES.clear()
    with pytest.raises(MismatchError, match=r"own:Small-\w+ is a network of somebody's own.*core.backbone\(module"):
        rebuild(load_pruned(tmp_path / "model.safetensors"))
    with pytest.raises(MismatchError, match="somebody's own"):
        core.backbone(own.id)
    core.backbone(Small(), torch.zeros(1, 3, 32, 32))  # the same layers with other weights are enough to rebuild
    with torch.no_grad():
        assert torch.equal(rebuild(load_pruned(tmp_path / "model.safetensors"))(images), expected)


@pytest.mark.slow
def test_a_small_zoo_of_it_votes(own: Backbone, tmp_path: Path, home: Path) -> None:
    tasks = tuple(core.task("emoji", classes=pair) for pair in (IDS[:2], IDS[1:3], IDS[2:]))
    plan = Plan("mine", tasks, (), own.id, keep=0.5, iterations=12)
    assert len(list(build_zoo(tmp_path / "zoo", plan))) == 3
    target = core.task("emoji", classes=[IDS[0], IDS[2]])
    near = core.zoo(str(tmp_path / "zoo")).neighbours(target, k=2)
    assert dict(core.vote(near).sizes)["squeeze.0"] == 4
    run = core.prune(target, zoo=str(tmp_path / "zoo"), method="mvp", keep=0.5, iterations=4, k=2, threads=1)
    assert run.result.achieved["channel_sparsity"] > 0.4 and run.model(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


def test_a_zoo_of_ones_own_module_is_ordered_as_any_other(own: Backbone, home: Path) -> None:
    tasks = [core.task("emoji", classes=pair) for pair in (IDS[:2], IDS[2:])]
    assert len(list(core.build_zoo("mine", tasks, backbone=own, keep=0.5, iterations=4, method="magnitude"))) == 2
    assert core.zoo("mine").backbone == own.id
    with pytest.raises(BadValueError, match="workers=1"):
        core.build_zoo("other", tasks, backbone=own, workers=2)
    with pytest.raises(UnknownNameError, match="did you mean iterations"):
        core.build_zoo("other", tasks, iteratons=4)


def test_what_cannot_be_a_backbone_is_refused_in_a_sentence() -> None:
    with pytest.raises(UnsupportedError, match="Sequential has no head"):
        core.backbone(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadValueError, match="a tensor of images.*not 64"):
        core.backbone(Small(), 64)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match=r"Sequential cannot compute images of shape \[1, 3, 8, 8\].*mat1"):
        core.backbone(nn.Sequential(nn.Flatten(), nn.Linear(3, 4)), torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadValueError, match="needs an example"):
        core.backbone(Small())
    with pytest.raises(MismatchError, match=r"square colour images.*not \[1, 3, 8, 9\]"):
        core.backbone(Small(), torch.zeros(1, 3, 8, 9))
    with pytest.raises(UnsupportedError, match="Sequential does not tell its head's outputs"):
        core.backbone(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)), torch.zeros(1, 3, 8, 8))
    layers = [nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(144, 2)]
    with pytest.raises(UnsupportedError, match="The layer 1 is a GroupNorm"):
        core.backbone(nn.Sequential(*layers), torch.zeros(1, 3, 8, 8))

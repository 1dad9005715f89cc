"""The pre-training recipe: both objectives, resumed to the bit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.backbones import pretrain as module
from core.backbones.architectures import ARCHITECTURES
from core.backbones.backbone import load_backbone
from core.backbones.pretrain import RANDOM, Recipe, batches, pretrain, statistics, untrained
from core.tasks.images import TRAIN, Examples, ImageSet
from tests.engine import few_images

STEPS = 4


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few classes, a line and a checkpoint every two steps, and no probe (which has its own tests)."""
    whole = few_images()
    rows = np.flatnonzero(whole.labels < 3)
    few = ImageSet("emoji", whole.classes[:3], whole.images[rows], whole.labels[rows], whole.split[rows])
    monkeypatch.setattr(module, "load_dataset", lambda name: few)
    monkeypatch.setattr(module, "probe", lambda *_, linear=True: {"knn": 0.5} | ({"linear": 0.5} if linear else {}))
    monkeypatch.setattr(module, "LOG_EVERY", 1)
    monkeypatch.setattr(module, "CHECKPOINT_EVERY", 2)


class Stopped(Exception):
    pass


def stop_after(step: int):  # type: ignore[no-untyped-def]
    def log(line: str) -> None:
        if line.startswith("{") and json.loads(line)["step"] == step:
            raise Stopped

    return log


def test_a_backbone_without_training_is_a_backbone_as_drawn(small: None, tmp_path: Path) -> None:
    recipe = Recipe(RANDOM, views=0, batch=16, threads=1)
    tensors, again = untrained(recipe, tmp_path), untrained(recipe, tmp_path / "again")
    torch.manual_seed(recipe.seed)
    drawn = ARCHITECTURES["resnet18"].build().state_dict()
    assert all(torch.equal(tensors[name], again[name]) for name in tensors)
    assert all(
        torch.equal(tensors[name], drawn[name]) for name in tensors if "running" not in name and "num_" not in name
    )
    assert not torch.equal(tensors["bn1.running_mean"], drawn["bn1.running_mean"])
    backbone = load_backbone(str(tmp_path / "emoji-resnet18-random.safetensors"))
    assert backbone.source == "random" and backbone.about["result"]["knn"] == 0.5  # type: ignore[index]


@pytest.mark.parametrize("objective", ["simclr", "supervised"])
def test_a_pre_training_resumed_from_its_checkpoint_ends_bit_identical(
    small: None, objective: str, tmp_path: Path
) -> None:
    pytest.importorskip("kornia")
    pytest.importorskip("pytorch_metric_learning")
    recipe = Recipe(objective, views=16 * STEPS, batch=16, threads=1)
    whole = pretrain(recipe, tmp_path / "whole", log=lambda line: None)
    with pytest.raises(Stopped):
        pretrain(recipe, tmp_path / "halves", log=stop_after(3))  # a step past the checkpoint
    told: list[str] = []
    resumed = pretrain(recipe, tmp_path / "halves", log=told.append)
    assert told[0] == f"continuing from step 2 of {STEPS}"
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())
    first, second = (load_backbone(str(next((tmp_path / n).glob("*.safetensors")))) for n in ("whole", "halves"))
    assert first.hash == second.hash and first.id == f"emoji-resnet18-{objective}"
    assert first.source == ("supervised" if objective == "supervised" else "self-supervised")
    assert first.about["recipe"]["views"] == 16 * STEPS  # type: ignore[index]
    assert not any(name.startswith("fc.") for name in first.tensors)
    with torch.no_grad():
        assert first.build(3).eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(small: None, tmp_path: Path) -> None:
    recipe = Recipe("supervised", views=16 * 2, batch=16, threads=1)
    pretrain(recipe, tmp_path, log=lambda line: None)
    told: list[str] = []
    pretrain(replace(recipe, seed=1), tmp_path, log=told.append)
    assert not any(line.startswith("continuing") for line in told)


def test_every_image_is_seen_once_an_epoch_the_remainder_carried_over() -> None:
    pictures = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    stream = batches(Examples(pictures, np.arange(10)), 4, seed=0)
    seen = torch.cat([next(stream)[1] for _ in range(5)]).tolist()
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10)) and seen[:10] != seen[10:]
    images, labels = next(batches(Examples(pictures, np.arange(10)), 4, seed=0))
    assert torch.allclose(images[:, 0, 0, 0] * 255, labels.float())


def test_statistics_are_each_colours_mean_and_deviation() -> None:
    examples = few_images().part(TRAIN)
    mean, std = statistics(examples)
    for colour in range(3):
        values = examples.images[..., colour] / 255
        assert mean[colour] == pytest.approx(values.mean(), abs=1e-3)
        assert std[colour] == pytest.approx(values.std(), abs=1e-3)


@pytest.mark.parametrize("cool_down", [0.0, Recipe.cool_down])
@pytest.mark.parametrize("views", [512, 1024, 512 * 10, Recipe.views])
def test_every_step_learns_and_the_rate_rises_before_it_falls(views: int, cool_down: float) -> None:
    recipe = Recipe("simclr", views=views, cool_down=cool_down)
    rates = [module.rate_at(step, recipe) for step in range(views // recipe.batch)]
    assert all(0 < rate <= 1 for rate in rates)
    if len(rates) > 100:
        assert rates[0] < 0.02 and max(rates) > 0.9
        assert rates[-1] < 0.01 or cool_down == 0.0

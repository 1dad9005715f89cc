"""A tiny zoo, built once: three tasks and a target on a backbone with random weights, from few images."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import core.zoo.build as build
import core.zoo.describe as describe
from core.backbones.backbone import load_backbone, save_backbone
from core.tasks.task import Task
from core.zoo.build import Progress, build_zoo
from core.zoo.plan import Plan
from core.zoo.zoo import Zoo, open_zoo
from tests.engine import few_images, random_backbone, small_task

READERS = ("core.tasks.data", "core.tasks.datasets", "core.zoo.similarity")  # modules that read data sets
TASKS = (("arrow", "body-parts"), ("tool", "arrow"), ("hand", "heart"))
TARGET = ("arrow", "heart")


@dataclass(frozen=True)
class Built:
    folder: Path
    plan: Plan
    progress: list[Progress]

    @property
    def zoo(self) -> Zoo:
        """Read anew."""
        return open_zoo(self.folder)


def small_plan(backbone: str, **changes: object) -> Plan:
    tasks: list[Task] = [small_task(classes)[0] for classes in TASKS]
    target, _ = small_task(TARGET)
    settings = {"keep": 0.3, "iterations": 6, "method": "taylor"} | changes
    return Plan("tiny", tuple(tasks), (target,), backbone, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def backbone_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    backbone, path = random_backbone(), tmp_path_factory.mktemp("backbones") / "random.safetensors"
    save_backbone(
        path, backbone.tensors, architecture=backbone.architecture, source="random", mean=list(backbone.mean),
        std=list(backbone.std), size=backbone.size, about={},
    )  # fmt: skip
    assert load_backbone(str(path)).hash == backbone.hash
    return str(path)


def few(patch: pytest.MonkeyPatch) -> None:
    """Few emoji in the place of every data set."""
    for module in READERS:
        patch.setattr(f"{module}.load_dataset", lambda name, **_: few_images())


def easy(patch: pytest.MonkeyPatch) -> None:
    """No collapse, and no UMAP, whose first call compiles for many seconds."""
    torch.set_num_threads(1)
    patch.setattr(describe, "LAYOUTS", ("pca", "mds"))
    patch.setattr(build, "collapsed", lambda *_: False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """For this test alone: few images, no collapse, no UMAP."""
    few(monkeypatch)
    easy(monkeypatch)


def quickly_built(folder: Path, plan: Plan, home: Path) -> list[Progress]:
    """Build a zoo of few images; home: where its backbone is copied to."""
    with pytest.MonkeyPatch.context() as patch:
        few(patch)
        easy(patch)
        patch.setenv("METAVOTE_HOME", str(home))
        return list(build_zoo(folder, plan))


@pytest.fixture(scope="session")
def built_once(backbone_file: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder, plan = tmp_path_factory.mktemp("zoo") / "tiny", small_plan(backbone_file)
    return Built(folder, plan, quickly_built(folder, plan, tmp_path_factory.mktemp("home")))


@pytest.fixture
def built(built_once: Built, quick: None) -> Built:
    """The tiny zoo, and few images for what a test does with it."""
    return built_once

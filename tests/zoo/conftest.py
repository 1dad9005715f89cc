"""A tiny zoo, built once: three tasks and a target on a backbone with random weights, from few images."""

from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def quick() -> Iterator[pytest.MonkeyPatch]:
    """Few images, no collapse, no UMAP (whose first call compiles for many seconds)."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for module in READERS:
            patch.setattr(f"{module}.load_dataset", lambda name, size=None, classes=None: few_images())
        patch.setattr(describe, "LAYOUTS", ("pca", "mds"))
        patch.setattr(build, "collapsed", lambda *_: False)
        yield patch


@pytest.fixture(scope="session")
def built(quick: pytest.MonkeyPatch, backbone_file: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder, plan = tmp_path_factory.mktemp("zoo") / "tiny", small_plan(backbone_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METAVOTE_HOME", str(tmp_path_factory.mktemp("home")))  # where the backbone is copied to
        return Built(folder, plan, list(build_zoo(folder, plan)))

"""What the documented examples run on: small real runs, zoos, backbones and files under the names that they use."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import core.zoo.build as build
from core.backbones.architectures import ARCHITECTURES
from core.backbones.backbone import find_backbone
from core.channels.files import save_pruned
from core.cli.main import main
from core.neighbours.layout import LAYOUTS
from core.pruning.config import RunConfig
from core.reports import measure
from core.runs import queue
from core.runs.models import model_of
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.tasks.datasets import load_dataset
from core.tasks.images import ImageSet
from core.tasks.torchvision_names import CLASSES
from core.zoo.plan import Plan
from core.zoo.zoo import DEFAULT
from tests.engine import few_images

READERS = ("core.tasks.data", "core.tasks.datasets", "core.tasks.summary", "core.zoo.similarity")
QUICK = 3  # training iterations: the fewest that every method takes
SHORTENED_TO = 1  # zoo tasks of a plan that has more
SLIM = "emoji:tool+plant"
ZOOS = {  # of five tasks at least where an example lets five neighbours vote
    "my-zoo": [f"emoji:arrow+{other}" for other in ("heart", "hand", "flag", "plant", "tool")],
    "your-zoo": ["emoji:hand+heart"],
    "fashion": [f"fashion-mnist:Dress+{other}" for other in ("Bag", "Sandal", "Coat", "Shirt", "Sneaker")],
}
IMAGES = (12, 5, 6)  # of each class for training, validation and test
PLAIN = partial(RunConfig, "emoji-t00", "random", iterations=QUICK, threads=1)


@dataclass(frozen=True)
class World:
    """A user folder, a folder to work in, and the ids of runs: two finished ones, a queued and a cancelled one."""

    home: Path
    work: Path
    finished: tuple[str, str]
    queued: str
    cancelled: str


@cache
def fewer_emoji() -> ImageSet:
    """The emoji data set with a dozen training images of each class."""
    whole, rows = few_images(), []
    for label in range(len(whole.classes)):
        for split, count in enumerate(IMAGES):
            rows.append(np.flatnonzero((whole.labels == label) & (whole.split == split))[:count])
    chosen = np.concatenate(rows)
    return ImageSet(whole.name, whole.classes, whole.images[chosen], whole.labels[chosen], whole.split[chosen])


@cache
def few_fashion() -> ImageSet:
    """Fashion-MNIST's classes, each a colour with noise."""
    names, random = CLASSES["fashion-mnist"], np.random.default_rng(0)
    labels = np.repeat(np.arange(len(names)), sum(IMAGES))
    colours = random.integers(0, 200, (len(names), 1, 1, 3))
    images = (colours[labels] + random.integers(0, 55, (len(labels), 32, 32, 3))).astype(np.uint8)
    split = np.tile(np.repeat(np.arange(3), IMAGES), len(names)).astype(np.int8)
    return ImageSet("fashion-mnist", tuple(names), images, labels, split)


def _few(name: str, *values: Any, **settings: Any) -> ImageSet:
    known = {"emoji": fewer_emoji, "fashion-mnist": few_fashion}
    return known[name]() if name in known else load_dataset(name, *values, **settings)


def make_small(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Few images, short plans, no process beside this one, no UMAP; `home` is the user folder."""
    torch.set_num_threads(1)
    checked, timed = build.checked, measure.timed
    patch.setenv("METAVOTE_HOME", str(home))
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.delenv("METAVOTE_STORE", raising=False)
    for module in READERS:
        patch.setattr(f"{module}.load_dataset", _few)
    patch.setitem(LAYOUTS, "umap", LAYOUTS["pca"])
    patch.setattr(build, "collapsed", lambda *_: False)
    patch.setattr(build, "checked", lambda *given: shortened(checked(*given)))
    patch.setattr(build, "roots", lambda: (home / "zoos", home / "shipped"))  # a shipped zoo may be built again
    patch.setattr(build, "in_processes", lambda work, items, *_: ((item, work(item)) for item in items))
    patch.setattr(measure, "timed", lambda dense, slim, images, _: timed(dense, slim, images, 0, 2))
    patch.setattr(queue, "ensure_worker", lambda store=None: 0)


def as_if_trained(architecture: str) -> dict[str, torch.Tensor]:
    """The state dict of a network whose every entry has moved from where it was initialised."""
    state = ARCHITECTURES[architecture].build(2).state_dict()
    return {
        name: value + 0.01 * torch.rand_like(value) if value.is_floating_point() else value
        for name, value in state.items()
    }


def shortened(plan: Plan) -> Plan:
    """The plan with few tasks and iterations."""
    return replace(plan, tasks=plan.tasks[:SHORTENED_TO], targets=plan.targets[:SHORTENED_TO], iterations=QUICK)


def command(*words: str) -> None:
    """Run a command of ours, which has to succeed."""
    assert main(words) == 0, words


def make_world(folder: Path) -> World:
    """Everything, made once: a few seconds of real work."""
    home, work = folder / "home", folder / "work"
    work.mkdir()
    (home / "backbones").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch, home)
        patch.chdir(work)
        for place in (home / "backbones" / "my-backbone", home / "backbones" / "my-moco", work / "my-backbone"):
            shutil.copy(find_backbone(DEFAULT), place.with_suffix(".safetensors"))
        store = Store()
        tags = [word for tag in ("study", "benchmark", "fashion") for word in ("--tag", tag)]
        for method in ("mvp", "random"):
            command("prune", "emoji-t00", "--method", method, "--iterations", str(QUICK), "--threads", "1", *tags)
        command("prune", SLIM, "--method", "random", "--keep", "0.5", "--iterations", "12", "--threads", "1")
        slim, *finished = (record.id for record in store.list())
        _make_files(work, slim, finished[-1])
        for id, tasks in ZOOS.items():
            plan = Plan(id, tuple(map(task_of, tasks)), (), DEFAULT, "random", iterations=1)
            list(build.build_zoo(home / "zoos" / id, plan))
        command("zoo", "export", "my-zoo", "my-zoo.zip")
        command("runs", "export", "study.zip", "--tag", "study")
        command("export", finished[-1], "--to", "torch", "slim.pt2")
        command("export", finished[-1], "--to", "safetensors", "exported.safetensors")
        queued, cancelled = (store.create(PLAIN(seed=seed)) for seed in (1, 2))
        queue.cancel(cancelled)
        store.close()
    return World(home, work, (finished[-1], finished[-2]), queued, cancelled)


def _make_files(work: Path, slim: str, run: str) -> None:
    """Checkpoints, a slim model made elsewhere and one of ours, recipes, a folder of images."""
    model = model_of(slim)
    save_pruned(model, work / "slim.safetensors")
    torch.save({name: torch.from_numpy(value) for name, value in model.tensors.items()}, work / "slim.pth")
    (work / "kept.json").write_text(json.dumps({name: list(rows) for name, rows in model.selection.kept.items()}))
    torch.manual_seed(0)
    moco = {f"module.encoder_q.{name}": value for name, value in as_if_trained("resnet50").items()}
    moco |= {"module.encoder_k.conv1.weight": torch.zeros(1), "module.queue": torch.zeros(1)}
    torch.save({"state_dict": moco}, work / "checkpoint.pth")
    for name in ("checkpoint.pth.tar", "moco_v2_800ep.pth.tar", "moco_v2_800ep_pretrain.pth.tar"):
        os.link(work / "checkpoint.pth", work / name)
    save_file(as_if_trained("resnet18"), work / "network.safetensors")
    (work / "tasks.yaml").write_text(f"tasks:\n  - {SLIM}\n  - emoji:sport+flag\n")
    (work / "fashion.yaml").write_text(
        "zoo: fashion\ndraw: {dataset: fashion-mnist, tasks: 3, classes: 3, targets: 1}\n"
    )
    images = few_images()
    for label in range(3):
        for number, picture in enumerate(images.images[images.labels == label][:30]):
            file = work / "images" / images.classes[label] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(file)


def copied(world: World, folder: Path) -> World:
    """A world of one's own to change: large files are links, as whoever writes one makes a new one."""
    (world.home / "cache").mkdir(exist_ok=True)

    def copy(source: str, target: str) -> None:
        shared = source.endswith((".safetensors", ".pth", ".tar", ".pt2", ".png"))
        (os.link if shared else shutil.copy2)(source, target)

    mine = replace(world, home=folder / "home", work=folder / "work")
    shutil.copytree(world.work, mine.work, copy_function=copy)
    shutil.copytree(world.home, mine.home, copy_function=copy, ignore=shutil.ignore_patterns("cache"))
    (mine.home / "cache").symlink_to(world.home / "cache")  # similarities, which many examples compute
    return mine

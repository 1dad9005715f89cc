"""A zoo whose tasks are of several data sets, stored at several sizes: built, ranked, voted with, pruned for."""

from pathlib import Path

import numpy as np
import pytest

import core.session as session
from core.backbones.backbone import load_backbone
from core.pruning.config import SIMILARITIES, RunConfig
from core.pruning.events import Finished
from core.runs.execute import events_of
from core.session import LiveZoo
from core.tasks.catalogue import task
from core.tasks.data import load_task
from core.tasks.thumbnails import thumbnails
from core.zoo.build import build_zoo
from core.zoo.plan import Plan
from core.zoo.similarity import similarities
from core.zoo.zoo import LAYOUTS, open_zoo
from tests.tasks.test_datasets import small_fashion
from tests.tasks.test_folder import fill, fill_imagenet
from tests.zoo.conftest import easy


@pytest.fixture
def zoo(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone_file: str) -> LiveZoo:
    easy(monkeypatch)
    small_fashion(home / "datasets" / "FashionMNIST" / "raw")
    pets, wild = fill(tmp_path / "pets", 8, size=(50, 40)), fill_imagenet(tmp_path / "wild")
    tasks = (
        task("emoji", ["person-sport", "drink"]),
        task("fashion-mnist", ["Trouser", "Bag", "Coat"]),
        task(f"folder:{pets}"),
    )
    targets = (task("fashion-mnist", ["Dress", "Sandal"]), task(f"folder:{wild}"))
    list(build_zoo(home / "zoos" / "mixed", Plan("mixed", tasks, targets, backbone_file, "magnitude", 0.3, 1)))
    return session.zoo("mixed")


def test_tasks_of_several_data_sets_live_in_one_zoo(zoo: LiveZoo) -> None:
    assert len({one.dataset for one in (*zoo.tasks, *zoo.targets)}) == 4
    assert {zoo.model(one.id).size for one in zoo.tasks} == {32}
    assert {load_task(one).size for one in zoo.tasks} == {32, 28, 64}  # as they are stored
    for kind in SIMILARITIES:
        rows, matrix = zoo.similarity(kind)
        assert len(rows) == 5 and matrix.shape == (5, 3) and np.isfinite(matrix).all()
    for kind in ("pca", "mds"):
        places = zoo.coordinates(kind)
        assert kind in LAYOUTS and set(places) == set(zoo.rows) and np.isfinite(list(places.values())).all()

    backbone = load_backbone(zoo.backbone)
    for target in zoo.targets:  # what is computed for a target is what was stored of it
        found = similarities(zoo, target, load_task(target, backbone.size), backbone)
        for kind in SIMILARITIES:
            np.testing.assert_allclose(found[kind], zoo.similarity(kind)[1][zoo.rows[target.id]], rtol=1e-3, atol=1e-4)

    new = task("fashion-mnist", ["Shirt", "Ankle boot", "Trouser"])
    near = zoo.neighbours(new, k=3)
    assert {each.task.dataset for each in near} == {one.dataset for one in zoo.tasks}
    votes = session.vote(near)
    assert all(votes.table(group).max() == 3 for group in zoo.groups)
    run = RunConfig(new.id, k=3, iterations=1, threads=1, batch=8, zoo="mixed", backbone=zoo.backbone)
    (end,) = (event for event in events_of(run) if isinstance(event, Finished))
    assert end.classes is not None and tuple(end.classes) == new.classes
    assert all(thumbnails(one.dataset, name) is not None for one in zoo.tasks for name in one.classes)


def test_classes_of_one_name_in_two_data_sets_are_two_classes(tmp_path: Path) -> None:
    here, there = (task(f"folder:{fill(tmp_path / name, 3)}") for name in ("here", "there"))
    assert here.classes == there.classes and here.shared(there) == 0
    built = open_zoo()
    assert all(here.shared(one) == 0 for one in built.tasks)

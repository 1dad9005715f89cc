"""Similarities of tasks a zoo has never seen: the same maths as the stored ones, computed once."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.backbones.backbone import Backbone, load_backbone
from core.errors import BadValueError
from core.tasks.data import TaskData
from core.tasks.task import Task
from core.zoo import similarity as module
from core.zoo.similarity import neighbours_of, ranking_macs, similarities, stored, views
from core.zoo.zoo import SIMILARITIES, Zoo
from tests.engine import few_images, small_task
from tests.zoo.conftest import Built


@pytest.fixture
def backbone(backbone_file: str) -> Backbone:
    return load_backbone(backbone_file)


def test_what_is_computed_for_a_stored_task_is_what_was_stored(built: Built, backbone: Backbone, home: Path) -> None:
    target = built.zoo.targets[0]
    found = similarities(built.zoo, target, TaskData(target, few_images()), backbone)
    for kind in SIMILARITIES:
        rows, matrix = built.zoo.similarity(kind)
        np.testing.assert_allclose(found[kind], matrix[rows.index(target.id)], rtol=1e-4, atol=1e-5)


def test_an_unseen_task_is_ranked_and_then_remembered(
    built: Built, backbone: Backbone, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, data = small_task(("hand", "music"))
    first = neighbours_of(built.zoo, task, data, backbone, 3, "leep")
    assert [n.similarity for n in first] == sorted((n.similarity for n in first), reverse=True)
    monkeypatch.setattr(module, "views", lambda *_: pytest.fail("computed again"))
    assert neighbours_of(built.zoo, task, data, backbone, 3, "leep") == first
    assert neighbours_of(built.zoo, task, data, backbone, 2, "prototypes")
    (file,) = (home / "cache").rglob("*.json")
    for damaged in ("", "{}", '{"similarities": {"leep": [1]}, "macs": 1}', "[1]", '{"similarities": {}}'):
        file.write_text(damaged)
        with pytest.raises(pytest.fail.Exception, match="computed again"):
            neighbours_of(built.zoo, task, data, backbone, 3, "leep")
    monkeypatch.undo()


def test_other_images_under_the_same_name_are_looked_at_anew(built: Built, backbone: Backbone, home: Path) -> None:
    """A folder's pictures may be replaced by as many others."""
    task, data = small_task(("hand", "music"))
    other = few_images()
    images = other.images.copy()
    images[:] = images[::-1]
    changed = type(other)(other.name, other.classes, images, other.labels, other.split)
    before = similarities(built.zoo, task, data, backbone)
    after = similarities(built.zoo, task, TaskData(task, changed), backbone)
    assert before != after


def test_too_many_neighbours_of_an_unseen_task_are_refused(built: Built, backbone: Backbone, home: Path) -> None:
    task, data = small_task(("hand", "music"))
    with pytest.raises(BadValueError, match="K is 9, but the zoo has 3"):
        neighbours_of(built.zoo, task, data, backbone, 9)
    equal = Task("emoji:heart+hand", "emoji", ("heart", "hand"))
    assert len(neighbours_of(built.zoo, equal, TaskData(equal, few_images()), backbone, None)) == 2


def test_a_zoo_model_sees_probabilities_and_features(built: Built) -> None:
    _, data = small_task()
    seen = views(built.zoo.model(built.zoo.tasks[0].id), data.train)
    assert seen.probabilities.shape == (len(data.train), 2) and np.allclose(seen.probabilities.sum(1), 1)
    kept = len(built.zoo.selection(built.zoo.tasks[0].id).kept["layer4.0.conv2"])
    assert seen.features.shape == (len(data.train), kept)
    assert json.dumps(seen.features[0].tolist())


def test_ranking_an_unseen_task_costs_a_pass_of_every_model_cached_or_not_and_a_stored_one_nothing(
    built: Built, backbone: Backbone, home: Path
) -> None:
    task, data = small_task(("hand", "music"))
    before = ranking_macs(built.zoo, task, data)
    achieved = [entry["achieved"]["macs"] for entry in built.zoo.about["tasks"]]
    assert before == (sum(achieved) + built.zoo.about["dense"]["macs"]) * len(data.train)
    similarities(built.zoo, task, data, backbone)
    assert ranking_macs(built.zoo, task, data) == before
    target = built.zoo.targets[0]
    assert ranking_macs(built.zoo, target, small_task(target.classes)[1]) == 0


def test_macs_are_those_of_the_tasks_own_image_size(built: Built, home: Path) -> None:
    task, data = small_task(("hand", "music"))
    larger = replace(data.images, images=np.repeat(np.repeat(data.images.images, 2, 1), 2, 2))
    ratio = ranking_macs(built.zoo, task, TaskData(task, larger)) / ranking_macs(built.zoo, task, data)
    assert 3.9 < ratio <= 4


def test_a_folders_task_is_the_stored_one_only_with_the_same_classes_and_pictures(
    built: Built, backbone: Backbone, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target of the zoo told as a folder's, whose pictures and classes may change under the same id."""
    old, folder = built.zoo.targets[0], Task("folder:/pets", "folder:/pets", ("arrow", "heart"))
    _, data = small_task(old.classes)
    about = json.loads(json.dumps(built.zoo.about).replace(json.dumps(old.to_dict()), json.dumps(folder.to_dict())))
    about["pictures"][folder.id] = about["pictures"].pop(old.id)
    zoo = Zoo(built.folder, about)
    computed = neighbours_of(zoo, folder, TaskData(folder, data.images), backbone, None)
    monkeypatch.setattr(module, "similarities", lambda *_: {"leep": [-1.0, -2.0, -3.0]})
    assert stored(zoo, folder, TaskData(folder, data.images))
    assert neighbours_of(zoo, folder, TaskData(folder, data.images), backbone, None) == computed

    turned = replace(data.images, images=np.ascontiguousarray(data.images.images[:, ::-1]))
    other = Task(folder.id, folder.dataset, ("arrow", "hand"))
    for task, images in ((folder, turned), (other, data.images)):
        assert not stored(zoo, task, TaskData(task, images))
        found = neighbours_of(zoo, task, TaskData(task, images), backbone, None)
        assert [each.similarity for each in found] == [-1.0, -2.0, -3.0]
    del about["pictures"]  # a zoo built before pictures were kept cannot tell
    assert not stored(zoo, folder, TaskData(folder, data.images))

"""Building a zoo: each model once, resumable, refused where it collapses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import core.zoo.build as build
from core.backbones.backbone import load_backbone, save_backbone
from core.channels.files import load_pruned
from core.channels.selection import kept_count
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.tasks.datasets import load_dataset
from core.zoo.build import build_zoo, collapsed, finished, model_file, shipped_plan
from core.zoo.zoo import SIMILARITIES, open_zoo
from tests.engine import few_images, random_backbone, small_task
from tests.zoo.conftest import READERS, Built, small_plan

really_collapsed = collapsed  # the fixtures replace the module's own


def test_progress_tells_each_task_once_with_its_accuracy(built: Built) -> None:
    assert [(step.done, step.total) for step in built.progress] == [(1, 3), (2, 3), (3, 3)]
    assert [step.task for step in built.progress] == [task.id for task in built.plan.tasks]
    assert [step.accuracy for step in built.progress] == [built.zoo.accuracy(task.id) for task in built.plan.tasks]


def test_models_are_half_precision_at_the_planned_keep_ratio_and_tell_how_they_came_about(built: Built) -> None:
    for task in built.plan.tasks:
        model = load_pruned(model_file(built.folder, task))
        assert {value.dtype for value in model.tensors.values()} == {np.dtype("float16"), np.dtype("int64")}
        sizes = model.selection.sizes
        assert {g: len(k) for g, k in model.selection.kept.items()} == {g: kept_count(0.3, n) for g, n in sizes.items()}
        assert model.origin["curve"][0]["iteration"] == 0 and model.origin["attempts"] == 1
        assert RunConfig.from_dict(model.origin["config"]) == built.plan.config(task)
        assert len(model.rounds) > 1


def test_the_zoo_says_what_it_is_and_what_it_cost(built: Built) -> None:
    zoo, backbone = built.zoo, random_backbone()
    assert (zoo.id, zoo.keep, zoo.backbone_hash) == ("tiny", 0.3, backbone.hash)
    assert zoo.tasks == list(built.plan.tasks) and zoo.targets == list(built.plan.targets)
    assert zoo.about["cost"]["iterations"] == 18 and zoo.about["cost"]["macs"] > 0
    assert zoo.about["dense"]["params"] > 11e6


def test_arrays_have_a_row_for_each_task_and_target(built: Built) -> None:
    arrays = load_file(built.folder / "arrays.safetensors")
    for kind in SIMILARITIES:
        assert arrays[f"similarity/{kind}"].shape == (4, 3) and np.isfinite(arrays[f"similarity/{kind}"]).all()
    assert (arrays["similarity/leep"] <= 0).all()
    assert np.allclose(np.diag(arrays["similarity/prototypes"]), 0, atol=1e-5)
    assert arrays["embedding"].shape == (4, 512) and arrays["coordinates/pca"].shape == (4, 2)
    assert {name for name in arrays if name.startswith("prototypes/")} == {f"prototypes/{t}" for t in built.zoo.rows}


def test_building_again_makes_nothing_anew_and_the_same_arrays(built: Built, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(built.folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "build_model", lambda *_: pytest.fail("built a model that was there"))
        again = list(build_zoo(folder, built.plan))
    assert [step.task for step in again] == [step.task for step in built.progress]
    assert (folder / "arrays.safetensors").read_bytes() == (built.folder / "arrays.safetensors").read_bytes()


def test_a_build_killed_after_a_model_goes_on_with_the_rest_to_the_same_zoo(built: Built, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    first = build_zoo(folder, built.plan)
    next(first)
    first.close()  # type: ignore[attr-defined]
    stamp = model_file(folder, built.plan.tasks[0]).stat().st_mtime_ns
    assert not (folder / "zoo.json").exists()
    model_file(folder, built.plan.tasks[1]).write_bytes(b"half a mod")  # what a crash of the file system may leave
    for _ in build_zoo(folder, built.plan):
        pass
    assert model_file(folder, built.plan.tasks[0]).stat().st_mtime_ns == stamp
    for task in built.plan.tasks:
        mine, other = (load_pruned(model_file(place, task)) for place in (folder, built.folder))
        assert mine.selection == other.selection
        assert all(np.array_equal(mine.tensors[n], other.tensors[n]) for n in other.tensors)
    assert (folder / "arrays.safetensors").read_bytes() == (built.folder / "arrays.safetensors").read_bytes()


def test_a_model_made_otherwise_than_planned_is_made_again(built: Built) -> None:
    task = built.plan.tasks[0]
    assert finished(built.folder, built.plan, task)
    for change in ({"keep": 0.5}, {"iterations": 7}, {"method": "magnitude"}, {"seed": 5}):
        assert not finished(built.folder, replace(built.plan, **change), task), change  # type: ignore[arg-type]
    assert not finished(built.folder, built.plan, small_task(("music", "time"))[0])
    assert finished(built.folder, replace(built.plan, threads=2), task)  # how fast it was made does not matter


def test_a_model_of_an_earlier_backbone_under_the_same_name_is_made_again(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "same.safetensors"

    def write(seed: int) -> None:
        other = random_backbone(seed=seed)
        save_backbone(
            path, other.tensors, architecture="resnet18", source="random", mean=list(other.mean),
            std=list(other.std), size=32, about={},
        )  # fmt: skip
        load_backbone.cache_clear()

    write(0)
    folder, plan = tmp_path / "zoo", replace(small_plan(str(path), method="magnitude", iterations=1), targets=())
    plan = replace(plan, tasks=plan.tasks[:1])
    build.build_model(folder, plan, plan.tasks[0])
    assert finished(folder, plan, plan.tasks[0])
    write(1)
    assert not finished(folder, plan, plan.tasks[0])
    load_backbone.cache_clear()


@pytest.mark.parametrize(
    "accuracy, dense, classes, expected",
    [
        (0.20, 0.80, 5, True),  # chance
        (0.49, 0.80, 5, True),  # just below half of what the dense one knows beyond chance
        (0.51, 0.80, 5, False),
        (0.80, 0.80, 5, False),
        (0.95, 0.80, 5, False),  # better than dense
        (0.50, 1.00, 2, True),
        (0.76, 1.00, 2, False),
        (0.20, 0.20, 5, False),  # the dense one knows nothing either
    ],
)
def test_collapse_is_losing_over_half_of_what_the_dense_network_knows_beyond_chance(
    accuracy: float, dense: float, classes: int, expected: bool
) -> None:
    assert really_collapsed(accuracy, dense, classes) == expected


def test_a_model_that_collapses_is_tried_with_other_seeds_and_then_refused(
    quick: pytest.MonkeyPatch, backbone_file: str, tmp_path: Path
) -> None:
    plan = small_plan(backbone_file, method="magnitude", iterations=1)
    answers = iter([True, False])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "collapsed", lambda *_: next(answers))
        build.build_model(tmp_path, plan, plan.tasks[0])
    model = load_pruned(model_file(tmp_path, plan.tasks[0]))
    assert model.origin["attempts"] == 2 and model.origin["config"]["seed"] == 1000
    assert finished(tmp_path, plan, plan.tasks[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "collapsed", lambda *_: True)
        with pytest.raises(BadValueError, match=r"collapsed to 0\.\d\d with 3 seeds: give it more iterations"):
            build.build_model(tmp_path, plan, plan.tasks[1])
    assert not model_file(tmp_path, plan.tasks[1]).exists()


def test_what_cannot_be_a_zoo_is_refused_before_any_work(tmp_path: Path) -> None:
    plan = small_plan("no-such-backbone")
    for wrong, workers in (
        (plan, 0),
        (replace(plan, tasks=()), 1),
        (replace(plan, targets=plan.tasks[:1]), 1),
        (replace(plan, tasks=plan.tasks * 2), 1),
    ):
        with pytest.raises(BadValueError):
            next(build_zoo(tmp_path / "zoo", wrong, workers))
    assert not (tmp_path / "zoo").exists()


def test_the_shipped_plans_hold_no_task_twice_and_the_disjoint_one_shares_no_class() -> None:
    for setting in ("emoji", "emoji-disjoint"):
        plan = shipped_plan(setting)
        build.check(plan, 1)
        assert plan.tasks and plan.targets
    zoo_classes = {name for task in plan.tasks for name in task.classes}
    assert not zoo_classes & {name for task in plan.targets for name in task.classes}


@pytest.mark.slow
def test_two_worker_processes_make_the_same_zoo_as_one(
    backbone_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spawned workers see all images and the real rule of collapse, so one task at a keep ratio that survives."""
    for module in READERS:  # undo, in this process, what `quick` has changed
        monkeypatch.setattr(f"{module}.load_dataset", load_dataset)
    monkeypatch.setattr(build, "collapsed", collapsed)
    monkeypatch.setattr(build, "LAYOUTS", ("pca",))
    plan = small_plan(backbone_file, keep=0.6, iterations=12)
    for name, workers in (("one", 1), ("two", 2)):
        list(build_zoo(tmp_path / name, plan, workers))
    for task in plan.tasks:
        one, two = (load_pruned(model_file(tmp_path / name, task)) for name in ("one", "two"))
        assert one.selection == two.selection
        assert all(np.array_equal(one.tensors[n], two.tensors[n]) for n in one.tensors)
    assert len(few_images().classes) == 47
    one, two = (json.loads((tmp_path / name / "zoo.json").read_text()) for name in ("one", "two"))
    assert one["hash"] == two["hash"] and open_zoo(tmp_path / "two").tasks == list(plan.tasks)

"""Building a zoo: each model once, resumable, refused where it collapses."""

import hashlib
import json
import multiprocessing
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import core.zoo.build as build
import core.zoo.describe as describe
from core.backbones.backbone import DEFAULT, load_backbone, save_backbone
from core.channels.files import load_pruned, save_pruned
from core.channels.selection import kept_count
from core.errors import BadFileError, BadValueError, CollapsedError, MetaVoteError, MissingDataError
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.tasks.task import Task
from core.zoo import plan as plans
from core.zoo.archive import OWNER, check
from core.zoo.build import build_zoo, collapsed, finished, model_file
from core.zoo.plan import Plan, as_planned, left, shipped_plan
from core.zoo.similarity import pictures_of
from core.zoo.zoo import SIMILARITIES, open_zoo
from tests.engine import few_images, random_backbone, small_task
from tests.zoo.conftest import Built, small_plan

really_collapsed = collapsed  # the fixtures replace the module's own


def refuse(*_: object) -> None:
    raise BadValueError("refused")


def test_a_model_that_records_a_zoo_as_earlier_versions_did_is_as_planned(built: Built) -> None:
    task = built.plan.tasks[0]
    model = built.zoo.model(task.id, weights=False)
    recorded = model.origin["config"]
    assert recorded["zoo"] is None and as_planned(model, built.plan, task)
    earlier = replace(model, origin={**model.origin, "config": {**recorded, "zoo": "emoji-resnet18-simclr"}})
    assert as_planned(earlier, built.plan, task)
    assert not as_planned(earlier, replace(built.plan, iterations=7), task)


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
        assert RunConfig.from_dict(model.origin["config"]) == replace(built.plan, backbone="random").config(task)
        assert len(model.rounds) > 1


def test_the_zoo_says_what_it_is_and_what_it_cost(built: Built) -> None:
    zoo, backbone = built.zoo, random_backbone()
    assert (zoo.id, zoo.keep, zoo.backbone_hash) == ("tiny", 0.3, backbone.hash)
    assert zoo.tasks == list(built.plan.tasks) and zoo.targets == list(built.plan.targets)
    assert zoo.about["cost"]["iterations"] == 18 and zoo.about["cost"]["macs"] > 0
    assert zoo.about["cost"]["similarity_seconds"] > 0 and zoo.about["cost"]["similarity_cpu_seconds"] > 0
    assert zoo.about["dense"]["params"] > 11e6


def test_a_zoo_of_another_budget_tells_its_keep_ratio_of_the_channels(quick: None, home: Path, tmp_path: Path) -> None:
    backbone = random_backbone()
    file = tmp_path / "random.safetensors"
    save_backbone(
        file, backbone.tensors, architecture=backbone.architecture, source="random", mean=list(backbone.mean),
        std=list(backbone.std), size=backbone.size, about={},
    )  # fmt: skip
    budget = {"keep": 0.1, "of": "params", "allocation": "global", "multiple": 4}
    plan = small_plan(str(file), method="magnitude", iterations=0, **budget)
    list(build_zoo(tmp_path / "zoo", plan))
    zoo = open_zoo(tmp_path / "zoo")
    ratios = [zoo.selection(task.id).keep_ratio() for task in zoo.tasks]
    assert zoo.keep == pytest.approx(sum(ratios) / len(ratios), abs=1e-4) and 0.2 < zoo.keep < 0.4
    assert all(
        zoo.selection(task.id, ratio) == zoo.selection(task.id) for task, ratio in zip(zoo.tasks, ratios, strict=True)
    )
    assert all(abs(entry["achieved"]["deviation"]) <= 0.02 for entry in zoo.about["tasks"])
    assert {name: zoo.about["config"][name] for name in budget} == budget


def test_arrays_have_a_row_for_each_task_and_target(built: Built) -> None:
    arrays = load_file(built.folder / "arrays.safetensors")
    for kind in SIMILARITIES:
        assert arrays[f"similarity/{kind}"].shape == (4, 3) and np.isfinite(arrays[f"similarity/{kind}"]).all()
    assert (arrays["similarity/leep"] <= 0).all()
    assert np.allclose(np.diag(arrays["similarity/prototypes"]), 0, atol=1e-5)
    assert arrays["embedding"].shape == (4, 512) and arrays["coordinates/pca"].shape == (4, 2)
    assert {name for name in arrays if name.startswith("prototypes/")} == {f"prototypes/{t}" for t in built.zoo.rows}


def test_what_breaks_ties_is_the_size_of_the_backbones_own_channels(built: Built) -> None:
    stored, model = built.zoo.tie_break(), random_backbone().build(2)
    assert stored is not None and {g: len(v) for g, v in stored.items()} == built.zoo.groups
    norms = model.get_submodule("layer2.0.conv1").weight.detach().flatten(1).norm(dim=1)  # alone in its group
    np.testing.assert_allclose(stored["layer2.0.conv1"], (norms / norms.sum()).numpy(), rtol=1e-5)
    assert all(values.dtype == np.float32 for values in stored.values())


def test_a_zoo_knows_the_size_of_its_models_ahead(built: Built) -> None:
    model = built.zoo.model(built.plan.tasks[0].id, weights=False)
    assert built.zoo.layers is not None
    told = built.zoo.layers.size(model.selection.counts, len(model.classes))
    assert (told.params, told.macs) == (model.origin["achieved"]["params"], model.origin["achieved"]["macs"])


@pytest.fixture
def without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.zoo.archive.LAYOUTS", ("pca", "mds"))


@pytest.mark.usefixtures("without_umap")
def test_the_zoo_knows_its_models_and_the_pictures_they_were_made_with(built: Built) -> None:
    check(built.zoo)
    for task, entry in zip(built.plan.tasks, built.zoo.about["tasks"], strict=True):
        assert entry["hash"] == hashlib.sha256(model_file(built.folder, task).read_bytes()).hexdigest()
        assert built.zoo.pictures(task.id) == pictures_of(small_task(task.classes)[1])


@pytest.mark.usefixtures("without_umap")
def test_a_model_of_another_build_within_the_zoo_is_found_out(built: Built, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(built.folder, tmp_path / "tiny"))
    file, other = (model_file(folder, task) for task in built.plan.tasks[:2])
    model, content = load_pruned(file), file.read_bytes()
    save_pruned(replace(model, origin={**model.origin, "seed": 9}), file, half=True)
    with pytest.raises(BadFileError, match="not the one that the zoo tiny was made with"):
        check(open_zoo(folder))
    file.write_bytes(other.read_bytes())
    with pytest.raises(BadFileError, match="another task's"):
        check(open_zoo(folder))
    file.write_bytes(content)
    about = json.loads((folder / "zoo.json").read_text())
    for entry in about["tasks"]:
        del entry["hash"]
    (folder / "zoo.json").write_text(json.dumps(about))
    check(open_zoo(folder))  # as zoos were before


def test_a_zoo_on_a_backbone_file_finds_it_by_its_id(
    quick: None, backbone_file: str, home: Path, tmp_path: Path
) -> None:
    plan = replace(small_plan(backbone_file, method="magnitude", iterations=0), targets=())
    list(build_zoo(tmp_path / "zoo", plan))
    zoo = open_zoo(tmp_path / "zoo")
    assert zoo.backbone == "random" and load_backbone(zoo.backbone).hash == zoo.backbone_hash


def test_a_build_that_replaces_models_is_no_zoo_until_it_is_done(built: Built, home: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(built.folder, tmp_path / "tiny"))
    fewer = replace(built.plan, tasks=built.plan.tasks[:2])
    again = build_zoo(folder, replace(fewer, method="magnitude", iterations=0), replace_old=True)
    next(again)
    again.close()  # type: ignore[attr-defined]
    with pytest.raises(MetaVoteError):
        open_zoo(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "change", ["other settings", "fewer tasks", "other tasks", "no targets", "a task was added", "damaged"]
)
def test_a_zoo_that_is_here_is_not_built_over_by_another_plan(
    built: Built, home: Path, tmp_path: Path, change: str
) -> None:
    folder, plan = Path(shutil.copytree(built.folder, tmp_path / "tiny")), built.plan
    if change == "other settings":
        plan = replace(plan, iterations=7)
    elif change == "fewer tasks":
        plan = replace(plan, tasks=plan.tasks[:2])
    elif change == "other tasks":
        plan = replace(plan, tasks=(small_task(("music", "time"))[0],))
    elif change == "no targets":
        plan = replace(plan, targets=())
    elif change == "a task was added":  # by `zoo add`, or a merge
        added, _ = small_task(("music", "time"))
        about = json.loads((folder / "zoo.json").read_text())
        about["tasks"].append({**about["tasks"][0], "task": added.to_dict()})
        (folder / "zoo.json").write_text(json.dumps(about))
    else:
        (folder / "zoo.json").write_text("{")
    before = content(folder)
    with pytest.raises(
        BadValueError, match="A zoo tiny already exists, .* replace it \\(--replace on the command line\\)"
    ):
        build_zoo(folder, plan)
    assert content(folder) == before and not home.exists()


def test_a_shipped_zoo_is_built_again_by_its_own_plan_alone(home: Path) -> None:
    for setting in ("emoji", "emoji-disjoint"):
        plan = shipped_plan(setting)
        build_zoo(home / "zoos" / plan.id, plan)
        with pytest.raises(BadValueError, match="already exists"):
            build_zoo(home / "zoos" / plan.id, replace(plan, keep=0.5))
        build_zoo(home / "elsewhere" / plan.id, replace(plan, keep=0.5))
    assert not home.exists()


@pytest.mark.usefixtures("without_umap")
def test_a_build_that_only_adds_models_leaves_the_zoo_until_it_is_done(
    built: Built, home: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(built.folder, tmp_path / "tiny"))
    more = replace(built.plan, tasks=(*built.plan.tasks, small_task(("music", "time"))[0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "build_model", refuse)
        with pytest.raises(BadValueError, match="refused"):
            list(build_zoo(folder, more))
    check(open_zoo(folder))


def test_building_again_makes_nothing_anew_and_the_same_arrays(built: Built, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(built.folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "build_model", lambda *_: pytest.fail("built a model that was there"))
        again = list(build_zoo(folder, built.plan))
    assert [step.task for step in again] == [step.task for step in built.progress]
    assert (folder / "arrays.safetensors").read_bytes() == (built.folder / "arrays.safetensors").read_bytes()


def test_a_build_killed_after_a_model_goes_on_with_the_rest_to_the_same_zoo(
    built: Built, home: Path, tmp_path: Path
) -> None:
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


def test_half_built_models_are_not_built_over_by_another_plan(built: Built, home: Path, tmp_path: Path) -> None:
    folder, plan = Path(shutil.copytree(built.folder, tmp_path / "tiny")), built.plan
    (folder / "zoo.json").unlink()
    model_file(folder, plan.tasks[2]).unlink()
    before = content(folder)
    more = small_task(("music", "time"))[0]
    for other in (replace(plan, iterations=7), replace(plan, keep=0.5, tasks=(*plan.tasks, more))):
        with pytest.raises(
            BadValueError, match="A zoo tiny already exists, finished or half built, with other tasks, settings"
        ):
            build_zoo(folder, other)
        build_zoo(folder, other, replace_old=True)
    for same in (
        plan,
        replace(plan, tasks=(*plan.tasks, more)),
        replace(plan, tasks=(more,)),
        replace(plan, threads=2),
    ):
        build_zoo(folder, same)
    assert content(folder) == before


def test_a_folder_says_whose_it_is_while_it_is_built(built: Built, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    for owner in ("build-tiny-1", ""):
        steps = build_zoo(folder, built.plan, owner=owner)
        next(steps)
        assert (folder / OWNER).read_text() == owner
        steps.close()  # type: ignore[attr-defined]
    assert (folder / OWNER).exists()
    list(build_zoo(folder, built.plan))
    assert not (folder / OWNER).exists()


def test_a_model_made_otherwise_than_planned_is_made_again(built: Built) -> None:
    task = built.plan.tasks[0]
    assert finished(built.folder, built.plan, task)
    for change in ({"keep": 0.5}, {"iterations": 7}, {"method": "magnitude"}, {"seed": 5}):
        assert not finished(built.folder, replace(built.plan, **change), task), change  # type: ignore[arg-type]
    assert not finished(built.folder, built.plan, small_task(("music", "time"))[0])
    assert finished(built.folder, replace(built.plan, threads=2), task)  # how fast it was made does not matter


def made_by_an_earlier_engine(built: Built, folder: Path) -> Path:
    """A copy of the tiny zoo whose first model says it was made by the first engine."""
    folder = Path(shutil.copytree(built.folder, folder))
    file = model_file(folder, built.plan.tasks[0])
    model = load_pruned(file)
    save_pruned(replace(model, origin={**model.origin, "engine": 1}), file, half=True)
    return folder


def test_a_model_of_an_earlier_engine_is_made_again_and_never_without_being_asked(
    built: Built, home: Path, tmp_path: Path
) -> None:
    folder = made_by_an_earlier_engine(built, tmp_path / "tiny")
    assert [finished(folder, built.plan, task) for task in built.plan.tasks] == [False, True, True]
    with pytest.raises(BadValueError, match="engine version: .* replace it"):
        build_zoo(folder, built.plan)
    list(build_zoo(folder, built.plan, replace_old=True))
    assert open_zoo(folder).engine == ENGINE
    first = model_file(built.folder, built.plan.tasks[0])
    assert load_file(model_file(folder, built.plan.tasks[0])).keys() == load_file(first).keys()


def test_a_zoo_is_as_old_as_its_oldest_model(built: Built, tmp_path: Path) -> None:
    assert built.zoo.engine == ENGINE
    folder = made_by_an_earlier_engine(built, tmp_path / "tiny")
    describe.describe(folder, build.contents_of(folder, built.plan))
    assert open_zoo(folder).engine == 1
    about = {key: value for key, value in built.zoo.about.items() if key != "engine"}
    assert replace(built.zoo, about=about).engine == 1  # one that was built before versions were recorded


def test_a_model_of_an_earlier_backbone_under_the_same_name_is_made_again(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "same.safetensors"

    def write(seed: int) -> None:
        other = random_backbone(seed=seed)
        save_backbone(
            path, other.tensors, architecture="resnet18", source="random", mean=list(other.mean),
            std=list(other.std), size=32, about={},
        )  # fmt: skip

    write(0)
    folder, plan = tmp_path / "zoo", replace(small_plan(str(path), method="magnitude", iterations=1), targets=())
    plan = replace(plan, tasks=plan.tasks[:1])
    build.build_model(folder, plan, plan.tasks[0])
    assert finished(folder, plan, plan.tasks[0])
    write(1)
    assert not finished(folder, plan, plan.tasks[0])


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
    quick: None, backbone_file: str, tmp_path: Path
) -> None:
    plan = small_plan(backbone_file, method="magnitude", iterations=1)
    answers = iter([True, False])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "collapsed", lambda *_: next(answers))
        build.build_model(tmp_path, plan, plan.tasks[0])
    model = load_pruned(model_file(tmp_path, plan.tasks[0]))
    assert model.origin["attempts"] == 2 and model.origin["config"]["seed"] == 1000
    assert model.origin["cost"]["iterations"] == 2  # both attempts are paid for
    assert model.origin["cost"]["macs"] > 2 * 3 * 48 * model.origin["achieved"]["macs"]
    assert finished(tmp_path, plan, plan.tasks[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "collapsed", lambda *_: True)
        collapse = build.build_model(tmp_path, plan, plan.tasks[1])
    assert collapse is not None and collapse.task == plan.tasks[1].id and collapse.chance == 0.5
    assert 0 <= collapse.best <= 1 and not model_file(tmp_path, plan.tasks[1]).exists()


def test_tasks_whose_models_collapse_are_told_together_once_all_others_have_theirs(
    quick: None, backbone_file: str, home: Path, tmp_path: Path
) -> None:
    plan, folder = small_plan(backbone_file, method="magnitude", iterations=0), tmp_path / "tiny"
    failing = {plan.tasks[0].id: build.Collapse(plan.tasks[0].id, 0.61, 0.9, 0.5)}
    made = build.build_model

    def build_model(folder: Path, plan: Plan, task: Task) -> build.Collapse | None:
        return failing.get(task.id) or made(folder, plan, task)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "build_model", build_model)
        building = build_zoo(folder, plan)
        assert [(step.done, step.task) for step in (next(building), next(building))] == [
            (1, plan.tasks[1].id),
            (2, plan.tasks[2].id),
        ]
        with pytest.raises(CollapsedError) as refusal:
            next(building)
        assert not (folder / "zoo.json").exists() and refusal.value.tasks == (plan.tasks[0].id,)
        assert str(refusal.value) == (
            f"A task collapsed in pruning, with each of 3 seeds: {plan.tasks[0].id} gets 61 % of its validation "
            "images right at best (the unpruned network, untrained, 90 %, guessing 50 %); 2 other models are kept: go "
            "on without it (--without on the command line), or give all tasks more iterations or a higher keep ratio."
        )
        rest = replace(plan, tasks=left(plan.tasks, refusal.value.tasks))
        assert [step.seconds for step in build_zoo(folder, rest)] == [0.0, 0.0]
        assert open_zoo(folder).tasks == list(rest.tasks)
        for task in rest.tasks:
            failing[task.id] = build.Collapse(task.id, 0.61, 0.9, 0.5)
        with pytest.raises(CollapsedError, match=r"3 tasks collapsed .*%\): give all tasks more") as refusal:
            list(build_zoo(tmp_path / "none", plan))
        assert refusal.value.tasks == ()


@pytest.mark.parametrize("method", ["random", "taylor"])
def test_collapse_is_judged_by_the_dense_network_even_where_channels_go_before_training(
    quick: None, tmp_path: Path, method: str
) -> None:
    classes = ("arrow", "flag", "face-smiling", "plant", "clothing")
    task, data = small_task(classes)
    plan = Plan("tiny", (task,), (), DEFAULT, method, keep=0.02, iterations=0 if method == "random" else 3)
    accuracy, cost = build.dense_accuracy(plan.config(task), task, data, load_backbone(DEFAULT))
    assert accuracy > 0.5 and cost["macs"] > 0 and cost["iterations"] == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "collapsed", really_collapsed)
        assert build.build_model(tmp_path, plan, task) is not None


def test_costs_add_up_but_peak_memory_does_not() -> None:
    one = {"macs": 3, "seconds": 1.5, "peak_memory_bytes": 9, "assumptions": "some"}
    other = {"macs": 4, "seconds": 2.0, "peak_memory_bytes": 7, "assumptions": "some"}
    assert build.added(one, other) == {"macs": 7, "seconds": 3.5, "peak_memory_bytes": 9, "assumptions": "some"}


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
        plans.check(plan, 1)
        assert plan.tasks and plan.targets
    zoo_classes = {name for task in plan.tasks for name in task.classes}
    assert not zoo_classes & {name for task in plan.targets for name in task.classes}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_worker_processes_make_the_same_zoo_as_one(
    backbone_file: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spawned workers see all images and the real rule of collapse, so one task at a keep ratio that survives."""
    monkeypatch.setattr(describe, "LAYOUTS", ("pca",))
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


@pytest.mark.slow
def test_one_task_that_fails_stops_all_workers_at_once(backbone_file: str, home: Path, tmp_path: Path) -> None:
    gone = Task(f"folder:{tmp_path}/gone", f"folder:{tmp_path}/gone", ("a", "b"))
    endless = small_plan(backbone_file, iterations=100_000)
    plan = replace(endless, tasks=(endless.tasks[0], gone, *endless.tasks[1:]), targets=())
    start = time.monotonic()
    with pytest.raises(MissingDataError, match="gone"):
        list(build_zoo(tmp_path / "zoo", plan, workers=2))
    assert time.monotonic() - start < 120
    assert multiprocessing.active_children() == []
    assert not list((tmp_path / "zoo" / "models").iterdir())

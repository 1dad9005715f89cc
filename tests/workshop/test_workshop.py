"""Orders for zoos and backbones: what was asked for, how far it is, and what came of it."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import yaml

from core.backbones.backbone import load_backbone
from core.errors import BadValueError, CollapsedError, UnknownNameError
from core.runs import jobs
from core.runs.jobs import Progress, say
from core.workshop import work, worker
from core.workshop.state import (
    CANCELLED,
    DONE,
    FAILED,
    LOST,
    WORKING,
    Order,
    State,
    collapsed,
    folder_of,
    order_of,
    state_of,
    states,
)
from core.workshop.state import RECIPE as RECIPE_FILE
from core.zoo.archive import OWNER
from core.zoo.build import build_zoo
from core.zoo.exchange import give
from core.zoo.recipe import plan_of, read_recipe
from core.zoo.zoo import open_zoo
from tests.conftest import Sleepers
from tests.dashboard.paper_zoo import write_paper_zoo
from tests.engine import random_backbone

RECIPE = {"zoo": "mine", "keep": 0.3, "tasks": ["emoji:tool+plant", {"dataset": "emoji", "classes": ["heart", "flag"]}]}


@pytest.fixture(autouse=True)
def no_worker(home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)


def state(id: str) -> State:
    return state_of(order_of(id))


def test_an_order_is_worked_on_cancelled_taken_up_again_and_forgotten(home: Path) -> None:
    id = work.build(RECIPE)
    order = order_of(id)
    assert (order.kind, order.name, order.about["tasks"]) == ("build", "mine", 2) and state(id).status == WORKING
    say(order.folder, Progress(1, 2, 100.0, 106.0, doing="emoji:tool+plant"))
    assert state(id).progress.left == pytest.approx(6.0)
    assert [one.order.id for one in states()] == [id]
    with pytest.raises(BadValueError, match="in the making"):
        work.build(RECIPE)
    work.cancel(id)
    assert state(id).status == CANCELLED and jobs.worker_of(order.folder) is None
    work.go_on(id)
    assert state(id).status == WORKING
    assert (home / "zoos" / "mine").is_dir() and work.made_by(order) == 0
    (home / "zoos" / "mine" / "models").mkdir()
    (home / "zoos" / "mine" / "models" / "emoji:tool+plant.safetensors").touch()  # what is made so far
    assert work.made_by(order) == 1
    work.forget(id)
    assert states() == [] and not folder_of(id).exists() and not (home / "zoos" / "mine").exists()
    with pytest.raises(UnknownNameError):
        order_of(id)


def test_a_whole_zoo_outlives_its_order(home: Path) -> None:
    id = work.build(RECIPE)
    write_paper_zoo(home / "zoos" / "mine", zoo_tasks=2)
    work.forget(id)
    assert open_zoo("mine").id == "mine"


def half_built(home: Path, name: str = "mine") -> Path:
    """A folder that `zoo build` is at work in, on the command line."""
    model = home / "zoos" / name / "models" / "emoji-z00.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"hours of work")
    return model


def test_a_name_whose_folder_is_being_built_elsewhere_is_taken(home: Path) -> None:
    model = half_built(home)
    assert work.taken("mine")
    for order in (lambda: work.build(RECIPE), lambda: work.merge("mine", ["a", "b"])):
        with pytest.raises(BadValueError, match="A zoo mine is half built in .*: .* remove that folder"):
            order()
    assert states() == [] and model.read_bytes() == b"hours of work"


@pytest.mark.parametrize("built", ["on the command line", "by another order"])
def test_an_order_that_is_forgotten_takes_nothing_along_that_it_did_not_make(home: Path, built: str) -> None:
    id = work.build(RECIPE)
    shutil.rmtree(home / "zoos" / "mine")
    if built == "by another order":
        other = work.build({**RECIPE, "zoo": "other"})
        (home / "zoos" / "other").rename(home / "zoos" / "mine")
        assert work.made_by(order_of(other)) == 0
    model = home / "zoos" / "mine" / "models" / "emoji-z00.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"hours of work")
    assert work.made_by(order_of(id)) == 0
    work.cancel(id)
    with pytest.raises(BadValueError, match="is half built"):
        work.go_on(id)
    work.forget(id)
    assert model.read_bytes() == b"hours of work" and id not in [one.order.id for one in states()]


def older(home: Path, backbone: str, **recipe: object) -> str:
    """An order that was half built before folders said whose they are."""
    (home / "backbones").mkdir(parents=True)
    shutil.copy(backbone, home / "backbones" / "random.safetensors")
    quick = {"backbone": "random", "method": "magnitude", "iterations": 0, "keep": 0.5}
    id = work.build({**RECIPE, **quick, **recipe})
    work.cancel(id)
    plan, _ = plan_of(read_recipe(folder_of(id) / RECIPE_FILE))
    next(build_zoo(home / "zoos" / "mine", replace(plan, keep=0.5)))
    (home / "zoos" / "mine" / OWNER).unlink()
    return id


@pytest.mark.usefixtures("quick")
def test_an_older_order_takes_up_the_folder_that_it_half_built(home: Path, backbone_file: str) -> None:
    id = older(home, backbone_file)
    assert work.made_by(order_of(id)) == 1
    work.go_on(id)
    assert state(id).status == WORKING and (home / "zoos" / "mine" / OWNER).read_text() == id
    work.cancel(id)
    work.forget(id)
    assert not (home / "zoos" / "mine").exists() and not work.taken("mine")


@pytest.mark.usefixtures("quick")
def test_an_older_folder_of_other_models_is_no_orders(home: Path, backbone_file: str) -> None:
    id = older(home, backbone_file, keep=0.4)
    assert work.made_by(order_of(id)) == 0
    with pytest.raises(BadValueError, match="half built in .*zoos/mine: let its build go on, or remove that folder"):
        work.go_on(id)
    work.forget(id)
    assert len(list((home / "zoos" / "mine" / "models").iterdir())) == 1


@pytest.mark.parametrize("fails", ["the folder", "the process"])
def test_an_order_that_cannot_be_begun_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def stumble(_: Order) -> None:
        raise BadValueError("It cannot be begun.")

    monkeypatch.setattr(work, "_claim" if fails == "the folder" else "_spawn", stumble)
    with pytest.raises(BadValueError, match="cannot be begun"):
        work.build(RECIPE)
    assert states() == [] and list((home / "workshop").glob("*")) == [] and not work.taken("mine")


def test_what_failed_says_how_much_was_done(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(words: str, error: type[Exception]) -> Callable[[Order], Mapping[str, Any]]:
        def build(order: Order) -> Mapping[str, Any]:
            worker._Told(order, 2)(1, "emoji:tool+plant")
            raise error(words)

        return build

    id = work.build(RECIPE)
    jobs.stop(folder_of(id))
    for error, words in ((BadValueError, "The disk is full."), (RuntimeError, "It stopped (RuntimeError)")):
        monkeypatch.setitem(worker.KINDS, "build", stumble("The disk is full.", error))
        assert worker.main([id]) == 1
        progress = state(id).progress
        assert state(id).status == FAILED and words in progress.error and (progress.done, progress.total) == (1, 2)


def test_a_build_goes_on_without_the_tasks_whose_models_collapsed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(order: Order) -> Mapping[str, Any]:
        raise CollapsedError("A task collapsed.", ["emoji:heart+flag"])

    id = work.build(RECIPE)
    jobs.stop(folder_of(id))
    assert collapsed(order_of(id)) == ()
    monkeypatch.setitem(worker.KINDS, "build", build)
    assert worker.main([id]) == 1
    assert state(id).status == FAILED and collapsed(order_of(id)) == ("emoji:heart+flag",)
    work.go_on_without(id)
    assert state(id).status == WORKING and collapsed(order_of(id)) == ()
    plan, _ = plan_of(read_recipe(folder_of(id) / RECIPE_FILE))
    assert [task.id for task in plan.tasks] == ["emoji:tool+plant"]


def test_an_order_whose_process_is_gone_is_lost_until_it_goes_on(home: Path) -> None:
    id = work.build(RECIPE)
    found = jobs.worker_of(folder_of(id))
    assert found is not None
    psutil.Process(found.pid).kill()
    end = time.monotonic() + 20
    while jobs.worker_of(folder_of(id)) is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert state(id).status == LOST
    work.go_on(id)
    assert state(id).status == WORKING


@pytest.mark.parametrize(
    "change, words",
    [
        ({"zoo": "../x"}, "A zoo's name"),
        ({"zoo": "emoji-resnet18-simclr"}, "is here already"),
        ({"tasks": ["emoji:tool+plont"]}, "no emoji class 'plont'"),
        ({"tasks": ["emoji:tool+plant"], "targets": ["emoji:plant+tool"]}, "stands on line 4 already"),
        ({"keep": 0}, "Keep ratio"),
        ({"draw": {"dataset": "fashion-mnist", "tasks": 499, "classes": 3}}, "only 120 more"),
    ],
)
def test_what_cannot_be_built_is_refused_at_once_and_leaves_nothing(
    home: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadValueError, match=words):
        work.build({**RECIPE, **change})
    assert states() == [] and list((home / "workshop").glob("*")) == [] and not (home / "zoos").exists()


def test_names_that_are_taken_or_no_names_are_refused(home: Path) -> None:
    with pytest.raises(BadValueError, match="two zoos or more"):
        work.merge("new", ["a"])
    with pytest.raises(BadValueError, match="is here already"):
        work.merge("emoji-resnet18-simclr", ["a", "b"])
    with pytest.raises(BadValueError, match="letters, digits"):
        work.add_backbone(b"", "a.pth", "no name", {})
    with pytest.raises(UnknownNameError):
        folder_of("../elsewhere")


def test_a_file_that_is_no_zoo_fails_with_a_sentence(home: Path) -> None:
    id = work.import_zoo(b"no zip", "mine.zip")
    work.cancel(id)
    assert worker.main([id]) == 1
    (folder_of(id) / "cancelled").unlink()
    assert state(id).status == FAILED and "is not a whole zoo file" in state(id).progress.error


def test_the_pace_of_a_build_is_that_of_this_sitting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.0, 101.0, 111.0])
    order = order_of(work.build(RECIPE))
    monkeypatch.setattr(worker.time, "time", lambda: next(clock))
    told = worker._Told(order, 10)
    told(4, "made earlier", made_now=False)
    told(5, "made now")
    progress = jobs.progress_of(order.folder)
    assert (progress.done, progress.total, progress.left) == (5, 10, pytest.approx(50.0))


@pytest.mark.usefixtures("quick")
def test_a_zoo_is_built_passed_on_and_merged_by_the_process(
    home: Path, backbone_file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("core.zoo.archive.LAYOUTS", ("pca", "mds"))
    (home / "backbones").mkdir(parents=True)
    shutil.copy(backbone_file, home / "backbones" / "random.safetensors")
    quick = {"backbone": "random", "method": "magnitude", "iterations": 0, "keep": 0.5}
    id = work.build({**RECIPE, **quick, "targets": ["emoji:tool+heart"]})
    jobs.stop(folder_of(id))
    assert worker.main([id]) == 0
    assert (state(id).status, state(id).result) == (DONE, {"zoo": "mine"})
    assert yaml.safe_load((folder_of(id) / "recipe.yaml").read_text())["backbone"] == "random"
    zoo = open_zoo("mine")
    assert work.made_by(order_of(id)) == 0  # it is the user's now
    assert len(zoo.tasks) == 2 and state(id).progress.doing == worker.DESCRIBING
    give(zoo, tmp_path / "mine.zip", with_backbone=True)
    again = work.import_zoo((tmp_path / "mine.zip").read_bytes(), "mine.zip", replace=True)
    jobs.stop(folder_of(again))
    assert worker.main([again]) == 0 and state(again).result == {"zoo": "mine"}
    shutil.copytree(zoo.path, home / "zoos" / "other")
    about = json.loads((home / "zoos" / "other" / "zoo.json").read_text())
    (home / "zoos" / "other" / "zoo.json").write_text(json.dumps(about | {"id": "other"}))
    both = work.merge("both", ["mine", "other"])
    jobs.stop(folder_of(both))
    assert worker.main([both]) == 0
    assert state(both).result == {"zoo": "both", "left_out": 2, "renamed": 0} and len(open_zoo("both").tasks) == 2


def test_a_checkpoint_becomes_a_backbone_by_the_process(home: Path, tmp_path: Path, backbone_file: str) -> None:
    network = random_backbone().build(2)
    torch.save({"state_dict": {f"module.{n}": t for n, t in network.state_dict().items()}}, tmp_path / "mine.pth")
    content = (tmp_path / "mine.pth").read_bytes()
    about = {"architecture": "resnet18", "size": 32, "source": "random"}
    id = work.add_backbone(content, "mine.pth", "mine", about)
    jobs.stop(folder_of(id))
    assert worker.main([id]) == 0
    assert state(id).result["backbone"] == "mine" and "of the parameters filled" in state(id).result["said"]
    found = load_backbone("mine")
    assert (found.architecture, found.size, found.source) == ("resnet18", 32, "random")
    wrong = work.add_backbone(content, "mine.pth", "other", about | {"architecture": "resnet50"})
    jobs.stop(folder_of(wrong))
    assert worker.main([wrong]) == 1 and "does not fit resnet50" in state(wrong).progress.error
    for name in ("ours", "upload"):  # the latter is what an uploaded file is called while it waits
        ours = work.add_backbone(Path(backbone_file).read_bytes(), f"{name}.safetensors", name, about)
        jobs.stop(folder_of(ours))
        assert worker.main([ours]) == 0 and load_backbone(name).hash == load_backbone(Path(backbone_file)).hash
    other = work.add_backbone(Path(backbone_file).read_bytes(), "a.safetensors", "a", about | {"source": "supervised"})
    jobs.stop(folder_of(other))
    assert worker.main([other]) == 1 and "records random weights, not supervised" in state(other).progress.error

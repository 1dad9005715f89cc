"""The Python interface, as the docstring of `core` shows it, on the embedded zoo."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import core
from core.backbones.backbone import find_backbone
from core.channels.files import load_pruned
from core.channels.rebuild import rebuild
from core.errors import BadValueError, MetaVoteError, MismatchError, UnknownNameError
from core.pruning.config import RunConfig
from core.session import Run
from core.tasks.images import TEST
from core.tasks.task import Task

CLASSES = ["animal-mammal", "animal-bird", "food-fruit", "tool", "face-hand"]
HAND = ["animal-mammal", "animal-bird", "food-fruit", "tool", "hand"]


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_core_loads_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, core; print([m for m in ('torch', 'torchvision', 'numpy', 'umap', 'sklearn') if m in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"


def test_tasks_and_zoos_are_read_without_torch() -> None:
    code = (
        "import sys, core; core.task('emoji-t03'); core.tasks(); core.tasks('zoo')\n"
        "from core.zoo.zoo import open_zoo; z = open_zoo(); z.neighbours(z.targets[0]); z.importance(z.tasks[0].id)\n"
        "print('torch' in sys.modules)"
    )
    assert in_a_fresh_process(code) == "False"


def test_names_stay_callable_although_packages_are_called_the_same() -> None:
    code = (
        "import core, core.zoo, core.tasks.catalogue\n"
        "for _ in range(2): assert core.zoo().tasks and core.tasks('targets') and core.task('emoji-t03')\n"
        "import core.zoo.build as build; from core.tasks import catalogue\n"
        "print(build.ATTEMPTS > 0, catalogue.SETTING, sorted(core.__all__) == sorted(core._WHERE))"
    )
    assert in_a_fresh_process(code) == "True emoji True"


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="core has no 'prun': it has .*prune"):
        core.prun  # noqa: B018


def test_the_calls_of_the_docstring_work_from_end_to_end(home: Path) -> None:
    assert "core.prune(task" in (core.__doc__ or "")
    task = core.task("emoji", classes=CLASSES)
    assert set(HAND) <= {*task.classes, "hand"}
    near = core.zoo().neighbours(task, k=5)
    assert len(near) == 5
    assert [each.similarity for each in near] == sorted((each.similarity for each in near), reverse=True)
    votes = core.vote(near)
    assert set(votes.groups) == set(core.zoo().groups)
    assert all(votes.table(group).sum() > 0 for group in votes.groups)

    run = core.prune(task, method="mvp", keep=0.2, iterations=4, seed=0, threads=1)
    kinds = [event.kind for event in run]
    assert kinds[0] == "phase" and kinds[-1] == "finished" and kinds.count("step") == 4
    assert isinstance(run.model, nn.Module) and not run.model.training
    assert 0 <= run.result.test_accuracy <= 1 and len(run.curve) == kinds.count("evaluation")
    with torch.no_grad():
        assert run.model(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert run.pruned.classes == task.classes
    assert list(run) == []  # a run happens once


def test_a_run_stopped_half_way_goes_on_when_asked_for_its_model() -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=3, threads=1)
    for event in run:
        if event.kind == "step":
            break
    assert run.model is run.model
    assert [event.iteration for event in run.events if event.kind == "step"] == [1, 2, 3]


@pytest.mark.parametrize("asked", ["result", "curve", "pruned", "model"])
def test_whatever_a_run_is_asked_for_first_it_is_finished_before_it_answers(asked: str) -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=2, threads=1)
    assert not run.finished and run.events == []
    assert getattr(run, asked)
    assert run.finished and run.curve[-1].iteration == 2


def test_inside_a_loop_the_curve_is_the_one_so_far_and_no_event_is_lost() -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=6, threads=1)
    lengths, seen = [], []
    for event in run:
        lengths.append(len(run.curve))
        seen.append(event)
    assert seen == run.events and run.finished
    assert lengths == sorted(lengths) and lengths[0] < lengths[-1] == len(run.curve)


def test_the_curve_of_a_run_whose_loop_was_left_is_the_whole_one() -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=3, threads=1)
    for _ in run:
        break
    assert run.curve[-1].iteration == 3


def test_a_slim_network_is_written_to_a_file_and_what_cannot_be_is_refused(tmp_path: Path) -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=1, threads=1)
    check = run.export("safetensors", tmp_path / "slim.safetensors")
    assert check is not None and check.difference <= check.tolerance
    images = torch.randn(3, 3, 32, 32)
    assert torch.equal(rebuild(load_pruned(tmp_path / "slim.safetensors"))(images), run.model(images))
    with pytest.raises(UnknownNameError, match="export format"):
        run.export("jpeg", tmp_path / "slim.jpeg")
    with pytest.raises(BadValueError, match="There is no folder"):
        run.export("onnx", tmp_path / "nowhere" / "slim.onnx")


def test_a_zoo_that_cannot_be_is_refused_before_anything_is_built(home: Path) -> None:
    with pytest.raises(BadValueError, match="at least one task"):
        core.build_zoo("empty", [])
    with pytest.raises(BadValueError, match="letters, digits"):
        core.build_zoo("a zoo", [core.task("emoji-t03")])
    core.build_zoo("later", [core.task("emoji-t03")])  # works only when asked
    assert not (home / "zoos").exists()


def test_nothing_runs_before_it_is_asked_for_and_what_cannot_be_done_is_refused_at_once() -> None:
    assert core.prune("emoji-t03", iterations=100_000).events == []
    with pytest.raises(UnknownNameError, match="did you mean"):
        core.prune("emoji-t3")
    with pytest.raises(BadValueError, match="Keep ratio"):
        core.prune("emoji-t03", keep=0)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"k": 500}, "K is 500"),
        ({"method": "taylor", "iterations": 2}, "at least 3 iterations"),
        ({"chosen": ("emoji-t00",)}, "no zoo task that may vote 'emoji-t00'"),
        ({"method": "same-mask", "mask_of": "nothing"}, "no run 'nothing'"),
        ({"backbone": "nope", "method": "random"}, "no backbone 'nope'"),
        ({"zoo": "nope"}, "no zoo 'nope'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(home: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(MetaVoteError, match=words):
        core.prune("emoji-t03", **settings)


def test_a_task_made_by_hand_is_refused_where_its_id_names_another() -> None:
    known = core.task("emoji-t03")
    assert core.prune(known, iterations=1).config.task == "emoji-t03"
    with pytest.raises(MismatchError, match="names another task"):
        core.prune(Task("emoji-t03", "emoji", known.classes[::-1]))
    with pytest.raises(UnknownNameError):
        core.prune(Task("mine", "emoji", known.classes))


def test_a_zoos_own_backbone_is_pruned_unless_another_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zoo on a copy of the embedded backbone under a name of the user's own, given by relative paths."""
    (home / "backbones").mkdir(parents=True)
    copy = shutil.copy(find_backbone(), home / "backbones" / "mine.safetensors")
    shutil.copytree(core.zoo().path, home / "zoos" / "ours")
    about = json.loads((home / "zoos" / "ours" / "zoo.json").read_text())
    (home / "zoos" / "ours" / "zoo.json").write_text(json.dumps({**about, "id": "ours", "backbone": "mine"}))
    assert core.prune("emoji-t03", zoo="ours").config.backbone == "mine"
    monkeypatch.chdir(home)
    given = core.prune("emoji-t03", zoo="zoos/ours", backbone="backbones/mine.safetensors").config
    assert (given.zoo, given.backbone) == (str(home / "zoos" / "ours"), str(copy))


def test_a_run_is_pickled_without_its_model_and_starts_over_where_it_had_not_finished(home: Path) -> None:
    run = core.prune("emoji-t03", method="magnitude", iterations=1, threads=1)
    fresh = pickle.loads(pickle.dumps(run))
    assert fresh.config == run.config and fresh.events == [] and not fresh.finished
    next(iter(run))
    again = pickle.loads(pickle.dumps(run))
    assert len(again.events) == 1 and not again.finished
    whole = list(again)
    assert [event.kind for event in again.events] == [event.kind for event in whole]
    done = pickle.loads(pickle.dumps(again))
    assert len(pickle.dumps(again)) < 20_000 and done.finished and list(done) == []
    assert done.result == again.result and done.curve == again.curve
    with pytest.raises(MetaVoteError, match="prune again"):
        done.model  # noqa: B018
    document = json.loads(json.dumps(again.to_dict()))
    assert document["finished"] and len(document["events"]) == len(whole)
    assert RunConfig.from_dict(document["config"]) == again.config


def test_a_run_that_failed_says_so_again_when_asked_for_its_model(home: Path) -> None:
    run = Run(RunConfig("emoji-t03", k=500, threads=1))
    for _ in range(2):
        with pytest.raises(MetaVoteError, match="K is 500"):
            run.model  # noqa: B018


def test_neighbours_votes_and_tasks_print_pickle_and_have_a_plain_form() -> None:
    zoo = core.zoo()
    near = zoo.neighbours(zoo.targets[0], k=2)
    assert "similarity" in repr(near[0]) and zoo.id in repr(zoo)
    assert pickle.loads(pickle.dumps(zoo.targets[0])) == zoo.targets[0]
    assert pickle.loads(pickle.dumps(near[0])).task == near[0].task
    assert [(task, similarity) for task, similarity in near] == [(one.task, one.similarity) for one in near]
    assert json.loads(json.dumps(zoo.to_dict()))["backbone"] == core.backbone().to_dict()["id"] == zoo.backbone
    assert json.loads(json.dumps(near[0].to_dict()))["task"] == near[0].task.id


def test_a_stored_target_is_ranked_without_a_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.zoo.similarity.views", lambda *_: pytest.fail("computed what is stored"))
    zoo = core.zoo()
    assert len(zoo.neighbours(zoo.targets[0], k=3)) == 3


def test_the_embedded_backbone_is_the_one_the_embedded_zoo_was_made_on() -> None:
    backbone, zoo = core.backbone(), core.zoo()
    assert (backbone.id, backbone.hash) == (zoo.backbone, zoo.backbone_hash)
    assert TEST not in repr(backbone)

"""The Python interface, as the docstring of `core` shows it, on the embedded zoo."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import core
from core.errors import BadValueError, MetaVoteError, UnknownNameError
from core.tasks.images import TEST

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


def test_nothing_runs_before_it_is_asked_for_and_what_cannot_be_done_is_refused_at_once() -> None:
    assert core.prune("emoji-t03", iterations=100_000).events == []
    with pytest.raises(UnknownNameError, match="did you mean"):
        core.prune("emoji-t3")
    with pytest.raises(BadValueError, match="Keep ratio"):
        core.prune("emoji-t03", keep=0)


def test_a_run_that_failed_says_so_again_when_asked_for_its_model(home: Path) -> None:
    run = core.prune("emoji-t03", k=500, threads=1)
    for _ in range(2):
        with pytest.raises(MetaVoteError, match="K is 500"):
            run.model  # noqa: B018


def test_neighbours_votes_and_tasks_print_pickle_and_have_a_plain_form() -> None:
    zoo = core.zoo()
    near = zoo.neighbours(zoo.targets[0], k=2)
    assert "similarity" in repr(near[0]) and zoo.id in repr(zoo)
    assert pickle.loads(pickle.dumps(zoo.targets[0])) == zoo.targets[0]
    assert pickle.loads(pickle.dumps(near[0])).task == near[0].task
    assert json.loads(json.dumps(near[0].to_dict()))["task"] == near[0].task.id


def test_a_stored_target_is_ranked_without_a_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.zoo.similarity.views", lambda *_: pytest.fail("computed what is stored"))
    zoo = core.zoo()
    assert len(zoo.neighbours(zoo.targets[0], k=3)) == 3


def test_the_embedded_backbone_is_the_one_the_embedded_zoo_was_made_on() -> None:
    backbone, zoo = core.backbone(), core.zoo()
    assert (backbone.id, backbone.hash) == (zoo.backbone, zoo.backbone_hash)
    assert TEST not in repr(backbone)

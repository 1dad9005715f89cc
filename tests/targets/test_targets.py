"""New targets: composed, ranked by a process, cancelled, lost, outdated, removed. The zoo is on paper, no torch."""

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.errors import BadValueError
from core.pruning.config import SIMILARITIES
from core.runs import jobs
from core.runs.jobs import Progress, say, worker_of
from core.runs.processes import alive, worker_with
from core.targets import work
from core.targets.ranking import Ranking, keep_ranking, ranking_file, ranking_of
from core.targets.state import FAILED, LOST, OUTDATED, READY, WORKING, job_folder, log_tail, targets_in
from core.tasks.catalogue import named_task
from core.tasks.own import folder_of, keep_task, own_task
from core.tasks.upload import take_in, uploaded
from core.zoo.zoo import Zoo, open_zoo
from tests.conftest import Sleepers
from tests.dashboard.paper_zoo import write_paper_zoo
from tests.tasks.test_upload import folders, zipped

CLASSES = ("tool", "heart")


@pytest.fixture
def zoo(home: Path, tmp_path: Path) -> Zoo:
    return open_zoo(write_paper_zoo(tmp_path / "paper"))


@pytest.fixture(autouse=True)
def no_worker(home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)


@pytest.fixture
def other(tmp_path: Path) -> Zoo:
    """A second zoo."""
    zoo = open_zoo(write_paper_zoo(tmp_path / "other", zoo_tasks=10))
    return replace(zoo, about={**zoo.about, "hash": "e" * 64})


def status(zoo: Zoo, id: str) -> str:
    return next(target.status for target in targets_in(zoo) if target.task.id == id)


def ranking(zoo: Zoo) -> Ranking:
    rng = np.random.default_rng(0)
    return Ranking({kind: rng.normal(size=len(zoo.tasks)) for kind in SIMILARITIES}, rng.normal(size=6))


def test_a_new_target_is_worked_on_by_a_process_and_then_ready(zoo: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    assert status(zoo, task.id) == WORKING and own_task(task.id) == task
    first = worker_of(job_folder(task.id, zoo.path))
    assert work.compose("tools", "emoji", CLASSES, zoo) == task and worker_of(job_folder(task.id, zoo.path)) == first
    say(job_folder(task.id, zoo.path), Progress(3, 14, 100.0, 106.0))
    (target,) = targets_in(zoo)
    assert target.progress.left == pytest.approx(22.0)
    keep_ranking(task.id, zoo, ranking(zoo))
    assert status(zoo, task.id) == READY


def test_what_was_kept_of_a_ranking_is_what_was_found(zoo: Zoo) -> None:
    task, found = work.compose("tools", "emoji", CLASSES, zoo), ranking(zoo)
    keep_ranking(task.id, zoo, found)
    kept = ranking_of(task.id, zoo)
    assert kept is not None and np.array_equal(kept.embedding, found.embedding)
    assert all(np.array_equal(kept.similarities[kind], found.similarities[kind]) for kind in SIMILARITIES)


@pytest.mark.parametrize("damage", ["", "{}", "cut", "nan", "other tasks"])
def test_a_damaged_ranking_is_none(zoo: Zoo, damage: str) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    keep_ranking(task.id, zoo, ranking(zoo))
    file = ranking_file(task.id, zoo)
    document = json.loads(file.read_text())
    if damage == "cut":
        document["similarities"]["leep"].pop()
    elif damage == "nan":
        document["similarities"]["leep"][0] = float("nan")
    elif damage == "other tasks":
        document["tasks"][0] = "else"
    file.write_text(damage if damage in ("", "{}") else json.dumps(document))
    assert ranking_of(task.id, zoo) is None


def test_a_cancelled_target_leaves_no_process_and_no_file(zoo: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    worker = worker_of(job_folder(task.id, zoo.path))
    assert worker is not None
    work.cancel(task.id, zoo)
    assert targets_in(zoo) == [] and not folder_of(task.id).exists()
    assert alive(worker.machine, worker.pid, worker.process_started) is False


def test_cancelling_in_one_zoo_leaves_what_another_has_ranked(zoo: Zoo, other: Zoo) -> None:
    dataset = take_in(zipped(folders("cat", "dog")), "pets.zip")
    task = work.compose("pets", dataset, ("cat", "dog"), zoo)
    keep_ranking(task.id, zoo, ranking(zoo))
    work.rank(task.id, other)
    worker = worker_of(job_folder(task.id, other.path))
    assert worker is not None and status(other, task.id) == WORKING
    work.cancel(task.id, other)
    assert alive(worker.machine, worker.pid, worker.process_started) is False
    assert (status(zoo, task.id), status(other, task.id)) == (READY, OUTDATED)
    assert own_task(task.id) == task and uploaded() == [dataset] and ranking_of(task.id, zoo) is not None


def test_two_zoos_rank_one_target_side_by_side(zoo: Zoo, other: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    work.rank(task.id, other)
    first, second = (worker_of(job_folder(task.id, one.path)) for one in (zoo, other))
    assert first is not None and second is not None and first != second
    say(job_folder(task.id, zoo.path), Progress(3, 14, 100.0, 106.0))
    say(job_folder(task.id, other.path), Progress(error="The disk is full: free some space."))
    (job_folder(task.id, other.path) / jobs.LOG).write_text("of the other")
    assert [targets_in(one)[0].progress.done for one in (zoo, other)] == [3, 0]
    assert (log_tail(task.id, zoo), log_tail(task.id, other)) == ("", "of the other")
    work.cancel(task.id, other)
    assert worker_of(job_folder(task.id, zoo.path)) == first and worker_of(job_folder(task.id, other.path)) is None
    assert (status(zoo, task.id), status(other, task.id)) == (WORKING, OUTDATED)
    work.cancel(task.id, zoo)
    assert own_task(task.id) is None and not folder_of(task.id).exists()


def test_a_removed_target_leaves_no_process_in_any_zoo(zoo: Zoo, other: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    work.rank(task.id, other)
    found = [worker_of(job_folder(task.id, one.path)) for one in (zoo, other)]
    work.remove(task.id)
    assert all(one is not None and not alive(one.machine, one.pid, one.process_started) for one in found)
    assert not folder_of(task.id).exists()


def test_a_target_that_an_older_version_made_is_read_cancelled_and_removed(
    zoo: Zoo, other: Zoo, sleepers: Sleepers
) -> None:
    task = named_task("tools", "emoji", CLASSES)
    keep_task(task)
    keep_ranking(task.id, zoo, ranking(zoo))
    process = sleepers()  # its job was in the target's own folder
    (folder_of(task.id) / jobs.WORKER).write_text(json.dumps(vars(worker_with(process.pid))))
    say(folder_of(task.id), Progress(14, 14, 100.0, 106.0))
    assert (status(zoo, task.id), status(other, task.id)) == (READY, OUTDATED)
    work.rank(task.id, other)
    work.cancel(task.id, other)
    assert (status(zoo, task.id), status(other, task.id)) == (READY, OUTDATED)
    worker = worker_with(process.pid)
    work.remove(task.id)
    assert alive(worker.machine, worker.pid, worker.process_started) is False and targets_in(zoo) == []


def test_a_target_whose_process_is_gone_is_lost_and_can_be_ranked_again(zoo: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    worker = worker_of(job_folder(task.id, zoo.path))
    assert worker is not None
    psutil.Process(worker.pid).kill()
    end = time.monotonic() + 20
    while worker_of(job_folder(task.id, zoo.path)) is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert status(zoo, task.id) == LOST
    work.rank(task.id, zoo)
    assert status(zoo, task.id) == WORKING


def test_what_a_worker_stumbled_on_is_said(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", lambda id, zoo: subprocess.Popen(["true"]))
    task = work.compose("tools", "emoji", CLASSES, zoo)
    jobs.children[-1].wait()
    say(job_folder(task.id, zoo.path), Progress(error="The disk is full: free some space."))
    (target,) = targets_in(zoo)
    assert target.status == FAILED and "disk is full" in target.progress.error


def test_a_zoo_that_was_built_again_outdates_a_target(zoo: Zoo) -> None:
    task = work.compose("tools", "emoji", CLASSES, zoo)
    keep_ranking(task.id, zoo, ranking(zoo))
    jobs.stop(job_folder(task.id, zoo.path))
    again = replace(zoo, about={**zoo.about, "hash": "f" * 64})
    assert status(again, task.id) == OUTDATED and status(zoo, task.id) == READY


def test_images_that_were_uploaded_go_with_the_last_target_of_them(zoo: Zoo) -> None:
    dataset = take_in(zipped(folders("cat", "dog", "emu")), "pets.zip")
    first = work.compose("pets", dataset, ("cat", "dog"), zoo)
    second = work.compose("pets", dataset, ("cat", "emu"), zoo)
    assert not work.removes_images(first)
    work.remove(first.id)
    assert uploaded() == [dataset] and work.removes_images(second)
    work.remove(second.id)
    assert uploaded() == [] and targets_in(zoo) == []


def test_nothing_but_own_targets_can_be_removed(zoo: Zoo, home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "keep.txt").write_text("x")
    for id in ("..", "", "emoji-t00", "../zoos"):
        work.remove(id)
    assert (home / "keep.txt").exists()


@pytest.mark.parametrize("number, sentence", [(0, "No class is chosen"), (1, "One class alone"), (21, "21 classes")])
def test_too_few_or_too_many_classes_are_refused(zoo: Zoo, number: int, sentence: str) -> None:
    from core.tasks.datasets import class_names

    with pytest.raises(BadValueError, match=sentence):
        work.compose("x", "emoji", class_names("emoji")[:number], zoo)
    assert targets_in(zoo) == []

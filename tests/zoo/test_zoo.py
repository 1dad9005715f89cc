"""Reading a zoo: neighbours, selections, maps; and every way its files can be damaged."""

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from core.cli.zoos import described
from core.errors import BadFileError, BadValueError, MetaVoteError, MismatchError, UnknownNameError
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import Zoo, ballots, open_zoo, zoo_ids
from tests.engine import small_task
from tests.zoo.conftest import TARGET, Built


@pytest.fixture
def zoo(built: Built) -> Zoo:
    return built.zoo


@pytest.fixture
def copied(built: Built, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built.folder, tmp_path / "tiny"))


@pytest.mark.parametrize("similarity", ["leep", "logme", "prototypes"])
def test_neighbours_are_the_most_similar_tasks_best_first_without_the_task_itself(zoo: Zoo, similarity: str) -> None:
    rows, matrix = zoo.similarity(similarity)
    for task in [*zoo.tasks, *zoo.targets]:
        most = len(zoo.tasks) - (task in zoo.tasks)
        found = zoo.neighbours(task, most, similarity)
        values = dict(zip([t.id for t in zoo.tasks], matrix[rows.index(task.id)].tolist(), strict=True))
        values.pop(task.id, None)
        assert [each.task.id for each in found] == sorted(values, key=lambda name: -values[name])
        assert [each.similarity for each in found] == sorted(values.values(), reverse=True)
        assert [each.task for each in zoo.neighbours(task, 1, similarity)] == [found[0].task]


def test_neighbours_read_as_pairs_of_task_and_similarity(zoo: Zoo) -> None:
    near = zoo.neighbours(zoo.targets[0], 2)
    assert [(task, similarity) for task, similarity in near] == [(each.task, each.similarity) for each in near]


def test_who_may_vote_for_a_task_is_whoever_can_be_ranked_for_it(zoo: Zoo) -> None:
    equal = task_of("emoji", list(reversed(zoo.tasks[0].classes)))
    for task in (*zoo.tasks, *zoo.targets, equal):
        ranked = zoo.rank(task, [0.0] * len(zoo.tasks), None)
        assert sorted(other.id for other in zoo.voters(task)) == sorted(each.task.id for each in ranked)
    assert [len(zoo.voters(task)) for task in (zoo.tasks[0], equal, zoo.targets[0])] == [2, 2, 3]


def test_what_it_holds_has_a_plain_form(zoo: Zoo) -> None:
    document = json.loads(json.dumps(zoo.to_dict()))
    assert document["id"] == zoo.id and [one["id"] for one in document["tasks"]] == [task.id for task in zoo.tasks]


def test_similarities_of_another_task_under_a_stored_id_are_not_held(zoo: Zoo) -> None:
    target = zoo.targets[0]
    assert zoo.holds(target)
    other = type(target)(target.id, target.dataset, target.classes[::-1])
    assert not zoo.holds(other)
    with pytest.raises(MismatchError):
        zoo.neighbours(other)


def test_a_task_with_the_same_classes_in_another_order_is_no_neighbour(zoo: Zoo) -> None:
    equal = task_of("emoji", list(reversed(zoo.tasks[0].classes)))
    assert equal.id != zoo.tasks[0].id
    found = zoo.rank(equal, [0.0, -1.0, -2.0], None)
    assert [each.task for each in found] == zoo.tasks[1:]


def test_equally_similar_tasks_come_by_id(zoo: Zoo) -> None:
    target = zoo.targets[0]
    found = [each.task.id for each in zoo.rank(target, [0.0, 0.0, 0.0], None)]
    assert found == sorted(found)


def test_more_neighbours_than_there_are_is_refused(zoo: Zoo) -> None:
    with pytest.raises(BadValueError, match="K is 4, but the zoo has 3 tasks"):
        zoo.neighbours(zoo.targets[0], k=4)
    with pytest.raises(BadValueError, match="has 2 tasks to choose from"):
        zoo.neighbours(zoo.tasks[0], k=3)
    with pytest.raises(BadValueError, match="at least 1"):
        zoo.neighbours(zoo.targets[0], k=0)


def test_unknown_names_are_told(zoo: Zoo) -> None:
    for ask in (
        lambda: zoo.similarity("lep"),
        lambda: zoo.coordinates("umpa"),
        lambda: zoo.model("emoji:tool"),
        lambda: zoo.accuracy("nothing"),
        lambda: open_zoo("tiny-zoo"),
    ):
        with pytest.raises(UnknownNameError):
            ask()
    with pytest.raises(MismatchError, match="computed first"):
        zoo.neighbours(small_task(("music", "time"))[0])


def test_selections_along_the_way_are_wider_and_hold_the_final_one(zoo: Zoo) -> None:
    final = zoo.selection(zoo.tasks[0].id)
    assert final == zoo.selection(zoo.tasks[0].id, 0.3)
    wide = zoo.selection(zoo.tasks[0].id, 0.6)
    assert wide.keep_ratio() > final.keep_ratio()
    assert all(set(final.kept[g]) <= set(wide.kept[g]) for g in final.groups)


def test_groups_scores_maps_and_prototypes_fit_each_other(zoo: Zoo) -> None:
    importance = zoo.importance(zoo.tasks[0].id)
    assert {group: len(values) for group, values in importance.items()} == zoo.groups
    assert set(zoo.coordinates("pca")) == set(zoo.rows) and 0 <= zoo.trustworthiness("pca") <= 1
    assert all(zoo.prototypes(row).shape == (2, 512) for row in range(4))


def test_ballots_carry_selection_similarity_and_scores(zoo: Zoo) -> None:
    near = zoo.neighbours(zoo.targets[0], k=2)
    for ballot, each in zip(ballots(zoo, near), near, strict=True):
        assert (ballot.task, ballot.similarity) == (each.task.id, each.similarity)
        assert ballot.selection == zoo.selection(each.task.id)


def test_zoos_are_found_by_id_in_the_users_folder_and_by_path(built: Built, home: Path) -> None:
    shutil.copytree(built.folder, home / "zoos" / "mine")
    assert "mine" in zoo_ids() and open_zoo("mine").id == "tiny"
    assert open_zoo(built.folder).path == built.folder and open_zoo(str(built.folder)).id == "tiny"
    with pytest.raises(UnknownNameError, match="did you mean mine"):
        open_zoo("mne")


def change(path: Path, edit: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    about = json.loads(path.read_text())
    edit(about)
    path.write_text(json.dumps(about))


@pytest.mark.parametrize(
    "config, told",
    [
        ({"method": "telepathy", "iterations": 240, "seed": 0, "learning_rate": 0.02, "new": [1]}, "telepathy, 240 it"),
        ({"method": "taylor"}, "taylor\n"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_stored_config_of_a_newer_version_is_shown_as_far_as_it_is_known(
    copied: Path, config: dict[str, Any] | None, told: str
) -> None:
    change(copied / "zoo.json", lambda about: about.update(config=config))
    out = Console(file=StringIO(), width=200)
    described(open_zoo(copied)).show(out)
    assert told in cast(StringIO, out.file).getvalue()


@pytest.mark.parametrize(
    "config",
    [{"iterations": {"x": 1}, "method": 5}, {"method": None}, {"seed": "x"}, {"learning_rate": []}, {"iterations": -1}],
)
def test_a_stored_config_that_could_not_be_shown_is_damaged(copied: Path, config: dict[str, Any]) -> None:
    change(copied / "zoo.json", lambda about: about.update(config=config))
    with pytest.raises(BadFileError):
        open_zoo(copied)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "zoo.json").write_text(""),
        lambda folder: (folder / "zoo.json").write_text('{"format": 1'),
        lambda folder: (folder / "zoo.json").write_text("[]"),
        lambda folder: (folder / "zoo.json").write_bytes(b"\xff\xfe\x00"),
        lambda folder: change(folder / "zoo.json", lambda about: about.pop("backbone_hash")),
        lambda folder: change(folder / "zoo.json", lambda about: about.pop("tasks")),
        lambda folder: change(folder / "zoo.json", lambda about: about["tasks"][0].pop("task")),
        lambda folder: change(folder / "zoo.json", lambda about: about["targets"][0].pop("classes")),
        lambda folder: change(folder / "zoo.json", lambda about: about.update(groups=3)),
        lambda folder: change(folder / "zoo.json", lambda about: about.update(format=2)),
    ],
    ids=["empty", "truncated", "a list", "binary", "no hash", "no tasks", "no task", "no classes", "groups", "newer"],
)
def test_a_damaged_zoo_json_is_refused_on_opening(copied: Path, damage: Callable[[Path], object]) -> None:
    damage(copied)
    with pytest.raises(BadFileError) as refused:
        open_zoo(copied)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_damaged_or_missing_arrays_are_refused_when_asked_for(copied: Path, content: bytes | None) -> None:
    arrays = copied / "arrays.safetensors"
    arrays.unlink() if content is None else arrays.write_bytes(content)
    zoo = open_zoo(copied)
    with pytest.raises(BadFileError, match="build or import it again"):
        zoo.neighbours(zoo.targets[0], k=1)


def test_arrays_that_do_not_fit_the_tasks_are_refused(copied: Path) -> None:
    change(copied / "zoo.json", lambda about: about["tasks"].pop())
    zoo = open_zoo(copied)
    with pytest.raises(BadFileError, match="build or import it again"):
        zoo.neighbours(zoo.targets[0], k=1)


def test_a_damaged_or_foreign_model_is_refused_by_name(copied: Path, built: Built) -> None:
    zoo = open_zoo(copied)
    first, second = (copied / "models" / f"{task.id}.safetensors" for task in zoo.tasks[:2])
    first.write_bytes(first.read_bytes()[:1000])
    second.unlink()
    for task in zoo.tasks[:2]:
        with pytest.raises(BadFileError, match=task.classes[0]):
            zoo.model(task.id)
        with pytest.raises(BadFileError):
            zoo.selection(task.id)
    change(copied / "zoo.json", lambda about: about.update(backbone_hash="f" * 64))
    with pytest.raises(MismatchError, match="another backbone"):
        open_zoo(copied).model(zoo.tasks[2].id)


def test_reading_again_sees_a_zoo_that_was_replaced(copied: Path) -> None:
    before = open_zoo(copied)
    assert before.selection(before.tasks[0].id)
    shutil.copy(
        copied / "models" / f"{before.tasks[1].id}.safetensors", copied / "models" / f"{before.tasks[0].id}.safetensors"
    )
    after = open_zoo(copied)
    assert after.selection(after.tasks[0].id) == after.selection(after.tasks[1].id)


def test_a_zoo_prints_shortly(zoo: Zoo) -> None:
    assert len(repr(zoo)) < 300 and zoo.targets[0].classes == TARGET
    assert np.isfinite(zoo.accuracy(zoo.tasks[0].id))
    assert issubclass(BadFileError, MetaVoteError)

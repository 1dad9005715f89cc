"""Tasks that the user named: found by their id wherever any task is, and forgotten when removed."""

import json
from pathlib import Path

import pytest

from core.errors import BadFileError, BadValueError, UnknownNameError
from core.tasks.catalogue import named_task
from core.tasks.catalogue import task as task_of
from core.tasks.own import folder_of, is_own_id, keep_task, own_id, own_task, own_tasks


def test_a_kept_task_is_found_by_its_id_like_any_other(home: Path) -> None:
    task = named_task("My Tools!", "emoji", ["tool", "heart"])
    assert task.id.startswith("my-tools-") and is_own_id(task.id)
    with pytest.raises(UnknownNameError):
        task_of(task.id)
    keep_task(task)
    assert task_of(task.id) == own_task(task.id) == task
    assert [own.task for own in own_tasks()] == [task]


def test_an_id_tells_its_data_set_and_classes_apart() -> None:
    ids = {own_id("x", dataset, classes) for dataset in "ab" for classes in (["c", "d"], ["d", "c"], ["c", "d", "e"])}
    assert len(ids) == 6 and own_id("x", "a", ["c", "d"]) in ids
    assert own_id("??", "a", ["c"]).startswith("target-")
    assert all(is_own_id(own_id(name, "a", ["c"])) for name in ("Ä ö", "x" * 200, "a/../b", "-", "UPPER case"))


@pytest.mark.parametrize("id", ["../secret", "a/b", "", ".", "A", "x" * 60, "emoji:tool+plant"])
def test_only_a_plain_name_is_looked_for(home: Path, id: str) -> None:
    assert not is_own_id(id) and own_task(id) is None


def test_a_class_nobody_knows_or_one_alone_is_refused(home: Path) -> None:
    with pytest.raises(UnknownNameError, match="There is no emoji class 'toool'"):
        named_task("x", "emoji", ["toool", "heart"])
    with pytest.raises(BadValueError, match="at least two classes"):
        named_task("x", "emoji", ["heart"])


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"task": {"id": "else"}, "created": 1.0})])
def test_a_damaged_task_is_left_out_of_the_list_and_named_when_asked_for(home: Path, content: str) -> None:
    task = named_task("x", "emoji", ["tool", "heart"])
    keep_task(task)
    (folder_of(task.id) / "task.json").write_text(content)
    assert own_tasks() == []
    with pytest.raises(BadFileError, match="is damaged"):
        own_task(task.id)

"""The tasks that ship (`assets/tasks.json`, made by `core/tasks/draw.py`), and the way from any id to its task."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from core.arguments import optional, several, takes, text
from core.errors import MetaVoteError, UnknownNameError
from core.paths import ASSETS
from core.tasks import allowed, folder
from core.tasks.choose import chosen_classes
from core.tasks.datasets import DATASETS, FOLDER, class_names
from core.tasks.own import own_id, own_task, own_tasks
from core.tasks.task import Task, ad_hoc_id, parse_ad_hoc_id

FILE = ASSETS / "tasks.json"
KINDS = ("zoo", "targets")
SETTING = "emoji"


@cache
def _shipped() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text())["settings"]
    return loaded


def settings() -> list[str]:
    """The shipped settings: zoo tasks and the targets that go with them; in "emoji-disjoint" they share no class."""
    return list(_shipped())


@takes(
    "core.tasks",
    kind=optional(text("a kind of task", 'choose "zoo" or "targets"')),
    setting=text("the name of a shipped setting", f'such as "{SETTING}"'),
)
def tasks(kind: str | None = None, setting: str = SETTING) -> list[Task]:
    """The shipped tasks of one setting: "zoo", "targets", or None for both, zoo first."""
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind of task", kind, KINDS)
    if setting not in _shipped():
        raise UnknownNameError("setting", setting, settings())
    chosen = _shipped()[setting]
    return [
        Task(name, chosen["dataset"], tuple(classes))
        for each in ((kind,) if kind else KINDS)
        for name, classes in chosen[each].items()
    ]


@cache
def _by_id() -> dict[str, Task]:
    return {task.id: task for setting in settings() for task in tasks(setting=setting)}


def _folder_hint(value: object) -> str:
    return f'name a folder of images "{FOLDER}{value}"' if isinstance(value, os.PathLike) else ""


def _classes_hint(value: object) -> str:
    return f"give {value.split(',')}" if isinstance(value, str) and "," in value else ""


@takes(
    "core.task",
    name=text("the id of a task or the name of a data set", 'such as "emoji-t03" or "emoji"', _folder_hint),
    classes=optional(
        several(
            "a list of class names", 'such as ["tool", "plant"]', text("the name of a class", ""), hint=_classes_hint
        )
    ),
)
def task(name: str, classes: Iterable[str] | None = None) -> Task:
    """The task of an id ("emoji-t03", "emoji:tool+plant", "folder:/path", one of the user's own), or of a data set and
    some of its classes.

    A data set's name alone means all of its classes. A class may be given by a pattern ("animal-*") or another name, as
    `chosen_classes` reads them; the task has the classes' own names. Raises UnknownNameError, BadValueError for fewer
    than two or repeated classes.
    """
    if classes is None and name in _by_id():
        return _by_id()[name]
    if classes is None and (own := own_task(name)) is not None:
        _permit(own.dataset)
        return own
    dataset, listed = (name, tuple(classes)) if classes is not None else _parsed(name)
    if dataset.startswith(FOLDER):
        dataset = f"{FOLDER}{folder.path_of(dataset)}"
    elif dataset not in DATASETS:
        known = [*DATASETS, f"{FOLDER}/path/to/images"]
        if "/" in dataset or (dataset and not allowed.is_restricted() and os.path.isdir(folder.path_of(dataset))):
            raise UnknownNameError("data set", dataset, [f"{FOLDER}{dataset}"])
        if classes is not None or ":" in name:
            raise UnknownNameError("data set", dataset, known)
        raise UnknownNameError("task", name, [*_by_id(), *(one.task.id for one in own_tasks()), *known])
    found = class_names(dataset) if listed is None else chosen_classes(dataset, listed)
    if dataset.startswith(FOLDER):
        allowed.permit(folder.path_of(dataset))
    return Task(ad_hoc_id(dataset, None if listed is None else found), dataset, found)


def permit_task(name: str) -> None:
    """Let the dashboard's processes read the folder of a task that the command line was given by its id; does nothing
    for any other task, and for a folder that is gone or not a data set."""
    with suppress(MetaVoteError):
        task(name)


def _permit(dataset: str) -> None:
    """Let the dashboard read a data set's folder, if it is one and is there."""
    if dataset.startswith(FOLDER) and not allowed.is_restricted():
        with suppress(MetaVoteError):
            folder.layout(path := folder.path_of(dataset))
            allowed.permit(path)


def _parsed(name: str) -> tuple[str, tuple[str, ...] | None]:
    """As `parse_ad_hoc_id`; but a path that means a folder only as it stands, ":" and all, is that folder's."""
    dataset, listed = parse_ad_hoc_id(name)
    if not dataset.startswith(FOLDER):
        return dataset, listed
    whole, part = folder.path_of(name), folder.path_of(dataset)
    if allowed.is_restricted() and not allowed.is_allowed(whole):
        return dataset, listed
    if not os.path.isdir(part) and os.path.isdir(whole):
        return name, None
    return dataset, listed


def named_task(name: str, dataset: str, classes: Sequence[str]) -> Task:
    """A task under a name of the user's own, not kept yet: `core.tasks.own.keep_task` does. Raises as `task`."""
    found = task(dataset, classes)
    return Task(own_id(name, found.dataset, found.classes), found.dataset, found.classes)

"""The user's own tasks: a name for some classes of a data set, kept in `METAVOTE_HOME/targets/<id>/task.json`."""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadFileError, MetaVoteError
from core.paths import home
from core.tasks.task import Task

FILE, LONGEST_NAME = "task.json", 40
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


@dataclass(frozen=True)
class OwnTask:
    """A task that the user named, and when, in seconds since the epoch."""

    task: Task
    created: float


def folder_of(id: str) -> Path:
    """Where all that belongs to an own task is. Its id must be one: `is_own_id`."""
    return home() / "targets" / id


def is_own_id(text: str) -> bool:
    """Whether a text can be the id of an own task: a plain file name."""
    return _ID.fullmatch(text) is not None


def own_id(name: str, dataset: str, classes: Sequence[str]) -> str:
    """A readable id that tells its task: the name made plain, and a hash of data set and classes."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST_NAME].strip("-") or "target"
    return f"{plain}-{hashlib.sha256(json.dumps([dataset, *classes]).encode()).hexdigest()[:4]}"


def keep_task(task: Task) -> None:
    """Make a task one of the user's own. Raises MetaVoteError where that cannot be written."""
    file = folder_of(task.id) / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps({"task": task.to_dict(), "created": time.time()}))
        beside.replace(file)
    except OSError as error:
        where = f"{file.parent} ({error.strerror})"
        raise MetaVoteError(f"The task cannot be kept in {where}: check that folder.") from error


def own_task(id: str) -> Task | None:
    """The own task of that id; None where there is none. Raises BadFileError where it is damaged."""
    file = folder_of(id) / FILE if is_own_id(id) else None
    return _read(file).task if file is not None and file.is_file() else None


def own_tasks() -> list[OwnTask]:
    """All of the user's own tasks that can be read, oldest first."""
    found = []
    for file in (home() / "targets").glob(f"*/{FILE}"):
        try:
            found.append(_read(file))
        except BadFileError:
            continue  # asking for it by its id says so
    return sorted(found, key=lambda one: (one.created, one.task.id))


def _read(file: Path) -> OwnTask:
    try:
        record = json.loads(file.read_text())
        task = Task.from_dict(record["task"])
        if task.id != file.parent.name:
            raise ValueError(task.id)
        return OwnTask(task, float(record["created"]))
    except (OSError, ValueError, KeyError, TypeError, BadFileError) as error:
        raise BadFileError(f"The task in {file.parent} is damaged: remove that folder and compose it again.") from error

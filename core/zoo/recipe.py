"""A zoo as people write it down: a YAML of tasks and settings, checked to the letter before any work.

`docs/zoos.md` describes what may stand in one. Torch-free.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from core.backbones.listing import is_file_name
from core.backbones.places import is_path, place_of
from core.channels.budget import KIND
from core.errors import BadFileError, BadValueError, MetaVoteError, UnknownNameError
from core.paths import expanded
from core.pruning.config import RunConfig
from core.tasks.catalogue import task as task_of
from core.tasks.draw import Draw, drawn_tasks
from core.tasks.task import Task
from core.zoo.archive import is_id
from core.zoo.plan import Plan, check_method, check_workers, left, shipped_plan

LARGEST = 1_000_000  # bytes
WITHOUT = "without"  # tasks to leave out of those listed and drawn
RUN_SETTINGS = (
    "method",
    "keep",
    "iterations",
    "seed",
    "threads",
    "learning_rate",
    "sampling",
    "skip_unreadable",
    *KIND,
)
SETTINGS = ("zoo", "backbone", *RUN_SETTINGS, "workers")
KEYS = (*SETTINGS, "tasks", "targets", "draw", WITHOUT)
TASK_KEYS = ("dataset", "classes")
DRAW_KEYS = tuple(entry.name for entry in fields(Draw))
T = TypeVar("T")
Path_ = tuple[str | int, ...]  # the keys and places that lead to a value


@dataclass(frozen=True)
class Recipe:
    """What a file asks for. settings: those of SETTINGS that it gives, checked one by one."""

    tasks: tuple[Task, ...]
    targets: tuple[Task, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_recipe(file: Path) -> Recipe:
    """The recipe in a file. Raises BadFileError where there is none, BadValueError that names the line of what is wrong
    in it, and what `task` raises for the tasks it names."""
    place = expanded(file)
    if place.exists() and not place.is_file():  # a pipe or a device, which may never end
        raise BadFileError(f"{file} is not a plain file: save the recipe to one.")
    try:
        with open(place, "rb") as content:
            return parsed(content.read(LARGEST + 1), file.name)[0]
    except OSError as error:
        raise BadFileError(f"{file} cannot be read ({error.strerror}): check its name.") from error


def parsed(content: bytes, name: str) -> tuple[Recipe, dict[str, Any]]:
    """(the recipe in the content of a file, its values as they stand there). Raises as `read_recipe`."""
    if len(content) > LARGEST:
        raise BadFileError(f"{name} is larger than {LARGEST:,} bytes: no list of tasks is that long.")
    try:
        reader = _Reader(name, content.decode())
    except UnicodeDecodeError as error:
        raise BadFileError(f"{name} is no text in UTF-8: save it as one.") from error
    return reader.recipe(), reader.values


def plan_of(recipe: Recipe) -> tuple[Plan, int]:
    """(what a recipe asks for, by how many worker processes); its zoo's id is "" where it gives none."""
    settings = {name: value for name, value in recipe.settings.items() if name not in ("zoo", "workers")}
    backbone = settings.pop("backbone", shipped_plan().backbone)
    plan = Plan(str(recipe.settings.get("zoo", "")), recipe.tasks, recipe.targets, backbone, **settings)
    return plan, int(recipe.settings.get("workers", 1))


def write_recipe(file: Path, document: Mapping[str, Any]) -> None:
    """Write a recipe that `read_recipe` reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True), encoding="utf-8")


class _Reader:
    """One file: its values, and the line that each stands on."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.lines = name, dict[Path_, int]()
        try:
            if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader)):
                raise BadValueError(f"{name} refers to its own parts with * and &: write them out.")
            self._note((), yaml.compose(text, yaml.SafeLoader))
            self.values = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{name}, line {mark.line + 1}" if mark else name
            what = getattr(error, "problem", None) or "it cannot be read"
            raise BadValueError(f"{where}: this is no YAML, {what}.") from error
        except RecursionError as error:
            raise BadValueError(
                f"{name}: its brackets or dashes are nested too deep; tasks need no more than three."
            ) from error

    def _note(self, path: Path_, node: Any) -> None:
        """Write down on which line each value stands; two values of one key, of which YAML takes the last, are none."""
        if node is None:
            return
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value))
                if here in self.lines:
                    where = f"{self.name}, line {key.start_mark.line + 1}"
                    raise BadValueError(f"{where}: '{key.value}' stands here twice.")
                self.lines[here] = key.start_mark.line + 1
                self._note(here, value)
        elif isinstance(node, yaml.SequenceNode):
            for place, value in enumerate(node.value):
                self._note((*path, place), value)

    def recipe(self) -> Recipe:
        """Everything in it, checked."""
        top = self.mapping((), self.values, KEYS, "A zoo")
        settings = {key: self.checked((key,), _check_setting, key, top[key]) for key in SETTINGS if key in top}
        tasks, targets = (self.tasks(kind, top.get(kind)) for kind in ("tasks", "targets"))
        without = self.names(WITHOUT, top[WITHOUT]) if WITHOUT in top else []
        self.once(tasks, targets, without)
        for path, wanted in self.draws(top.get("draw")):
            more, held_out = self.checked(path, drawn_tasks, wanted, [*tasks, *targets])
            tasks, targets = [*tasks, *more], [*targets, *held_out]
        tasks = list(self.checked((WITHOUT,), left, tasks, without))
        if not tasks:
            raise BadValueError(f"{self.name} names no tasks: list them under 'tasks', or have them drawn by 'draw'.")
        return Recipe(tuple(tasks), tuple(targets), settings)

    def tasks(self, kind: str, listed: Any) -> list[Task]:
        """The tasks listed under a key."""
        if listed is None:
            return []
        if not isinstance(listed, list):
            raise self.wrong((kind,), f"'{kind}' must be a list, each entry on a line that begins with a dash")
        return [self.task((kind, place), entry) for place, entry in enumerate(listed)]

    def once(self, tasks: Sequence[Task], targets: Sequence[Task], without: Sequence[str]) -> None:
        """Refuse a task that is listed twice, but for one that is left out of the zoo's own."""
        places: dict[str, tuple[str, str]] = {}
        problems: dict[tuple[str, frozenset[str]], tuple[str, str]] = {}
        for kind, listed in (("tasks", tasks), ("targets", targets)):
            for place, task in enumerate(listed):
                if kind == "tasks" and task.id in without:
                    continue
                problem = (task.dataset, frozenset(task.classes))
                if earlier := places.get(task.id) or problems.get(problem):
                    same = "" if earlier[0] == task.id else f", as {earlier[0]}"
                    raise self.wrong((kind, place), f"{task.id} stands on {earlier[1]} already{same}: name it once")
                places[task.id] = problems[problem] = (task.id, f"line {self.line((kind, place))}")

    def names(self, kind: str, listed: Any) -> list[str]:
        """The names listed under a key."""
        if not isinstance(listed, list):
            raise self.wrong((kind,), f"'{kind}' must be a list, each entry on a line that begins with a dash")
        return [self.text((kind, place), entry) for place, entry in enumerate(listed)]

    def task(self, path: Path_, entry: Any) -> Task:
        """One task: its id, or its data set and classes."""
        if isinstance(entry, str):
            return self.checked(path, task_of, entry)
        about = self.mapping(path, entry, TASK_KEYS, "A task")
        if "dataset" not in about:
            raise self.wrong(path, "a task needs a dataset")
        classes = about.get("classes")
        if classes is not None and not (isinstance(classes, list) and all(isinstance(one, str) for one in classes)):
            raise self.wrong((*path, "classes"), "classes must be a list of names; one like 1 or no needs quotes")
        return self.checked(path, task_of, self.text((*path, "dataset"), about["dataset"]), classes)

    def draws(self, entry: Any) -> list[tuple[Path_, Draw]]:
        """What is to be drawn, once or several times."""
        several = isinstance(entry, list)
        entries = [] if entry is None else entry if several else [entry]
        found = []
        for place, one in enumerate(entries):
            path: Path_ = ("draw", place) if several else ("draw",)
            about = self.mapping(path, one, DRAW_KEYS, "A draw")
            if lacking := [key for key in ("dataset", "tasks", "classes") if key not in about]:
                raise self.wrong(path, f"a draw needs {lacking[0]}")
            self.text((*path, "dataset"), about["dataset"])
            found.append((path, Draw(**about)))
        return found

    def mapping(self, path: Path_, value: Any, known: Sequence[str], what: str) -> dict[str, Any]:
        """A value that has to be a mapping with some of the known keys."""
        if not isinstance(value, dict):
            raise self.wrong(path, f"{what.lower()} is written as keys with values, such as '{known[0]}: ...'")
        for key in value:
            if key not in known:
                raise self.wrong((*path, str(key)), str(UnknownNameError("key", key, known)))
        return value

    def text(self, path: Path_, value: Any) -> str:
        """A value that has to be text."""
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(path, f"'{path[-1]}' must be a name, not {value!r}; one like 1 or no needs quotes")
        return value

    def checked(self, path: Path_, check: Callable[..., T], *values: Any) -> T:
        """What a check returns; where it refuses, its sentence behind the line."""
        try:
            return check(*values)
        except MetaVoteError as error:
            raise BadValueError(f"{self.where(path)}: {error}") from error

    def where(self, path: Path_) -> str:
        """ "tasks.yaml, line 7", of the value itself or of what it stands in."""
        return f"{self.name}, line {self.line(path)}"

    def line(self, path: Path_) -> int:
        """The line of a value, or of what it stands in."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def wrong(self, path: Path_, sentence: str) -> BadValueError:
        """What is wrong, behind the line."""
        return BadValueError(f"{self.where(path)}: {sentence}{'' if sentence.endswith(('.', '?')) else '.'}")


def _check_setting(key: str, value: Any) -> Any:
    """A setting's value. Raises BadValueError, UnknownNameError."""
    if key == "workers":
        check_workers(value)
    elif key in ("zoo", "backbone"):
        if not isinstance(value, str) or not value.strip() or (key == "zoo" and not is_id(value)):
            raise BadValueError(f"A {key}'s name must be text, letters, digits, dots and dashes, not {value!r}.")
        if is_path(value) or is_file_name(value):
            place_of(value)  # which refuses what a visitor may not name
    elif key == "method":
        check_method(value)
    else:
        RunConfig("any", **{key: value})
    return value

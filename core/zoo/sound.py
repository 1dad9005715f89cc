"""Whether a zoo.json says what it must, each part of its kind: whatever reads it later may take that for granted.

Torch-free.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

_Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: object) -> bool:
    """Whether it is a finite number of at least 0."""
    return _finite(value) and value >= 0  # type: ignore[operator]


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _share(value: object) -> bool:
    return _number(value) and value <= 1  # type: ignore[operator]


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _by_name(inside: _Check) -> _Check:
    """A check of a dictionary whose values pass a check."""
    return lambda value: isinstance(value, dict) and all(map(inside, value.values()))


def _task(value: object) -> bool:
    if not (isinstance(value, dict) and _text(value.get("id")) and _text(value.get("dataset"))):
        return False
    classes = value.get("classes")
    return isinstance(classes, list) and len(classes) > 1 and all(isinstance(one, str) for one in classes)


def _cost(value: object) -> bool:
    """Whether it says what was paid: numbers by name, and in words how they were found out."""
    return value is None or _by_name(lambda one: isinstance(one, str) or one is None or _number(one))(value)


def _entry(value: object) -> bool:
    return isinstance(value, dict) and _amiss(value, _OF_A_TASK, _OF_A_TASK_AT_TIMES) is None


_OF_A_TASK: Mapping[str, _Check] = {"task": _task, "validation_accuracy": _share}
_OF_A_TASK_AT_TIMES: Mapping[str, _Check] = {
    "achieved": _by_name(_finite), "hash": _text, "cost": _cost,
}  # fmt: skip
_ALWAYS: Mapping[str, _Check] = {
    "format": _count, "id": _text, "backbone": _text, "backbone_hash": _text, "keep": _share,
    "groups": lambda value: bool(value) and _by_name(_count)(value),
    "tasks": lambda value: isinstance(value, list) and all(map(_entry, value)),
    "targets": lambda value: isinstance(value, list) and all(map(_task, value)),
}  # fmt: skip
_AT_TIMES: Mapping[str, _Check] = {  # zoos of old lack some of these
    "architecture": _text, "dense": _by_name(_number), "config": lambda value: value is None or isinstance(value, dict),
    "cost": _cost, "pictures": _by_name(lambda one: one is None or _text(one)),
    "trustworthiness": _by_name(_number), "hash": _text, "engine": _count,
}  # fmt: skip


def amiss(about: object) -> str | None:
    """The first key of a zoo.json that is missing or not of its kind; "" where it is no dictionary; None: all is well.

    Whether "layers" are is up to `core.channels.layers.Layers`, which reads them.
    """
    return _amiss(about, _ALWAYS, _AT_TIMES) if isinstance(about, dict) else ""


def _amiss(about: Mapping[str, Any], always: Mapping[str, _Check], at_times: Mapping[str, _Check]) -> str | None:
    wrong = [key for key, good in always.items() if key not in about or not good(about[key])]
    wrong += [key for key, good in at_times.items() if key in about and not good(about[key])]
    return wrong[0] if wrong else None

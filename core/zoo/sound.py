"""Whether a zoo.json says what it must, each part of its kind: whatever reads it later may take that for granted.

Torch-free.
"""

from core.pruning.sound import is_cost
from core.schema import (
    Fields,
    by_name,
    first_wrong,
    is_amount,
    is_colours,
    is_count,
    is_name,
    is_number,
    is_scale,
    is_share,
    is_text,
    is_whole,
    listed,
    or_none,
)


def _task(value: object) -> bool:
    if not (isinstance(value, dict) and is_name(value.get("id")) and is_name(value.get("dataset"))):
        return False
    classes = value.get("classes")
    return isinstance(classes, list) and len(classes) > 1 and listed(is_text)(classes)


def _entry(value: object) -> bool:
    return isinstance(value, dict) and first_wrong(value, _OF_A_TASK, _OF_A_TASK_AT_TIMES) is None


_OF_A_TASK: Fields = {"task": _task, "validation_accuracy": is_share}
_OF_A_TASK_AT_TIMES: Fields = {
    "achieved": by_name(is_number), "hash": is_name, "cost": or_none(is_cost),
}  # fmt: skip
_OF_CONFIG: Fields = {  # what is shown of it; a method may be of a newer version
    "method": is_name, "iterations": is_whole, "seed": is_whole, "learning_rate": or_none(is_amount),
}  # fmt: skip


def _config(value: object) -> bool:
    return isinstance(value, dict) and first_wrong(value, {}, _OF_CONFIG) is None


_ALWAYS: Fields = {
    "format": is_count, "id": is_name, "backbone": is_name, "backbone_hash": is_name, "keep": is_share,
    "groups": lambda value: bool(value) and by_name(is_count)(value),
    "tasks": listed(_entry),
    "targets": listed(_task),
}  # fmt: skip
_AT_TIMES: Fields = {  # zoos of old lack some of these
    "architecture": is_name, "dense": by_name(is_amount), "size": is_count, "mean": is_colours, "std": is_scale,
    "config": or_none(_config),
    "cost": or_none(is_cost), "pictures": by_name(or_none(is_name)),
    "trustworthiness": by_name(is_amount), "hash": is_name, "engine": is_count,
}  # fmt: skip


def amiss(about: object) -> str | None:
    """The first key of a zoo.json that is missing or not of its kind; "" where it is no dictionary; None: all is well.

    Whether "layers" are is up to `core.channels.layers.Layers`, which reads them.
    """
    return first_wrong(about, _ALWAYS, _AT_TIMES) if isinstance(about, dict) else ""

"""The fields of every kind of event, each with the check that a stored or imported one must pass. Torch-free."""

from collections.abc import Mapping
from typing import Any

from core.channels.budget import Budget
from core.errors import MetaVoteError
from core.schema import (
    Fields,
    by_name,
    first_wrong,
    is_amount,
    is_colours,
    is_count,
    is_duration,
    is_finite,
    is_name,
    is_number,
    is_scale,
    is_share,
    is_text,
    is_whole,
    listed,
    or_none,
)

_SPENT = (
    *("seconds", "cpu_seconds", "iterations", "macs", "monitoring_macs", "monitoring_seconds"),
    *("peak_memory_bytes", "energy_kwh", "co2e_grams", "similarity_seconds", "similarity_cpu_seconds"),
)
_COST: Fields = dict.fromkeys(_SPENT, or_none(is_amount)) | {"assumptions": is_text}
_INPUTS: Fields = {"backbone_hash": is_name, "image_size": is_count, "data": is_name}
_SIZES: Fields = {"params": is_count, "macs": is_count, "channel_sparsity": is_share}
_CLASS: Fields = {"train": is_whole, "validation": is_whole, "test": is_whole}
_LOSS = or_none(is_finite)  # None: the outputs were not finite


def _flat(value: object) -> bool:
    return value is None or isinstance(value, bool) or is_text(value) or is_finite(value)


def _plain(value: object) -> bool:
    """Whether it is text or a number, alone or in lists and dictionaries: what newer versions may add to a record."""
    if isinstance(value, dict):
        return by_name(_plain)(value)
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return _flat(value)


def is_cost(value: object) -> bool:
    """Whether it says what was spent: numbers by name, and in words what the estimates among them rest on."""
    return by_name(_flat)(value) and first_wrong(value, {}, _COST) is None  # type: ignore[arg-type]


def _requested(value: object) -> bool:
    """Whether it is a size budget, with more beside it."""
    if not isinstance(value, dict) or not _plain(value):
        return False
    names = [name for name in Budget.__dataclass_fields__ if name in value]
    try:
        return value.get("keep") is None or bool(Budget(**{name: value[name] for name in names}))
    except MetaVoteError:
        return False


def _class(value: object) -> bool:
    at_times: Fields = {"accuracy": or_none(is_share)}
    return isinstance(value, dict) and _plain(value) and first_wrong(value, _CLASS, at_times) is None


def _normalisation(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and is_colours(value[0]) and is_scale(value[1])


def _inputs(value: object) -> bool:
    at_times: Fields = {"normalisation": _normalisation}
    return isinstance(value, dict) and _plain(value) and first_wrong(value, _INPUTS, at_times) is None


def _sizes(value: object) -> bool:
    return by_name(or_none(is_number))(value) and first_wrong(value, {}, _SIZES) is None  # type: ignore[arg-type]


_PASSED: Fields = {"iteration": is_whole, "seconds": is_duration}
_FIELDS: Mapping[str, Fields] = {
    "phase": _PASSED,  # whether the phase is one, the event itself says
    "step": {**_PASSED, "loss": _LOSS, "learning_rate": is_amount},
    "evaluation": {
        **_PASSED, "accuracy": is_share, "loss": _LOSS, "balanced_accuracy": or_none(is_share),
        "class_accuracy": or_none(listed(or_none(is_share))), "top5_accuracy": or_none(is_share),
    },
    "pruned": {
        **_PASSED, "kept": by_name(is_whole), "sizes": by_name(is_count), "channel_sparsity": is_share,
        "params": is_amount, "macs": is_amount,
    },
    "finished": {
        **_PASSED, "test_accuracy": is_share, "cost": is_cost, "requested": _requested, "achieved": _sizes,
        "dense": _sizes, "test_balanced_accuracy": or_none(is_share), "test_top5_accuracy": or_none(is_share),
        "classes": or_none(by_name(_class)), "engine": is_count, "inputs": or_none(_inputs),
    },
}  # fmt: skip


def wrong_field(kind: str, given: Mapping[str, Any]) -> str | None:
    """The first field of an event that is not of its kind, or out of range; None if all are well."""
    wrong = first_wrong(given, {}, _FIELDS[kind])
    if wrong is None and kind == "pruned" and given["kept"].keys() != given["sizes"].keys():
        return "kept"
    if wrong is not None and isinstance(given[wrong], dict):
        return next((f"{wrong}.{name}" for name in given[wrong] if _fails_for(kind, wrong, given[wrong], name)), wrong)
    return wrong


def lacking(result: Mapping[str, Any]) -> str | None:
    """The first size that a whole result has and this one lacks; None if all are there."""
    needed = [("achieved", name) for name in _SIZES] + [("dense", "params"), ("dense", "macs")]
    return next((f"{part}.{name}" for part, name in needed if name not in result[part]), None)


def _fails_for(kind: str, field: str, value: Mapping[str, Any], name: str) -> bool:
    """Whether it is this entry alone that makes a dictionary fail its check."""
    return _FIELDS[kind][field]({other: item for other, item in value.items() if other != name})

"""Whether a backbone file's record says what it must, each part of its kind: what reads it later relies on that.

Torch-free.
"""

from collections.abc import Mapping

from core.schema import (
    Fields,
    by_name,
    first_wrong,
    is_colours,
    is_count,
    is_name,
    is_scale,
    is_text,
    is_whole,
    listed,
    or_none,
)

_COVERAGE: Fields = {"wanted": is_whole, "filled": is_whole}
_COVERAGE_AT_TIMES: Fields = {
    **dict.fromkeys(("title", "place", "prefix"), is_text), **dict.fromkeys(("dropped", "others"), by_name(is_whole)),
    "params": or_none(is_whole), "params_filled": or_none(is_whole),
    **dict.fromkeys(("missing", "reshaped", "unexpected", "constant"), listed(is_text)),
}  # fmt: skip
_RECIPE: Fields = {"objective": is_text, "dataset": is_text, "views": is_whole}


def _coverage(value: object) -> bool:
    if not isinstance(value, dict) or first_wrong(value, _COVERAGE, _COVERAGE_AT_TIMES) is not None:
        return False
    params = value.get("params")
    return value["filled"] <= value["wanted"] and (params is None or (value.get("params_filled") or 0) <= params)


def _recipe(value: object) -> bool:
    return isinstance(value, dict) and first_wrong(value, {}, _RECIPE) is None


def _about(value: object) -> bool:
    return isinstance(value, dict) and first_wrong(value, {}, _ABOUT) is None


_ABOUT: Fields = {  # free form, but for what is shown of it
    "coverage": or_none(_coverage), "recipe": or_none(_recipe), "drawn_at_random": listed(is_text),
    "untrained": lambda value: isinstance(value, bool),
    "file": is_text, "sha256": is_text, "weights": or_none(is_text), "licence": or_none(is_text),
}  # fmt: skip
_RECORD: Fields = {
    "architecture": is_name, "source": is_name, "hash": is_name, "size": is_count, "mean": is_colours, "std": is_scale,
    "about": _about,
}  # fmt: skip


def first_wrong_field(record: object) -> str | None:
    """The first field of a record that is missing or not of its kind, "" for no record at all; None if all is well."""
    return first_wrong(record, _RECORD) if isinstance(record, Mapping) else ""

"""What people read for a run among others: its method, and only what tells it from the rest."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from core.pruning.config import RunConfig
from core.reports.differences import differing_settings, settings_of
from core.runs.record import RunRecord
from dashboard import theme

BUDGET = (
    "task",
    "keep",
    "of",
    "allocation",
    "multiple",
    "sampling",
    "iterations",
)  # told wherever any two runs differ in it
SILENT = ("method", "threads")
BY_SETTING: dict[str, Mapping[str, str]] = {
    "similarity": theme.SIMILARITIES,
    "neighbours": theme.NEIGHBOUR_CHOICES,
    "weighting": theme.WEIGHTINGS,
    "weights": theme.WEIGHTS,
    "sampling": theme.IMAGE_SAMPLINGS,
    "of": theme.SHARES_OF,
    "allocation": theme.ALLOCATIONS,
}
SHORT = {
    ("neighbours", "nearest"): "nearest",
    ("neighbours", "random"): "random neighbours",
    ("neighbours", "farthest"): "farthest neighbours",
    ("neighbours", "all"): "whole zoo",
    ("neighbours", "chosen"): "voters by hand",
    ("weights", "neighbours"): "neighbours' weights",
    ("weights", "pretrained"): "backbone's weights",
    ("weights", "reinitialised"): "random weights",
    ("weighting", "count"): "equal votes",
    ("weighting", "similarity"): "votes by similarity",
    ("weighting", "score"): "votes by importance",
    ("sampling", "natural"): "natural batches",
    ("sampling", "balanced"): "balanced batches",
    ("dynamic", "True"): "dynamic votes",
    ("of", "channels"): "of the channels",
    ("of", "params"): "of the parameters",
    ("of", "macs"): "of the MACs",
    ("allocation", "uniform"): "uniform",
    ("allocation", "global"): "global",
}


def names_of(records: Sequence[RunRecord]) -> dict[str, str]:
    """Run id -> a name that no other of these runs has, as short as that allows, with ids' ends where all is alike."""
    names = {record.id: " · ".join(parts) for record, parts in zip(records, _parts(records), strict=True)}
    often = Counter(names.values())
    return {id: name if often[name] == 1 else f"{name} · {id.rsplit('-', 1)[-1]}" for id, name in names.items()}


def variant_names(records: Sequence[RunRecord], variants: Mapping[str, str]) -> dict[str, str]:
    """Variant -> what people read for it, given run id -> variant."""
    options = dict(
        zip((record.id for record in records), _parts(records, ("task", "keep", "iterations", "seed")), strict=True)
    )
    return {variant: " · ".join(options[id]) for id, variant in variants.items()}


def _parts(records: Sequence[RunRecord], left_out: Sequence[str] = ()) -> list[list[str]]:
    """Per run its method's title and what tells it from others of its method; budgets wherever any two runs differ."""
    configs = [record.config for record in records]
    everywhere = differing_settings(configs, how=False)
    by_method: dict[str, list[RunConfig]] = defaultdict(list)
    for config in configs:
        by_method[config.method].append(config)
    within = {method: differing_settings(own, how=False) for method, own in by_method.items()}
    found = []
    for config in configs:
        told = [name for name in everywhere if name in within[config.method] or name in BUDGET]
        matters = settings_of(config)
        parts = [in_words(name, matters.get(name)) for name in told if name not in (*SILENT, *left_out)]
        found.append([theme.method_title(config.method), *(part for part in parts if part)])
    return found


def in_words(name: str, value: Any) -> str:
    """A setting and its value in a word or two: "K 3", "seed 1", "backbone's weights"; "" for one that is not set."""
    if value is None or value == () or value is False or (value == 1 and name in ("least_width", "multiple")):
        return ""
    if short := SHORT.get((name, str(value))):
        return short
    if name in ("task", "zoo", "backbone"):
        return str(value)
    if name == "keep":
        return f"keep {theme.ratio(value)}"
    if name == "iterations":
        return f"{theme.count(value)} iterations"
    label = theme.SETTINGS.get(name, name)
    return f"{label if name == 'k' else label.lower()} {shown(name, value)}"


def shown(name: str, value: Any) -> str:
    """The value of a setting as people read it in a table whose row or column names the setting."""
    if value is None or value == ():
        return "—"
    if name == "method":
        return theme.method_title(value)
    if name == "keep":
        return theme.ratio(value)
    if name in BY_SETTING:
        return BY_SETTING[name].get(value, str(value)).removesuffix(" (control)")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)

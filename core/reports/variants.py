"""What makes two runs of one method different variants, and how a variant is named."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from core.channels.budget import KIND
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS

# Task, seed, keep ratio and iterations have columns of their own; threads and whose mask is kept name no variant.
_NOT_OPTIONS = ("task", "method", "keep", "iterations", "seed", "threads", "mask_of")
# What makes two runs of one method different variants.
OPTIONS = tuple(one.name for one in fields(RunConfig) if one.name not in _NOT_OPTIONS)
_ZOO_OPTIONS = ("k", "similarity", "neighbours", "chosen", "weighting", "sample", "dynamic", "zoo")
# Options that are left as they are by nearly everybody: only those who change them are named by them.
_UNNAMED = {
    name: getattr(RunConfig, name)
    for name in (*KIND, "dynamic", "sampling", "skip_unreadable", "similarity", "neighbours", "weighting")
}


def relevant_options(config: RunConfig) -> dict[str, Any]:
    """The options that matter to this run's method; those of voting matter only to methods that vote, those
    of a size budget only to methods that remove channels."""
    ignored = {
        *(() if config.needs_zoo else _ZOO_OPTIONS),
        *(() if METHODS[config.method].removes else KIND),
    }
    return {name: getattr(config, name) for name in OPTIONS if name not in ignored}


def differing_options(configs: Sequence[RunConfig]) -> list[dict[str, Any]]:
    """Per config, only those options in which the configs compared are not all the same.

    Each method has its usual weights, which its name already says: those of a method without neighbours are an option
    only beside a run of the same method with others.
    """
    options = [relevant_options(config) for config in configs]
    starts: dict[str, set[str | None]] = defaultdict(set)
    for config in configs:
        starts[config.method].add(config.weights)
    for config, one in zip(configs, options, strict=True):
        if not config.needs_zoo and len(starts[config.method]) == 1:
            del one["weights"]
    differ = [name for name in OPTIONS if len({one[name] for one in options if name in one}) > 1]
    return [{name: one[name] for name in differ if name in one} for one in options]


def variant_name(method: str, options: Mapping[str, Any]) -> str:
    """`mvp`, or `mvp k=3 weights=pretrained` where variants of it are compared; what is usual is not named."""
    given = (f"{name}={value}" for name, value in options.items() if value not in (None, (), _UNNAMED.get(name)))
    return " ".join([method, *given])

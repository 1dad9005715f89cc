"""Only what differs: the settings in which runs are not all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.reports.variants import relevant_options

SETTINGS = tuple(one.name for one in fields(RunConfig))
_HOW = ("threads",)  # how fast, not what: results are the same
_ALWAYS = ("task", "method", "iterations", "seed")


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that matter to this run, in the order in which a config names them."""
    matters = {*_ALWAYS, *_HOW, *relevant_options(config)}
    matters |= {"keep"} if METHODS[config.method].removes else set()
    matters |= {"mask_of"} if config.mask_of else set()
    return {name: getattr(config, name) for name in SETTINGS if name in matters}


def differing_settings(configs: Sequence[RunConfig], how: bool = True) -> dict[str, list[Any]]:
    """Setting -> its value in each config, None where it does not matter to that one; only where two values differ.

    how: with settings that change the time a run takes but not what comes of it.
    """
    known = [settings_of(config) for config in configs]
    table = {name: [one.get(name) for one in known] for name in SETTINGS if how or name not in _HOW}
    return {name: values for name, values in table.items() if len(set(values) - {None}) > 1}


def shared_settings(configs: Sequence[RunConfig]) -> Mapping[str, Any]:
    """Setting -> value, of those that matter to every one of the configs and are the same in all."""
    known = [settings_of(config) for config in configs]
    return {
        name: known[0][name]
        for name in (known[0] if known else {})
        if all(name in one and one[name] == known[0][name] for one in known)
    }

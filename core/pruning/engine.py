"""The version of what pruning computes, recorded with every result, so that older ones are recognised. Torch-free.

1: BatchNorm statistics were re-estimated from images in the order of the data set. In a folder they lie class by class,
so that each part of them held one class only, and the variance between classes was missing.
2: in shuffled order.
"""

from collections.abc import Mapping
from typing import Any

ENGINE = 2
FIRST = 1  # of results that name no version
NOTE = (
    "Made by engine version 1, which re-estimated BatchNorm statistics in data-set order. This skews accuracy "
    "(usually downwards) if images are sorted by class."
)
RUN_AGAIN = f"{NOTE} Run it again to compare it with newer runs."
BUILD_AGAIN = f"{NOTE} Build the zoo again to correct it."


def engine_of(record: Mapping[str, Any]) -> int:
    """The version that made a result, a pruned model's `origin`, or a zoo, from what is recorded with it."""
    version = record.get("engine")
    return version if isinstance(version, int) and not isinstance(version, bool) else FIRST


def is_outdated(record: Mapping[str, Any]) -> bool:
    """Whether a result was made by an earlier version, so that it is not comparable with today's."""
    return engine_of(record) < ENGINE

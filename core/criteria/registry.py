"""All criteria by name, and what each needs to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from core.criteria.activation import activation
from core.criteria.random import random
from core.criteria.taylor import Taylor
from core.criteria.weights import bn_scale, l1, l2


@dataclass(frozen=True)
class Criterion:
    """A way to score channels.

    needs "nothing": score(model, groups, selection), with seed= for "chance". "images": score(..., batches).
    "gradients": score(groups) gives an accumulator that is shown the model after each backward pass.
    """

    name: str
    needs: Literal["nothing", "chance", "images", "gradients"]
    score: Callable[..., Any]


CRITERIA = {
    entry.name: entry
    for entry in (
        Criterion("taylor", "gradients", Taylor),
        Criterion("l1", "nothing", l1),
        Criterion("l2", "nothing", l2),
        Criterion("bn-scale", "nothing", bn_scale),
        Criterion("activation", "images", activation),
        Criterion("random", "chance", random),
    )
}

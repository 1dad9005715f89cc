"""All criteria by name, and what each needs to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from core.channels.selection import Selection
from core.criteria.activation import activation
from core.criteria.random import random
from core.criteria.scores import Scores
from core.criteria.taylor import Taylor
from core.criteria.weights import bn_scale, l1, l2


class Accumulator(Protocol):
    """Scores gathered from gradients, batch by batch. `state` and `batches` are what a checkpoint keeps."""

    state: dict[str, Tensor]
    batches: int

    def see(self, model: nn.Module, selection: Selection) -> None:
        """Add one batch, from the gradients in the model."""

    def scores(self, selection: Selection) -> Scores:
        """Group -> score [n_g] of the batches seen."""

    def clear(self) -> None:
        """Forget the batches seen."""


@dataclass(frozen=True)
class Criterion:
    """A way to score channels; `core.pruning.scoring` calls it by what it needs.

    needs "nothing": score(model, groups, selection), with seed= for "chance". "images": score(..., batches).
    "gradients": score(groups) returns an Accumulator.
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

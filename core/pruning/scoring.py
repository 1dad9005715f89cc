"""Channel scores in a run: each criterion is called by what it looks at, here and nowhere else.

A new criterion is a file in `core/criteria` and a line in its registry; a method names it (`core.pruning.methods`).
"""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.selection import Selection
from core.criteria.registry import CRITERIA, Accumulator
from core.criteria.scores import Scores

Batches = Callable[[], Sequence[Tensor]]  # [B, 3, H, W] each; called only by criteria that look at images


class Scoring:
    """The scores of one criterion during a run.

    name: of the criterion in CRITERIA. A criterion that needs gradients gathers them batch by batch: call `see` after
    each backward pass, before the optimiser's step.
    """

    def __init__(self, name: str, groups: ChannelGroups, seed: int) -> None:
        self.criterion, self.groups, self.seed = CRITERIA[name], groups, seed
        self._gathered: Accumulator | None = self.criterion.score(groups) if self.gathers else None

    @property
    def gathers(self) -> bool:
        """Whether scores come from the gradients of training batches."""
        return self.criterion.needs == "gradients"

    def see(self, model: nn.Module, selection: Selection) -> None:
        """Add one batch, from the gradients in the model; nothing for a criterion that needs none."""
        if self._gathered is not None:
            self._gathered.see(model, selection)

    def scores(self, model: nn.Module, selection: Selection, batches: Batches) -> tuple[Scores, int]:
        """(group -> score [n_g], number of images passed forward for them)."""
        score = self.criterion.score
        if self._gathered is not None:
            return self._gathered.scores(selection), 0
        if self.criterion.needs == "images":
            images = batches()
            return score(model, self.groups, selection, images), sum(map(len, images))
        chance = {"seed": self.seed} if self.criterion.needs == "chance" else {}
        return score(model, self.groups, selection, **chance), 0

    def clear(self) -> None:
        """Forget the batches seen, as after surgery."""
        if self._gathered is not None:
            self._gathered.clear()

    @property
    def state(self) -> dict[str, Tensor]:
        """Tensors that a checkpoint has to keep."""
        return {} if self._gathered is None else self._gathered.state

    @property
    def batches(self) -> int:
        """Number of batches seen since the last `clear`."""
        return 0 if self._gathered is None else self._gathered.batches

    def restore(self, state: Mapping[str, Tensor], batches: int) -> None:
        """Continue from the `state` and `batches` of a checkpoint."""
        if self._gathered is not None:
            self._gathered.state, self._gathered.batches = dict(state), batches

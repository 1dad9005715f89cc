"""The methods a run can use, described without torch, in the order people are shown them."""

from dataclasses import dataclass
from typing import Literal

When = Literal["before training", "after scoring", "during training", "never"]


@dataclass(frozen=True)
class Method:
    """One method: its name in configs, its title and one line for students, and when it removes channels.

    criterion: the name of the criterion that scores its channels (`core.criteria.registry`); for a method that votes,
    of the evidence that dynamic votes are ranked by; None if it scores none. keeps_mask: whether its selection is that
    of another run. control: the words by which the checklist asks for it as a control; "" if it is none.
    """

    name: str
    title: str
    help: str
    needs_zoo: bool
    when: When
    criterion: str | None = None
    keeps_mask: bool = False
    control: str = ""

    @property
    def weights(self) -> str:
        """What kept entries start at unless a run asks for something else."""
        return "neighbours" if self.needs_zoo else "pretrained"

    @property
    def removes(self) -> bool:
        """Whether the keep ratio matters to this method."""
        return self.when != "never"


_ALL = (
    Method(
        "mvp",
        "Meta-Vote Pruning",
        "Similar tasks already have pruned models: each votes for the channels it kept, and the winners stay.",
        needs_zoo=True,
        when="before training",
        criterion="taylor",
    ),
    Method(
        "taylor",
        "Taylor, iterative",
        "Train, remove the channels whose loss would change least, train again, many rounds: slow and thorough.",
        needs_zoo=False,
        when="during training",
        criterion="taylor",
        control="Taylor, iterative",
    ),
    Method(
        "taylor-oneshot",
        "Taylor, one shot",
        "Score every channel once by how much the loss would change without it, and remove the rest in one go.",
        needs_zoo=False,
        when="after scoring",
        criterion="taylor",
        control="Taylor, one shot",
    ),
    Method(
        "magnitude",
        "Magnitude (L2)",
        "Keep the channels with the largest weights, by the square root of their summed squares. Needs no data.",
        needs_zoo=False,
        when="before training",
        criterion="l2",
        control="Magnitude",
    ),
    Method(
        "l1",
        "Magnitude (L1)",
        "Keep the channels with the largest weights, by the sum of their absolute values. Needs no data.",
        needs_zoo=False,
        when="before training",
        criterion="l1",
        control="Magnitude",
    ),
    Method(
        "bn-scale",
        "BatchNorm scale",
        "Keep the channels that BatchNorm multiplies by the largest factors. Needs no data.",
        needs_zoo=False,
        when="before training",
        criterion="bn-scale",
    ),
    Method(
        "activation",
        "Activation",
        "Keep the channels that respond most strongly to the task's own images.",
        needs_zoo=False,
        when="after scoring",
        criterion="activation",
    ),
    Method(
        "random",
        "Random channels",
        "Keep channels drawn by chance: the control that every other method has to beat.",
        needs_zoo=False,
        when="before training",
        criterion="random",
        control="Random channels",
    ),
    Method(
        "same-mask",
        "Mask of another run",
        "Keep the channels that a finished run kept, and train anew: tells what its mask is worth from what its "
        "weights are worth.",
        needs_zoo=False,
        when="before training",
        keeps_mask=True,
    ),
    Method(
        "dense",
        "Dense (unpruned)",
        "Remove nothing and fine-tune the whole backbone: the ceiling. The keep ratio is ignored.",
        needs_zoo=False,
        when="never",
        control="The unpruned network, as the ceiling",
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ALL}

"""What a network's outputs on labelled images amount to: accuracy, class by class and balanced, top-5, loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from core.pruning.events import MANY_CLASSES
from core.tasks.images import SPLITS

TOP = 5


@dataclass(frozen=True)
class Measures:
    """Shares in [0, 1]. by_class: each class's recall in the order of the labels, None for one without an image.

    balanced: the mean of those recalls. top5: None for tasks of at most MANY_CLASSES. loss: mean cross-entropy.
    """

    accuracy: float
    loss: float
    balanced: float
    by_class: tuple[float | None, ...]
    top5: float | None


def measures_of(logits: Tensor, labels: Tensor) -> Measures:
    """logits: [N, C]; labels: [N], N at least 1."""
    classes, right = logits.shape[1], logits.argmax(1) == labels
    there = labels.bincount(minlength=classes).tolist()
    hit = labels[right].bincount(minlength=classes).tolist()
    recalls = tuple(part / whole if whole else None for part, whole in zip(hit, there, strict=True))
    known = [recall for recall in recalls if recall is not None]
    return Measures(
        accuracy=int(right.sum()) / len(labels),
        loss=float(nn.functional.cross_entropy(logits, labels)),
        balanced=sum(known) / len(known),
        by_class=recalls,
        top5=share_in_top(logits, labels) if classes > MANY_CLASSES else None,
    )


def share_in_top(logits: Tensor, labels: Tensor, top: int = TOP) -> float:
    """Share of images whose label is among the `top` largest logits; of equal ones those of lower index come first.

    A logit that is not a number is in no top.
    """
    own = logits.gather(1, labels[:, None])
    place = (logits > own).sum(1)
    earlier = labels.new_tensor(range(logits.shape[1])) < labels[:, None]
    place = place + ((logits == own) & earlier).sum(1)
    return int(((place < top) & ~own[:, 0].isnan()).sum()) / len(labels)


def by_class(
    names: Sequence[str], labels: Sequence[Tensor], accuracy: Sequence[float | None]
) -> dict[str, dict[str, Any]]:
    """Class -> how many images each split has of it, and its "accuracy"; labels: one tensor a split, as in SPLITS."""
    counts = {split: mine.bincount(minlength=len(names)).tolist() for split, mine in zip(SPLITS, labels, strict=True)}
    return {
        name: {**{split: number[place] for split, number in counts.items()}, "accuracy": accuracy[place]}
        for place, name in enumerate(names)
    }

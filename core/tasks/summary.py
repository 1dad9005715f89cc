"""What a data set holds, class by class, before any task of it is pruned for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.tasks import allowed, folder
from core.tasks.balance import imbalance
from core.tasks.choose import chosen_classes
from core.tasks.datasets import DATASETS, FOLDER, class_names, class_title, load_dataset
from core.tasks.images import SPLITS
from core.tasks.memory import image_bytes
from core.tasks.task import ad_hoc_id

SIZES = (32, 64, 224)  # pixels at which memory is told


@dataclass(frozen=True)
class ClassCount:
    """A class: its name, what people read for it, and its images by split."""

    name: str
    title: str
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Summary:
    """The classes of a data set, or some of them; `task` is the id of the task they make, `split` how it is split."""

    dataset: str
    task: str
    classes: tuple[ClassCount, ...]
    split: str

    @property
    def images(self) -> dict[str, int]:
        """Split -> images of all these classes."""
        return {split: sum(getattr(one, split) for one in self.classes) for split in SPLITS}

    @property
    def imbalance(self) -> float | None:
        """Training images of the largest class for each of the smallest's."""
        return imbalance([one.train for one in self.classes])

    @property
    def bytes(self) -> dict[int, int]:
        """Side in pixels -> what the images take in memory, as they are stored."""
        return {side: image_bytes(sum(self.images.values()), side) for side in SIZES}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "dataset": self.dataset,
            "task": self.task,
            "images": self.images,
            "imbalance": self.imbalance,
            "split": self.split,
            "bytes": {str(side): size for side, size in self.bytes.items()},
            "classes": [asdict(one) for one in self.classes],
        }


def summarise(dataset: str, asked: Sequence[str] | None = None) -> Summary:
    """Count a data set's images; `asked`: only these classes, as `chosen_classes` reads them. No folder is decoded.

    Raises as `load_dataset` and `chosen_classes` do.
    """
    if dataset.startswith(FOLDER):
        allowed.permit(path := folder.path_of(dataset))
        dataset = f"{FOLDER}{allowed.check(path)}"
    names = class_names(dataset) if asked is None else chosen_classes(dataset, asked)
    counts, split = _folder(dataset, names) if dataset.startswith(FOLDER) else _named(dataset, names)
    found = tuple(ClassCount(name, class_title(dataset, name), **counts[name]) for name in names)
    return Summary(dataset, ad_hoc_id(dataset, None if asked is None else names), found, split)


def _folder(dataset: str, names: Sequence[str]) -> tuple[dict[str, dict[str, int]], str]:
    path = folder.path_of(dataset)
    return folder.counts(path, names), folder.split_rule(path)


def _named(dataset: str, names: Sequence[str]) -> tuple[dict[str, dict[str, int]], str]:
    loaded = load_dataset(dataset)
    counts = {
        name: {
            part: int(((loaded.labels == loaded.classes.index(name)) & (loaded.split == number)).sum())
            for number, part in enumerate(SPLITS)
        }
        for name in names
    }
    return counts, DATASETS[dataset].split

"""What a data set holds, class by class, before any task of it is pruned for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.tasks import allowed, folder
from core.tasks.balance import imbalance
from core.tasks.choose import chosen_classes
from core.tasks.datasets import DATASETS, FOLDER, class_names, class_title, load_dataset
from core.tasks.findings import NOTHING, Findings
from core.tasks.images import SPLITS
from core.tasks.listing import split_rule
from core.tasks.memory import image_bytes
from core.tasks.task import ad_hoc_id
from core.tasks.upload import found_in_zip

SIZES = (32, 64, 224)  # pixels at which memory is reported
MOST_CHECKED = 10_000  # images of a folder that are decoded to find unreadable and repeated ones


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
    """The classes of a data set, or some of them; `task` is the id of the task they make, `split` how it is split.

    splits: split -> the folders that state it; empty if none does. findings: what there is to say about its files;
    unreadable and repeated images only if `checked`, that is, if every image was decoded to find them.
    """

    dataset: str
    task: str
    classes: tuple[ClassCount, ...]
    split: str
    splits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    findings: Findings = NOTHING
    checked: bool = False

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
            "splits": {split: list(folders) for split, folders in self.splits.items()},
            "bytes": {str(side): size for side, size in self.bytes.items()},
            "classes": [asdict(one) for one in self.classes],
            "checked": self.checked,
            **self.findings.to_dict(),
        }


def summarise(
    dataset: str, asked: Sequence[str] | None = None, skip_unreadable: bool = False, check: bool = False
) -> Summary:
    """Count a data set's images; `asked`: only these classes, as `chosen_classes` reads them.

    check: decode the images of a folder to find unreadable and repeated ones, if there are at most MOST_CHECKED; those
    that cannot be decoded are not counted if they are to be skipped. Raises as `load_dataset` and `chosen_classes` do,
    but for unreadable images.
    """
    if not dataset.startswith(FOLDER):
        names = class_names(dataset) if asked is None else chosen_classes(dataset, asked)
        counts, split = _named(dataset, names)
        return Summary(dataset, _id(dataset, names, asked), _classes(dataset, counts, names), split)
    path = folder.path_of(dataset)
    dataset = f"{FOLDER}{path}"
    chosen = None if asked is None else chosen_classes(dataset, asked)
    listing = folder.listed(path, chosen)
    names = tuple(listing.images) if chosen is None else chosen
    found = folder.survey(listing, skip_unreadable, MOST_CHECKED if check else None)
    allowed.permit(path)
    left_out = (*found.findings.left_out, *found_in_zip(dataset).left_out)
    return Summary(
        dataset, _id(dataset, names, asked), _classes(dataset, found.counts, names), split_rule(found.layout),
        found.layout.splits, replace(found.findings, left_out=left_out), found.checked,
    )  # fmt: skip


@dataclass(frozen=True)
class Outline:
    """A data set's classes, and in a sentence which images serve which split."""

    classes: tuple[str, ...]
    split: str


def outline(dataset: str) -> Outline:
    """A data set's outline, without counting its images. Raises as `class_names`."""
    if not dataset.startswith(FOLDER):
        return Outline(class_names(dataset), DATASETS[dataset].split)
    layout = folder.layout(folder.path_of(dataset))
    return Outline(layout.classes, split_rule(layout))


def _id(dataset: str, names: Sequence[str], asked: Sequence[str] | None) -> str:
    return ad_hoc_id(dataset, None if asked is None else names)


def _classes(dataset: str, counts: Mapping[str, dict[str, int]], names: Sequence[str]) -> tuple[ClassCount, ...]:
    return tuple(ClassCount(name, class_title(dataset, name), **counts[name]) for name in names)


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

"""Folders whose names mean splits, among others: which belong together, and what they state."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.tasks.images import TEST, TRAIN, VALIDATION
from core.tasks.split_names import EVALUATION, split_named
from core.tasks.tree import Folder


def splits_inside(folders: Sequence[Folder]) -> list[Folder]:
    """The folders among these that state training and another split of one family; else none."""
    found = [
        family for family in families(folders).values() if TRAIN in family.values() and len(set(family.values())) > 1
    ]
    return [folder for family in found for folder in family]


def families(folders: Sequence[Folder]) -> dict[tuple[str, ...], dict[Folder, str]]:
    """Other words -> the folders whose names mean a split beside these words, each with its split."""
    found: dict[tuple[str, ...], dict[Folder, str]] = defaultdict(dict)
    for folder in folders:
        if named := split_named(folder.name):
            found[named[1]][folder] = named[0]
    return dict(found)


def with_evaluation(splits: Mapping[Folder, str]) -> dict[Folder, str]:
    """Splits with "evaluation" as what it stands for beside the others."""
    stated = set(splits.values())
    meant = TEST if VALIDATION in stated and TEST not in stated else VALIDATION
    return {one: meant if split == EVALUATION else split for one, split in splits.items()}


def is_split(folder: Folder) -> bool:
    """Whether a folder's name means a split, and nothing else."""
    return (named := split_named(folder.name)) is not None and not named[1]


def of_several_splits(folders: Sequence[Folder]) -> list[Folder]:
    """The folders named as splits alone, if they are of several splits."""
    found = [one for one in folders if is_split(one)]
    return found if len({split_named(one.name) for one in found}) > 1 else []


def wraps_splits(folder: Folder) -> bool:
    """Whether split folders are in a folder, or below it in folders that hold nothing else."""
    inside = folder.class_folders()
    while len(inside) == 1:
        inside = inside[0].class_folders()
    return bool(splits_inside(inside))

"""Which folder of a data set serves which split, and which folders are its classes: one rule for folders and zips.

Folders named as splits are splits if they hold class folders; a name alone decides nothing, as a class may be called
"train". What could be either is refused.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from core.errors import BadValueError
from core.tasks.files import is_utf8, printable
from core.tasks.images import TEST, TRAIN, VALIDATION
from core.tasks.split_names import EVALUATION, goes_with_images, split_named
from core.tasks.tree import Folder

_FEW = 6  # names in a sentence


@dataclass(frozen=True)
class Part:
    """A folder that class folders lie in, and the split that it states, or None. path: the folder's name as shown."""

    folder: Folder = field(repr=False)
    split: str | None
    path: str
    classes: tuple[Folder, ...] = field(repr=False)


@dataclass(frozen=True)
class Layout:
    """How a data set's folders are read. top: its own folder; root: the one that everything is in, below any wrappers.
    no_splits, empty: folders beside the split folders that are none of them, and folders named as splits without class
    folders in them."""

    top: Folder = field(repr=False)
    root: Folder = field(repr=False)
    parts: tuple[Part, ...]
    no_splits: tuple[Folder, ...] = ()
    empty: tuple[Folder, ...] = ()

    @property
    def by_split(self) -> bool:
        """Whether folders state the splits."""
        return self.parts[0].split is not None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({one.name for part in self.parts for one in part.classes}))

    @property
    def splits(self) -> dict[str, list[str]]:
        """Split -> the folders that state it."""
        found: dict[str, list[str]] = defaultdict(list)
        for part in self.parts:
            if part.split is not None:
                found[part.split].append(part.path)
        return dict(found)


def layout_of(top: Folder, what: str) -> Layout:
    """How a data set is to be read. what: its name in sentences. Looks no further than each class's first picture.

    Raises BadValueError for folders that could be read in two ways, or hold no classes; BadFileError for a folder that
    cannot be read.
    """
    return _Reader(what, top, top).layout()


def splits_inside(folders: Sequence[Folder]) -> list[Folder]:
    """The folders among these that state training and another split of one family; else none."""
    families = _families(folders)
    found = [family for family in families.values() if TRAIN in family.values() and len(set(family.values())) > 1]
    return [folder for family in found for folder in family]


def _families(folders: Sequence[Folder]) -> dict[tuple[str, ...], dict[Folder, str]]:
    """Other words -> the folders whose names mean a split beside these words, each with its split."""
    found: dict[tuple[str, ...], dict[Folder, str]] = defaultdict(dict)
    for folder in folders:
        if named := split_named(folder.name):
            found[named[1]][folder] = named[0]
    return dict(found)


class _Reader:
    """Reads the layout of one folder, `root`, of a data set."""

    def __init__(self, what: str, top: Folder, root: Folder) -> None:
        self.what, self.top, self.root = what, top, root
        self.folders = root.folders()
        self.holding = [one for one in self.folders if one.has_picture()]
        self.classes_in: dict[Folder, list[Folder]] = {}

    def layout(self) -> Layout:
        """The layout; below a folder that holds everything, the layout of that folder."""
        if not self.holding:
            return self.plain()  # which says what is wrong
        if len(self.holding) == 1 and (inner := self.below(self.holding[0])) is not None:
            return inner
        family = self.family()
        with_classes = {one: split for one, split in family.items() if one in self.holding and self.inside(one)}
        others = [one for one in self.holding if one not in family]
        if TRAIN in with_classes.values():
            return self.by_split(with_classes, others, family)
        if with_classes:
            return self.without_training(with_classes, others)
        return self.plain()

    def below(self, only: Folder) -> Layout | None:
        """The layout of the one folder that holds images; None if that folder is a class or the training images."""
        if not self.inside(only):
            return None
        if split_named(only.name) == (TRAIN, ()) and not _wraps_splits(only):
            return None
        return _Reader(self.what, self.top, only).layout()

    def family(self) -> dict[Folder, str]:
        """The folders whose names are splits. Other words in the names count if they are those of several splits."""
        families = _families(self.folders)
        several = {
            words: family
            for words, family in families.items()
            if TRAIN in (here := {split for one, split in family.items() if one in self.holding}) and len(here) > 1
        }
        if len(several) > 1:
            names = self.names([one for family in several.values() for one in family])
            self.refuse(f"has several sets of split folders, {names}: keep one set, or give the folder of one of them")
        return dict(next(iter(several.values())) if several else families.get((), {}))

    def inside(self, folder: Folder) -> list[Folder]:
        """The class folders in a split folder, below folders that merely wrap them, as in "train/train/cat"."""
        if folder not in self.classes_in:
            found = folder.class_folders()
            while len(found) == 1 and (deeper := found[0].class_folders()):
                found = deeper
            self.classes_in[folder] = found
        return self.classes_in[folder]

    def by_split(self, splits: dict[Folder, str], others: Sequence[Folder], family: Collection[Folder]) -> Layout:
        """Folders that state splits, training among them, and others beside them."""
        splits = _with_evaluation(splits)
        train = [one for one, split in splits.items() if split == TRAIN]
        if others and not self.surely_splits(splits) and not all(goes_with_images(one.name) for one in others):
            if all(one.has_loose_picture() for one in splits):
                return self.plain()  # a class with subfolders in it
            self.refuse(
                f"can be read in two ways: {self.names(train)} may hold the training images of "
                f"{self.names(self.inside(train[0]))}, or be a class beside {self.names(others)}. Rename it if it is a "
                f"class; move {self.names(others)} away if it is not"
            )
        self.check_once(splits)
        stated = set(splits.values())
        if TEST not in stated:  # then what others held out is the test part, and validation is drawn from training
            splits = {one: TEST if split == VALIDATION else split for one, split in splits.items()}
        parts = [self.part(one, split) for one, split in sorted(splits.items(), key=lambda item: item[0].parts)]
        if again := [one for part in parts for one in splits_inside(part.classes)]:
            self.refuse(
                f"has split folders inside split folders, such as '{self.shown(again[0])}': give the folder that holds "
                "one set of them"
            )
        rest = [one for one in self.folders if one not in splits]
        empty = [one for one in rest if one in family]
        return self.checked(
            Layout(self.top, self.root, tuple(parts), tuple(one for one in rest if one not in empty), tuple(empty))
        )

    def surely_splits(self, splits: Mapping[Folder, str]) -> bool:
        """Whether a class of the training folder is in another split's folder too."""
        train = {one.name for folder, split in splits.items() if split == TRAIN for one in self.inside(folder)}
        return any(
            one.name in train for folder, split in splits.items() if split != TRAIN for one in self.inside(folder)
        )

    def without_training(self, splits: dict[Folder, str], others: Sequence[Folder]) -> Layout:
        """Folders named as splits other than training that hold class folders."""
        if others and all(one.has_loose_picture() for one in splits):
            return self.plain()
        names = self.names(list(splits))
        if others:
            self.refuse(
                f"can be read in two ways: {names} may hold held-out images, or be a class beside "
                f"{self.names(others)}. Rename it if it is a class; move the other classes into 'train' if it is not"
            )
        self.refuse(f"has {names} but no folder of training images with class folders in it: name one 'train'")

    def plain(self) -> Layout:
        """Class folders without stated splits. Refuses those that are hardly classes: named as several splits, or as
        what goes with images."""
        several = splits_inside(self.holding) or _of_several_splits(self.holding)
        if several:
            self.refuse(
                f"has {self.names(several)}, which hold images but no class folders: give each class a subfolder in "
                "them, or rename them if they are classes"
            )
        odd = [one for one in self.holding if _is_split(one) or goes_with_images(one.name)]
        if len(self.holding) > 1 and len(odd) == len(self.holding):
            self.refuse(
                f"has {self.names(odd)}, which do not look like classes: give each class a subfolder with its images, "
                "or rename them if they are classes"
            )
        return self.checked(Layout(self.top, self.root, (Part(self.root, None, "", tuple(self.holding)),)))

    def part(self, folder: Folder, split: str) -> Part:
        """A split folder."""
        classes = self.inside(folder)
        return Part(folder, split, self.shown(folder), tuple(classes))

    def checked(self, layout: Layout) -> Layout:
        """The layout. Raises BadValueError for too few classes, and for a class name that cannot be stored."""
        names = layout.classes
        if not names:
            loose = ", as those that lie loose have none" if self.root.has_loose_picture() else ""
            raise BadValueError(
                f"{self.what} holds no images in class folders: give each class a subfolder with its images{loose}."
            )
        if bad := next((name for name in names if not is_utf8(name)), None):
            raise BadValueError(
                f"The class folder '{printable(bad)}' in {self.what} has a name that is not valid UTF-8: rename it."
            )
        if len(names) == 1:
            raise BadValueError(f"{self.what} has only one class, '{names[0]}': add a subfolder with another's images.")
        return layout

    def check_once(self, splits: Mapping[Folder, str]) -> None:
        """Refuse two folders for one split."""
        for split in dict.fromkeys(splits.values()):
            named = [one for one, its in splits.items() if its == split]
            if len(named) > 1:
                words = "training" if split == TRAIN else split
                self.refuse(f"has {len(named)} folders for {words}, {self.names(named)}: merge them, or move one away")

    def refuse(self, sentence: str) -> NoReturn:
        """Raise BadValueError."""
        where = "/".join(self.root.parts)
        inside = f", in '{printable(where)}'," if where else ""
        raise BadValueError(f"{self.what}{inside} {sentence}.")

    def names(self, folders: Sequence[Folder]) -> str:
        """'a', 'b' and 'c'; of many the first few."""
        quoted = [f"'{printable(one.name)}'" for one in folders[:_FEW]]
        if len(folders) > _FEW:
            return f"{', '.join(quoted)} and {len(folders) - _FEW} more"
        return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)

    def shown(self, folder: Folder) -> str:
        """A folder's path below the data set's own."""
        return printable("/".join(folder.parts))


def _with_evaluation(splits: Mapping[Folder, str]) -> dict[Folder, str]:
    """Splits with "evaluation" as what it stands for beside the others."""
    stated = set(splits.values())
    meant = TEST if VALIDATION in stated and TEST not in stated else VALIDATION
    return {one: meant if split == EVALUATION else split for one, split in splits.items()}


def _is_split(folder: Folder) -> bool:
    """Whether a folder's name means a split, and nothing else."""
    return (named := split_named(folder.name)) is not None and not named[1]


def _of_several_splits(folders: Sequence[Folder]) -> list[Folder]:
    """The folders named as splits alone, if they are of several splits."""
    found = [one for one in folders if _is_split(one)]
    return found if len({split_named(one.name) for one in found}) > 1 else []


def _wraps_splits(folder: Folder) -> bool:
    """Whether split folders are in a folder, or below it in folders that hold nothing else."""
    inside = folder.class_folders()
    while len(inside) == 1:
        inside = inside[0].class_folders()
    return bool(splits_inside(inside))

"""Which folder of a data set serves which split, and which folders are its classes: one rule for folders and zips.

Folders named as splits are splits if they hold class folders; a name alone decides nothing, as a class may be called
"train". What could be either is refused.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from core.tasks.class_folders import check_classes, classes_below, quoted, refusal
from core.tasks.files import printable
from core.tasks.images import TEST, TRAIN, VALIDATION
from core.tasks.split_folders import families, of_several_splits, splits_inside, with_evaluation, wraps_splits
from core.tasks.split_names import goes_with_images, split_named
from core.tasks.tree import Folder


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

    Raises BadValueError for folders that are ambiguous, or hold no classes; BadFileError for a folder that
    cannot be read.
    """
    return _Reader(what, top, top).layout()


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
        if split_named(only.name) == (TRAIN, ()) and not wraps_splits(only):
            return None
        return _Reader(self.what, self.top, only).layout()

    def family(self) -> dict[Folder, str]:
        """The folders whose names are splits, and those of the one family with other words that has several splits."""
        by_words = families(self.folders)
        several = {
            words: family
            for words, family in by_words.items()
            if TRAIN in (here := {split for one, split in family.items() if one in self.holding}) and len(here) > 1
        }
        if len(several) > 1:
            names = quoted([one for family in several.values() for one in family])
            self.refuse(f"has several sets of split folders, {names}: keep one set, or give the folder of one of them")
        return by_words.get((), {}) | next(iter(several.values()), {})

    def inside(self, folder: Folder) -> list[Folder]:
        """The class folders in a split folder, below folders that merely wrap them, as in "train/train/cat"."""
        if folder not in self.classes_in:
            self.classes_in[folder] = classes_below(folder)
        return self.classes_in[folder]

    def by_split(self, splits: dict[Folder, str], others: Sequence[Folder], family: Collection[Folder]) -> Layout:
        """Folders that state splits, training among them, and others beside them."""
        splits = with_evaluation(splits)
        train = [one for one, split in splits.items() if split == TRAIN]
        if others and not self.surely_splits(splits) and not all(goes_with_images(one.name) for one in others):
            if all(one.has_loose_picture() for one in splits):
                return self.plain()  # a class with subfolders in it
            self.refuse(
                f"is ambiguous: {quoted(train)} could be the training split with the classes "
                f"{quoted(self.inside(train[0]))}, or a class next to {quoted(others)}. If it is a class, rename it; "
                f"if not, move {quoted(others)} out"
            )
        self.check_no_other_family(splits, others)
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

    def check_no_other_family(self, splits: Mapping[Folder, str], others: Sequence[Folder]) -> None:
        """Refuse a folder with other words in its name that states a split which no folder of these does."""
        named = {one: split[0] for one in others if (split := split_named(one.name)) and self.inside(one)}
        meant, stated = with_evaluation({**named, **splits}), set(splits.values())
        if lacking := [one for one, split in meant.items() if split not in stated]:
            self.refuse(
                f"is ambiguous: {quoted(lacking)} could be the {meant[lacking[0]]} split of {quoted(list(splits))}, or "
                f"unrelated. If it is that split, rename it '{meant[lacking[0]]}'; if not, move it out"
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
        names = quoted(list(splits))
        if others:
            self.refuse(
                f"is ambiguous: {names} could be a held-out split, or a class next to {quoted(others)}. If it is a "
                "class, rename it; if not, move the other classes into 'train'"
            )
        self.refuse(f"has {names} but no training folder: add 'train' with one subfolder per class")

    def plain(self) -> Layout:
        """Class folders without stated splits. Refuses those named as several splits."""
        several = splits_inside(self.holding) or of_several_splits(self.holding)
        if several:
            self.refuse(
                f"has {quoted(several)}, which hold images but no class folders: give each class a subfolder in "
                "them, or rename them if they are classes"
            )
        return self.checked(Layout(self.top, self.root, (Part(self.root, None, "", tuple(self.holding)),)))

    def part(self, folder: Folder, split: str) -> Part:
        """A split folder."""
        classes = self.inside(folder)
        return Part(folder, split, self.shown(folder), tuple(classes))

    def checked(self, layout: Layout) -> Layout:
        """The layout. Raises BadValueError for class folders that are hardly classes."""
        check_classes([part.classes for part in layout.parts], self.root, self.what)
        return layout

    def check_once(self, splits: Mapping[Folder, str]) -> None:
        """Refuse two folders for one split."""
        for split in dict.fromkeys(splits.values()):
            named = [one for one, its in splits.items() if its == split]
            if len(named) > 1:
                words = "training" if split == TRAIN else split
                self.refuse(f"has {len(named)} folders for {words}, {quoted(named)}: merge them, or move one away")

    def refuse(self, sentence: str) -> NoReturn:
        """Raise BadValueError."""
        raise refusal(self.what, self.root, sentence)

    def shown(self, folder: Folder) -> str:
        """A folder's path below the data set's own."""
        return printable("/".join(folder.parts))

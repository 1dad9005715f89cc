"""The files of a data set's classes, each with its split, and why others are left out; on disk or in a zip."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.errors import BadValueError
from core.numbers import percent
from core.tasks.files import HIDDEN, LINKED_FOLDER, File, is_hidden, left_out_reason, printable
from core.tasks.findings import group_by_reason
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION, fraction
from core.tasks.layout import Layout
from core.tasks.split_folders import splits_inside
from core.tasks.tree import Folder

SHARES = {TEST: 0.20, VALIDATION: 0.15}
FEWEST = 3  # images of a class: one for each split
LOOSE = "outside the class folders"
NO_SPLIT = "in a folder that is not a split"
NO_CLASS = "in a folder without images"
LeftOutFile = tuple[str, str]  # the reason, and the path


@dataclass(frozen=True)
class Listing:
    """The images of some classes. what: the data set's name in sentences. images: class -> (file, the split that its
    folder states, or None), in order. left_out_of: class -> other files in its folders."""

    layout: Layout
    what: str
    images: dict[str, list[tuple[File, str | None]]]
    left_out_of: dict[str, list[LeftOutFile]]

    @property
    def left_out(self) -> list[LeftOutFile]:
        """The files in the classes' folders that are not images of theirs."""
        return [one for files in self.left_out_of.values() for one in files]

    @property
    def files(self) -> list[File]:
        """All images."""
        return [file for files in self.images.values() for file, _ in files]


def shown(file: File | Folder) -> str:
    """A file's path below the data set's folder, as it is printed and stored."""
    return printable("/".join(file.parts))


def listing_of(layout: Layout, names: Iterable[str], what: str) -> Listing:
    """The images of these classes, sorted by path. Raises BadValueError for splits inside a class folder."""
    folders: dict[str, list[tuple[Folder, str | None]]] = defaultdict(list)
    for part in layout.parts:
        for one in part.classes:
            folders[one.name].append((one, part.split))
    images: dict[str, list[tuple[File, str | None]]] = {}
    left_out: dict[str, list[LeftOutFile]] = {}
    for name in sorted(names):
        images[name], left_out[name] = [], []
        for folder, split in folders[name]:
            files, others = _walked(folder, what)
            images[name] += [(file, split) for file in files]
            left_out[name] += others
    return Listing(layout, what, images, left_out)


def outside(layout: Layout) -> Iterator[LeftOutFile]:
    """The files below a data set's folder that are in none of its class folders, each with the reason."""
    classes = {one.parts for part in layout.parts for one in part.classes}
    above = {parts[:depth] for parts in classes for depth in range(len(parts))}
    named = {one.parts: NO_SPLIT for one in layout.no_splits} | {one.parts: LOOSE for one in layout.empty}

    def below(folder: Folder, reason: str) -> Iterator[LeftOutFile]:
        for one in folder.entries():
            if isinstance(one, File):
                own = left_out_reason(one)
                yield (reason if reason == NO_SPLIT and own != HIDDEN else own or reason), shown(one)
            elif is_hidden(one.name):
                yield HIDDEN, shown(one)
            elif one.parts in above:
                yield from below(one, LOOSE)
            elif one.linked and one.parts not in classes:
                yield LINKED_FOLDER, shown(one)
            elif one.parts not in classes:
                inherited = NO_CLASS if folder.parts in above else reason
                yield from below(one, named.get(one.parts, inherited))

    yield from below(layout.top, LOOSE)


def _walked(folder: Folder, what: str) -> tuple[list[File], list[LeftOutFile]]:
    """(the images below a class folder, sorted; the files there that are left out)."""
    files: list[File] = []
    left_out: list[LeftOutFile] = []
    folders: dict[tuple[str, ...], list[Folder]] = defaultdict(list)
    for one in folder.walk():
        if isinstance(one, Folder):
            folders[one.parts[:-1]].append(one)
            if one.linked or is_hidden(one.name):
                left_out.append((LINKED_FOLDER if one.linked else HIDDEN, shown(one)))
        elif reason := left_out_reason(one):
            left_out.append((reason, shown(one)))
        else:
            files.append(one)
    for inside in folders.values():
        _check_no_splits(folder, inside, what)
    return sorted(files, key=lambda file: file.parts), left_out


def _check_no_splits(folder: Folder, inside: Sequence[Folder], what: str) -> None:
    """Refuse a class folder that holds split folders: their images would be mixed, and split again."""
    splits = [one for one in splits_inside(inside) if one.has_picture()]
    if splits_inside(splits):
        names = " and ".join(f"'{shown(one)}'" for one in splits[:3])
        raise BadValueError(
            f"{what} has split folders inside a class folder, {names}: put the split folders outside, such as "
            f"train/{folder.name}, or give the folder that holds them."
        )


def split_of_each(listing: Listing, name: str, without: Collection[File] = ()) -> dict[File, str]:
    """Image -> split, of one class: the stated one, else by a hash of its path; each split has one at least.

    without: images to do as if they were not there. Raises BadValueError for a class with too few images, or with none
    in a folder that states a split.
    """
    layout, what = listing.layout, listing.what
    files = [(file, split) for file, split in listing.images[name] if file not in without]
    if len(files) < FEWEST:
        others = group_by_reason(listing.left_out_of[name])
        seen = "".join(f", with {one.count} left out: {one.reason}" for one in others[:1])
        raise BadValueError(
            f"The class '{name}' in {what} has {len(files)} image(s), and each class needs {FEWEST} or more, "
            f"for training, validation and test{seen}: add some, or remove its folder."
        )
    out = {file: split or TRAIN for file, split in files}
    stated = {split for _, split in files}
    for split, folders in layout.splits.items():
        if split != TRAIN and split not in stated:
            raise BadValueError(
                f"The class '{name}' in {what} has no images in '{folders[0]}', where other classes have "
                "theirs: add some, or leave this class out of the task."
            )
    free = [file for file, split in files if split in (None, TRAIN)]
    free.sort(key=lambda file: fraction("/".join(file.parts[len(layout.root.parts) :])))
    for split, share in SHARES.items():
        if split not in stated:
            number = max(1, round(share * len(files)))
            out.update(dict.fromkeys(free[:number], split))
            free = free[number:]
    lacking = [split for split in SPLITS if split not in out.values()]
    if lacking:
        raise BadValueError(
            f"The class '{name}' in {what} has too few images for {lacking[0]}: add some to its training images."
        )
    return out


def split_rule(layout: Layout) -> str:
    """One sentence: which images are for training, validation and test."""
    validation, test = percent(SHARES[VALIDATION]), percent(SHARES[TEST])
    given = {split: folders[0] for split, folders in layout.splits.items()}
    if not given:
        below = f", in '{shown(layout.root)}'" if layout.root.parts else ""
        drawn = f"{test} of each class for test, {validation} for validation, the rest for training"
        return f"By hash of the file name{below}: {drawn}."
    drawn = f"{validation} of all images of each class, drawn by file-name hash from '{given[TRAIN]}'"
    parts = [f"'{given[TRAIN]}' for training"]
    parts.append(f"'{given[VALIDATION]}' for validation" if VALIDATION in given else f"{drawn}, for validation")
    also = f"{test} of all images of each class, drawn by file-name hash from '{given[TRAIN]}', for test"
    parts.append(f"'{given[TEST]}' for test" if TEST in given else also)
    empty = _left("no class folders", layout.empty)
    return f"By folder: {', '.join(parts)}{empty}{_left('not a split', layout.no_splits)}."


def _left(why: str, folders: Sequence[Folder]) -> str:
    return f"; left out ({why}): {', '.join(map(shown, folders))}" if folders else ""

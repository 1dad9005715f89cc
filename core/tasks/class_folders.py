"""Class folders of a data set: where they are below a folder, and which cannot be classes."""

from collections.abc import Sequence
from itertools import combinations

from core.errors import BadValueError
from core.tasks.files import is_utf8, printable
from core.tasks.split_folders import is_split, splits_inside
from core.tasks.split_names import goes_with_images
from core.tasks.tree import Folder

_FEW = 6  # names in a sentence


def classes_below(folder: Folder) -> list[Folder]:
    """The class folders in a folder, below folders that merely wrap them, as in "train/train/cat"."""
    found = folder.class_folders()
    while len(found) == 1 and (deeper := found[0].class_folders()):
        found = deeper
    return found


def check_classes(parts: Sequence[Sequence[Folder]], root: Folder, what: str) -> None:
    """Refuse class folders that cannot be classes. parts: those that lie together, such as those of one split.

    Raises BadValueError for too few, a name that cannot be stored, names that are all those of splits or of what goes
    with images, and class folders that all hold the same class folders.
    """
    named = {one.name: one for part in parts for one in part}
    if not named:
        loose = " (images outside class folders have no class)" if root.has_loose_picture() else ""
        raise BadValueError(
            f"{what} holds no images in class folders: give each class a subfolder with its images{loose}."
        )
    if bad := next((name for name in sorted(named) if not is_utf8(name)), None):
        raise BadValueError(
            f"The class folder '{printable(bad)}' in {what} has a name that is not valid UTF-8: rename it."
        )
    if len(named) == 1:
        raise BadValueError(f"{what} has only one class, '{next(iter(named))}': add a subfolder for another class.")
    if all(is_split(one) or goes_with_images(one.name) for one in named.values()):
        raise refusal(
            what,
            root,
            f"has {quoted(list(named.values()))}, which do not look like classes: give each class a subfolder with its "
            "images, or rename them if they are classes",
        )
    for part in parts:
        _check_one_level(part, root, what)


def _check_one_level(classes: Sequence[Folder], root: Folder, what: str) -> None:
    """Refuse folders of which several hold the same class folders, and no images beside them: "fold1/cat", "fold1/dog",
    "fold2/cat", "fold2/dog"."""
    below = {one: classes_below(one) for one in classes if not one.has_loose_picture()}
    inner = {one: {each.name for each in found} for one, found in below.items() if not splits_inside(found)}
    shared = next((common for a, b in combinations(inner.values(), 2) if len(common := a & b) > 1), None)
    if shared is None:
        return
    outer = [one for one, names in inner.items() if shared <= names]
    both = [each for each in below[outer[0]] if each.name in shared]
    raise refusal(
        what,
        root,
        f"is ambiguous: the classes could be {quoted(outer)}, or {quoted(both)} in each of them. If they are the outer "
        "folders, move their images out of the inner ones; if they are the inner ones, merge the outer ones, or name "
        "them as splits, such as 'train' and 'test'",
    )


def refusal(what: str, root: Folder, sentence: str) -> BadValueError:
    """The error for a data set whose folder `root` cannot be read in one way."""
    where = "/".join(root.parts)
    inside = f", in '{printable(where)}'," if where else ""
    return BadValueError(f"{what}{inside} {sentence}.")


def quoted(folders: Sequence[Folder]) -> str:
    """'a', 'b' and 'c'; of many the first few."""
    names = [f"'{printable(one.name)}'" for one in folders[:_FEW]]
    if len(folders) > _FEW:
        return f"{', '.join(names)} and {len(folders) - _FEW} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

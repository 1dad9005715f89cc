"""From what people name classes by (names, other names, patterns) to the classes they mean."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from core.errors import BadValueError, UnknownNameError
from core.tasks import emoji
from core.tasks.datasets import FOLDER, class_names, class_title


def chosen_classes(dataset: str, asked: Sequence[str]) -> tuple[str, ...]:
    """The classes meant, in the order asked, those of a pattern such as "animal-*" in the data set's own.

    A class is named by itself or by another name of it: a Unicode subgroup of `emoji`, the title of a folder's class.
    A pattern (*, ?, [ab]) is held against names, and against titles where it fits no name; a class that is there
    already is not taken again. Raises UnknownNameError for what names no class, BadValueError for a class named twice
    and for fewer than two classes.
    """
    known = class_names(dataset)
    here, also = set(known), other_names(dataset, known)
    found: dict[str, str] = {}  # class -> what it was asked for by
    for name in asked:
        if name in here or name in also:
            own = name if name in here else also[name]
            if own in found and not _is_pattern(found[own]):
                raise BadValueError(_twice(own, found[own], name))
            found.setdefault(own, name)
        elif _is_pattern(name):
            for own in _matching(dataset, known, name):
                found.setdefault(own, name)
        else:
            raise UnknownNameError(f"{dataset} class", name, known, also)
    if len(found) < 2:
        raise BadValueError(f"A task needs at least two classes, not {len(found)}: name more of them.")
    return tuple(found)


def other_names(dataset: str, known: Sequence[str]) -> Mapping[str, str]:
    """Other name -> the class it stands for; a title that two classes have stands for neither."""
    if dataset == "emoji":
        return emoji.aliases()
    if not dataset.startswith(FOLDER):
        return {}
    titles = {name: class_title(dataset, name) for name in known}
    often = Counter(titles.values())
    return {title: name for name, title in titles.items() if often[title] == 1}


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _matching(dataset: str, known: Sequence[str], pattern: str) -> list[str]:
    """The classes that a pattern fits, by name or else by title, in the data set's order."""
    by_name = [name for name in known if fnmatchcase(name, pattern)]
    found = by_name or [name for name in known if fnmatchcase(class_title(dataset, name), pattern)]
    if not found:
        raise UnknownNameError(f"{dataset} class like", pattern, known)
    return found


def _twice(own: str, first: str, again: str) -> str:
    also = "" if first == again else f" ('{first}' and '{again}' are both part of it)"
    return f"The class '{own}' is listed twice{also}: name each class once."

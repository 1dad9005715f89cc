"""A task: a data set and an ordered tuple of its classes, under a stable, readable id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadFileError
from core.tasks.datasets import FOLDER, class_title

LONGEST_TITLE = 5
_ESCAPES = {"%": "%25", "+": "%2B", ":": "%3A"}  # the characters that mean something in an ad hoc id
_SPACE = "%20"  # one that a class's name begins or ends with


@dataclass(frozen=True)
class Task:
    """A classification problem. Made by `core.tasks.catalogue.task`, which checks names; labels count in this order."""

    id: str
    dataset: str
    classes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people read: "mammals, birds, tools"; of many classes the first few, then how many there are."""
        names = [class_title(self.dataset, name) for name in self.classes[:LONGEST_TITLE]]
        more = f"… ({len(self.classes)} classes)" if len(self.classes) > LONGEST_TITLE else ""
        return ", ".join(names) + more

    def shared(self, other: "Task") -> int:
        """How many classes both tasks have."""
        return len(set(self.classes) & set(other.classes)) if self.dataset == other.dataset else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Task":
        """The task that `to_dict` wrote. Raises BadFileError where a part is missing."""
        try:
            return cls(str(data["id"]), str(data["dataset"]), tuple(map(str, data["classes"])))
        except (KeyError, TypeError) as error:
            raise BadFileError(f"A task needs an id, a dataset and classes, but this one lacks {error}.") from error


def ad_hoc_id(dataset: str, classes: Sequence[str] | None = None) -> str:
    """The id of a task that nobody named: "emoji:tool+plant", "folder:/path:a+b"; without classes, of all of them."""
    name = FOLDER + _escape(dataset.removeprefix(FOLDER)) if dataset.startswith(FOLDER) else dataset
    return name if classes is None else f"{name}:{'+'.join(map(_escape_class, classes))}"


def parse_ad_hoc_id(text: str) -> tuple[str, tuple[str, ...] | None]:
    """(data set, classes or None for all of them) of an id in the form of `ad_hoc_id`; names are not looked up."""
    prefix = FOLDER if text.startswith(FOLDER) else ""
    name, colon, listed = text.removeprefix(prefix).partition(":")
    classes = tuple(_unescape(part.strip(" ")) for part in listed.split("+")) if colon else None
    return prefix + _unescape(name) if prefix else name, classes


def _escape(text: str) -> str:
    return re.sub(r"[%+:]", lambda found: _ESCAPES[found[0]], text)


def _escape_class(text: str) -> str:
    """A class in an id: as spaces around it are none of it, those that are are written out."""
    return re.sub(r"\A +| +\Z", lambda found: _SPACE * len(found[0]), _escape(text))


def _unescape(text: str) -> str:
    plain = {code: character for character, code in _ESCAPES.items()} | {_SPACE: " "}
    return re.sub(r"%(?:25|2B|3A|20)", lambda found: plain[found[0]], text)

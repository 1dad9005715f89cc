"""What there is to say about a data set's files before anything trains on them: files left out, unreadable images, and
images that are there more than once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadFileError
from core.numbers import count, counted

LISTED = 20  # unreadable images and repeats that are named
EXAMPLES = 3  # files named for a reason


@dataclass(frozen=True)
class LeftOut:
    """Files that are left out for one reason: how many, and the paths of a few."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be decoded, and why, in a few words."""

    file: str
    reason: str


@dataclass(frozen=True)
class Repeat:
    """Files that hold the same image, with the classes and the splits they are in: several of one or the other."""

    files: tuple[str, ...]
    classes: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Of a data set, or some of its classes. Paths are below its folder.

    skipped: unreadable images that are left out, as requested. unreadable: those that stop a run.
    """

    left_out: tuple[LeftOut, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    skipped: tuple[Unreadable, ...] = ()
    repeats: tuple[Repeat, ...] = ()

    def to_dict(self, most: int | None = LISTED) -> dict[str, Any]:
        """Plain data for JSON: counts, and up to `most` of each; None for all."""
        return {
            "left_out": [asdict(one) | {"examples": list(one.examples)} for one in self.left_out],
            "unreadable": _listing(self.unreadable, most),
            "skipped": _listing(self.skipped, most),
            "repeats": {
                "count": len(self.repeats),
                "images": [
                    {name: list(value) for name, value in asdict(one).items()} for one in self.repeats[:most]
                ],
            },
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Findings":
        """What `to_dict` wrote, as far as it was listed there. Raises KeyError, TypeError for something else."""
        return cls(
            tuple(LeftOut(one["reason"], one["count"], tuple(one["examples"])) for one in data["left_out"]),
            tuple(Unreadable(**one) for one in data["unreadable"]["files"]),
            tuple(Unreadable(**one) for one in data["skipped"]["files"]),
            tuple(Repeat(**{name: tuple(value) for name, value in one.items()}) for one in data["repeats"]["images"]),
        )

    def sentences(self) -> list[str]:
        """What people should know before training; empty if there is nothing."""
        made = []
        if self.left_out:
            parts = [f"{count(one.count)} {one.reason} ({_some(one.examples, one.count)})" for one in self.left_out]
            made.append(f"Files left out: {'; '.join(parts)}.")
        if self.skipped:
            are = "is" if len(self.skipped) == 1 else "are"
            made.append(f"{_cannot_be_read(self.skipped)} and {are} left out: {named(self.skipped)}.")
        if self.unreadable:
            made.append(f"{_cannot_be_read(self.unreadable)}: {named(self.unreadable)}.")
        return [*made, *repeat_sentences(self.repeats)]


NOTHING = Findings()


def group_by_reason(reasons: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Left-out files by reason, the most frequent first, from pairs of (reason, path)."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    for reason, path in sorted(reasons):  # a folder lists its files in no order
        counts[reason] += 1
        if len(examples[reason]) < EXAMPLES:
            examples[reason].append(path)
    return tuple(LeftOut(reason, number, tuple(examples[reason])) for reason, number in counts.most_common())


def repeats_of(rows: Iterable[tuple[bytes, str, str, str]]) -> tuple[Repeat, ...]:
    """The images that are in several classes or several splits, from (digest, path, class, split) of each image."""
    same: dict[bytes, list[tuple[str, str, str]]] = defaultdict(list)
    for digest, *about in rows:
        same[digest].append((about[0], about[1], about[2]))
    found = []
    for group in same.values():
        classes, splits = (tuple(dict.fromkeys(one[place] for one in group)) for place in (1, 2))
        if len(classes) > 1 or len(splits) > 1:
            found.append(Repeat(tuple(one[0] for one in group), classes, splits))
    return tuple(found)


def repeat_sentences(repeats: Sequence[Repeat]) -> list[str]:
    """A sentence for images in several classes, and one for images in several splits."""
    made = []
    for kind, several in (
        ("class", [one for one in repeats if len(one.classes) > 1]),
        ("split", [one for one in repeats if len(one.splits) > 1]),
    ):
        if several:
            are = "is" if len(several) == 1 else "are"
            first = " = ".join(several[0].files[:EXAMPLES])
            made.append(f"{counted(len(several), 'image')} {are} in more than one {kind}, such as {first}.")
    return made


def named(files: Sequence[Unreadable]) -> str:
    """ "cat/1.png (truncated), cat/2.png (empty)"; of more than LISTED the first ones, and how many more there are."""
    shown = ", ".join(f"{one.file} ({one.reason})" for one in files[:LISTED])
    return shown if len(files) <= LISTED else f"{shown}, and {count(len(files) - LISTED)} more"


def unreadable_error(files: Sequence[Unreadable], total: int, what: str, remedy: str, above: str = "") -> BadFileError:
    """The error that names unreadable images of `total`. what: the data set; above: what precedes their paths if only
    one is named; remedy: what to do with them, which stand there as {them}."""
    if len(files) == 1:
        (one,) = files
        return BadFileError(f"The image {above}{one.file} cannot be read ({one.reason}): {remedy.format(them='it')}.")
    advice = remedy.format(them="them")
    return BadFileError(
        f"{count(len(files))} of the {count(total)} images in {what} cannot be read: {named(files)}. "
        f"{advice[0].upper()}{advice[1:]}."
    )


def skipped_record(files: Sequence[Unreadable]) -> dict[str, Any]:
    """What a run's result keeps of the images it skipped: {"skipped": {"count", "files"}}; empty for none."""
    return {"skipped": _listing(files, LISTED)} if files else {}


def _cannot_be_read(files: Sequence[Unreadable]) -> str:
    return f"{counted(len(files), 'image')} cannot be read"


def _listing(files: Sequence[Unreadable], most: int | None) -> dict[str, Any]:
    return {"count": len(files), "files": [asdict(one) for one in files[:most]]}


def _some(examples: Sequence[str], number: int) -> str:
    return ", ".join(examples) + (", …" if number > len(examples) else "")

"""Checks of values that came from a file: whether each is of its kind and in range.

Whatever reads a checked value later may take that for granted. `first_wrong` names the first field that is not.
"""

import sys
from collections.abc import Callable, Collection, Mapping

Check = Callable[[object], bool]
Fields = Mapping[str, Check]
LARGEST = 2**63 - 1  # the largest whole number that tables and databases hold
LATEST = 7_258_118_400  # seconds since the epoch: the year 2200
LONGEST = 3_155_760_000  # seconds: a hundred years
MOST_SHOWN = 40  # characters of a value in a sentence


def is_text(value: object) -> bool:
    """Whether it is text, empty or not, that can be stored: neither halves of characters nor NUL."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(value: object) -> bool:
    """Whether it is text that is not blank."""
    return is_text(value) and bool(str(value).strip())


def is_finite(value: object) -> bool:
    """Whether it is a finite number, however large."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def is_number(value: object) -> bool:
    """Whether it is a number that tables hold: finite, and at most LARGEST either way."""
    return is_finite(value) and abs(value) <= LARGEST  # type: ignore[arg-type]


def is_amount(value: object) -> bool:
    """Whether it is a number of at least 0."""
    return is_number(value) and value >= 0  # type: ignore[operator]


def is_share(value: object) -> bool:
    """Whether it is a number from 0 to 1."""
    return is_amount(value) and value <= 1  # type: ignore[operator]


def is_whole(value: object) -> bool:
    """Whether it is a whole number of at least 0."""
    return isinstance(value, int) and is_amount(value)


def is_count(value: object) -> bool:
    """Whether it is a whole number of at least 1."""
    return is_whole(value) and value != 0


def is_colours(value: object) -> bool:
    """Whether it is one finite number for each of the three colours."""
    return listed(is_finite)(value) and len(value) == 3  # type: ignore[arg-type]


def is_scale(value: object) -> bool:
    """Whether it is one number above 0 for each of the three colours, by which images are divided."""
    return is_colours(value) and all(one > 0 for one in value)  # type: ignore[attr-defined]


def is_time(value: object) -> bool:
    """Whether it is a moment, in seconds since the epoch."""
    return is_amount(value) and value <= LATEST  # type: ignore[operator]


def is_duration(value: object) -> bool:
    """Whether it is a number of seconds that something can have taken."""
    return is_amount(value) and value <= LONGEST  # type: ignore[operator]


def or_none(check: Check) -> Check:
    """A check that lets None through."""
    return lambda value: value is None or check(value)


def one_of(known: Collection[str]) -> Check:
    """A check that the value is one of these texts."""
    return lambda value: isinstance(value, str) and value in known


def listed(check: Check) -> Check:
    """A check of a list whose items pass a check."""
    return lambda value: isinstance(value, list | tuple) and all(map(check, value))


def by_name(check: Check) -> Check:
    """A check of a dictionary whose keys are text and whose values pass a check."""
    return lambda value: isinstance(value, dict) and all(map(is_text, value)) and all(map(check, value.values()))


def shortened(value: object) -> str:
    """A value as a sentence quotes it, however long it is."""
    shown = repr(value)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"


def first_wrong(about: Mapping[str, object], always: Fields, at_times: Fields | None = None) -> str | None:
    """The first field that is missing or fails its check; None if all pass. `at_times`: fields that may be missing."""
    wrong = [name for name, good in always.items() if name not in about or not good(about[name])]
    wrong += [name for name, good in (at_times or {}).items() if name in about and not good(about[name])]
    return wrong[0] if wrong else None

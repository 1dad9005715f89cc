"""Arguments of the Python interface: one decorator reads every one, and refuses what does not fit in one sentence."""

import functools
import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping, Set, Sized
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from types import FunctionType, GeneratorType, NoneType
from typing import Any, ParamSpec, TypeVar, get_args, get_type_hints

import numpy as np

from core.errors import BadValueError, UnknownNameError

P = ParamSpec("P")
R = TypeVar("R")
LONGEST = 60  # characters shown of a value that was refused


class UnfitError(Exception):
    """Raised by a kind's `read`.

    remedy: for this very value; "": the kind's usual one. item: of a list, what does not fit in it.
    """

    def __init__(self, remedy: str = "", item: str = "") -> None:
        super().__init__(remedy)
        self.remedy, self.item = remedy, item


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    words: "a whole number of at least 1". remedy: what to give instead. read: the value in its plain type (an int for
    numpy's int64); raises UnfitError.
    """

    words: str
    remedy: str
    read: Callable[[Any], Any]


def takes(call: str, **kinds: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: the function gets its arguments as their kinds read them.

    call: the function as people write it, "core.vote". kinds: of its arguments, and of all that its `**settings` may
    hold. Raises BadValueError for a value that does not fit and for a missing argument, UnknownNameError for the name
    of an argument that it does not have.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        rest = next((name for name, one in signature.parameters.items() if one.kind is one.VAR_KEYWORD), None)
        named = [name for name in signature.parameters if name not in ("self", rest)]
        known = [*named, *(name for name in kinds if name not in named)]

        @functools.wraps(function)
        def checked(*values: P.args, **settings: P.kwargs) -> R:
            if unknown := next((name for name in settings if name not in known), None):
                raise UnknownNameError(f"argument of {call}()", unknown, known)
            try:
                bound = signature.bind(*values, **settings)
            except TypeError as error:
                raise _unbound(call, signature, kinds, values, settings) from error
            extra = bound.arguments.get(rest, {}) if rest is not None else {}
            for name, kind in kinds.items():
                for given in (bound.arguments, extra):
                    if name in given:
                        given[name] = _read(kind, call, name, given[name])
            return function(*bound.args, **bound.kwargs)

        return checked

    return decorated


def _read(kind: Kind, call: str, name: str, value: object) -> Any:
    try:
        return kind.read(value)
    except UnfitError as unfit:
        found = shown(value) + (f" that holds {unfit.item}" if unfit.item else "")
        raise BadValueError(
            f"The argument {name} of {call}() must be {kind.words}, not {found}: {unfit.remedy or kind.remedy}."
        ) from None


def _unbound(
    call: str,
    signature: inspect.Signature,
    kinds: Mapping[str, Kind],
    values: tuple[Any, ...],
    settings: Mapping[str, Any],
) -> BadValueError:
    """What is wrong with arguments that a function cannot be called with."""
    places = [one for one in signature.parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    names = [one.name for one in places if one.name != "self"]
    count = len(values) - (len(places) - len(names))
    if count > len(names):
        return BadValueError(
            f"{call}() takes {len(names)} positional arguments ({', '.join(names)}), not {count}: name the rest."
        )
    if twice := next((name for name in names[:count] if name in settings), None):
        return BadValueError(f"{call}() was given the argument {twice} twice: give it once.")
    without = [one.name for one in places if one.default is one.empty]
    missing = next(name for name in names[count:] if name in without and name not in settings)
    words = kinds[missing].words if missing in kinds else "a value"
    return BadValueError(f"{call}() needs the argument {missing}: give {words}.")


def shown(value: object) -> str:
    """A value in a few words: '0.2', "a list of 3", "the class ResNet", "an object of type Task"."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, FunctionType):
        return f"the function {value.__name__}"
    if isinstance(value, GeneratorType):
        return "a generator"
    if isinstance(value, os.PathLike):
        return f"the path {_short(str(value))}"
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"{'an empty' if not value else 'a'} {type(value).__name__}{f' of {len(value)}' if value else ''}"
    if value is None or isinstance(value, (str, bytes, Real)):
        return _short(repr(value))
    return f"an object of type {type(value).__name__}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def instance(words: str, remedy: str, *types: type, hint: Callable[[Any], str] = lambda value: "") -> Kind:
    """A value of one of these types. hint: the remedy for one that is not; "" for the usual."""

    def read(value: Any) -> Any:
        if not isinstance(value, types):
            raise UnfitError(hint(value))
        return value

    return Kind(words, remedy, read)


def text(words: str, remedy: str, hint: Callable[[Any], str] = lambda value: "") -> Kind:
    """A str. hint: as in `instance`."""
    plain = instance(words, remedy, str, hint=hint)
    return replace(plain, read=lambda value: str(plain.read(value)))


def path(words: str, remedy: str, hint: Callable[[Any], str] = lambda value: "") -> Kind:
    """A path as a str, of a str that is not empty or a `Path`. hint: as in `instance`."""

    def read(value: Any) -> str:
        if not isinstance(value, (str, os.PathLike)) or not str(value).strip():
            raise UnfitError(hint(value))
        return str(value)

    return Kind(words, remedy, read)


def whole(remedy: str, least: int | None = None) -> Kind:
    """An int, of at least `least`; True and False are none."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral) or (least is not None and value < least):
            raise UnfitError(_unquoted(value, int))
        return int(value)

    return Kind("a whole number" if least is None else f"a whole number of at least {least}", remedy, read)


def number(words: str, remedy: str, fits: Callable[[float], bool] = lambda value: True) -> Kind:
    """A finite float that `fits`; True and False are none."""

    def read(value: Any) -> float:
        found = _finite(value)
        if found is None or not fits(found):
            raise UnfitError(_unquoted(value, float))
        return found

    return Kind(words, remedy, read)


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _unquoted(value: object, parse: Callable[[str], object]) -> str:
    """The remedy for a number in quotes; "" for anything else."""
    try:
        return f"write {parse(value)} without quotes" if isinstance(value, str) else ""
    except ValueError:
        return ""


_FLAG = instance("True or False", "give one of the two", bool, np.bool_)
FLAG = replace(_FLAG, read=lambda value: bool(_FLAG.read(value)))
SHARE = number("a number above 0 and at most 1", "try 0.2", lambda value: 0 < value <= 1)


def optional(kind: Kind) -> Kind:
    """That, or None."""
    return Kind(f"{kind.words}, or None", kind.remedy, lambda value: None if value is None else kind.read(value))


def several(
    words: str, remedy: str, item: Kind, count: int | None = None, hint: Callable[[Any], str] = lambda value: ""
) -> Kind:
    """A tuple of what a list, a tuple, a generator or an array holds, all of one kind; text, sets and dicts are none.

    count: how many; None: any number. hint: as in `instance`, for what is no list.
    """

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, (str, bytes, Mapping, Set)) or not _listing(value):
            raise UnfitError(_unordered(value) or hint(value))
        found = tuple(map(checked, value))
        if count not in (None, len(found)):
            raise UnfitError
        return found

    def checked(one: Any) -> Any:
        try:
            return item.read(one)
        except UnfitError as unfit:
            raise UnfitError(unfit.remedy, shown(one)) from None

    return Kind(words, remedy, read)


def _listing(value: object) -> bool:
    """Whether a value lists others: arrays without dimensions have `__iter__`, but no length."""
    if not isinstance(value, Iterable):
        return False
    try:
        return len(value) >= 0 if isinstance(value, Sized) else True
    except TypeError:
        return False


def _unordered(value: object) -> str:
    return "a set has no order: give a list" if isinstance(value, Set) else ""


def choice(name: str, known: Iterable[str]) -> Kind:
    """One of the names in `known`; raises UnknownNameError for another. name: what they are names of."""
    names = tuple(known)
    plain = text(f"a {name}", f"choose one of: {', '.join(names)}")

    def read(value: Any) -> str:
        found: str = plain.read(value)
        if found not in names:
            raise UnknownNameError(name, found, names)
        return found

    return replace(plain, read=read)


def kinds_of(settings: type, **known: Kind) -> dict[str, Kind]:
    """Field of a dataclass -> its kind: as `known`, else by its type alone; ranges are the dataclass's own matter."""
    hints = get_type_hints(settings)
    return {one.name: known.get(one.name) or _kind_of(hints[one.name], one.default) for one in fields(settings)}


def _kind_of(hint: Any, default: object) -> Kind:
    remedy = f"such as {default!r}" if isinstance(default, (str, Real)) else "leave it out for the usual"
    plain = {str: text("a name", remedy), int: whole(remedy), float: number("a number", remedy), bool: FLAG}
    if NoneType in get_args(hint):
        (inner,) = (one for one in get_args(hint) if one is not NoneType)
        return optional(_kind_of(inner, default))
    if hint in plain:
        return plain[hint]
    item = get_args(hint)[0]
    return several(f"a list of {'names' if item is str else 'numbers'}", remedy, plain[item])

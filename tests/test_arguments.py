"""Arguments are read by one decorator: their plain types are handed on, anything else is refused in a sentence."""

import inspect
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arguments import (
    FLAG,
    SHARE,
    Kind,
    UnfitError,
    instance,
    kinds_of,
    number,
    optional,
    path,
    several,
    takes,
    text,
    whole,
)
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.tasks.task import Task


@takes("f", number=SHARE, many=several("a list of numbers", "try [1]", whole("try 1")), flag=FLAG)
def example(number: float, many: Any = (), flag: bool = False, **more: Any) -> tuple[Any, ...]:
    """An example."""
    return number, many, flag, more


def test_the_decorator_hands_on_what_it_has_read_and_leaves_the_function_as_it_was() -> None:
    assert example(np.float64(0.5), many=(one for one in "")) == (0.5, (), False, {})
    assert example(1, [np.int8(1)], True) == (1.0, (1,), True, {})
    assert example.__name__ == "example" and example.__doc__ == "An example."
    assert list(inspect.signature(example).parameters) == ["number", "many", "flag", "more"]


@pytest.mark.parametrize("value", [True, np.True_, np.array([True])[0], False, np.False_])
def test_a_flag_may_be_numpys(value: Any) -> None:
    assert type(FLAG.read(value)) is bool and FLAG.read(value) == value


JUNK = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)),
    *(st.complex_numbers(), st.fractions(), st.lists(st.integers(), max_size=2), st.sets(st.integers())),
    st.dictionaries(st.text(), st.none()),
)
KINDS: list[tuple[Kind, type]] = [
    *((FLAG, bool), (SHARE, float), (whole("", 0), int), (number("", ""), float), (text("", ""), str)),
    *((path("", ""), str), (several("", "", whole("")), tuple), (several("", "", text("", ""), 2), tuple)),
    (instance("", "", Task), Task),
]


@pytest.mark.parametrize("kind, plain", KINDS)
@given(value=st.one_of(JUNK, st.lists(JUNK, max_size=3)))
def test_a_kind_gives_its_plain_type_or_refuses_and_nothing_else(kind: Kind, plain: type, value: object) -> None:
    for one, allowed in ((kind, (plain,)), (optional(kind), (plain, type(None)))):
        try:
            found = one.read(value)
        except UnfitError:
            continue
        assert type(found) in allowed
        assert found is None or one.read(found) == found  # what was read is read as itself


def test_numbers_that_no_float_holds_are_refused() -> None:
    for huge in (10**400, Fraction(10**400), float("inf"), float("nan")):
        with pytest.raises(BadValueError, match="The argument number of f"):
            example(huge)


def test_kinds_follow_from_the_types_of_a_dataclass() -> None:
    kinds = kinds_of(RunConfig)
    assert kinds["iterations"].words == "a whole number" and kinds["iterations"].remedy == "such as 60"
    assert kinds["k"].read(None) is None and kinds["weights"].read(None) is None
    assert kinds["chosen"].read(["a"]) == ("a",)
    with pytest.raises(UnfitError):
        kinds["dynamic"].read(1)

"""Classes by name, by another name, and by pattern."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core
from core.errors import BadValueError, UnknownNameError
from core.tasks import catalogue
from core.tasks.choose import chosen_classes
from core.tasks.datasets import class_names
from tests.tasks.test_folder import fill

ANIMALS = tuple(name for name in class_names("emoji") if name.startswith("animal-"))


def test_a_pattern_means_the_classes_it_fits_in_the_data_sets_order() -> None:
    assert len(ANIMALS) > 2 and chosen_classes("emoji", ["animal-*"]) == ANIMALS
    assert chosen_classes("emoji", ["tool", "animal-*"]) == ("tool", *ANIMALS)
    assert chosen_classes("emoji", ["animal-bir?", "[t]ool"]) == ("animal-bird", "tool")
    assert chosen_classes("emoji", ["*"]) == class_names("emoji")


def test_a_task_by_pattern_holds_the_classes_themselves_in_python_and_in_its_id() -> None:
    task = core.task("emoji", classes=["animal-*", "tool"])
    assert task.classes == (*ANIMALS, "tool")
    assert task.id == f"emoji:{'+'.join(task.classes)}"
    assert catalogue.task("emoji: animal-* + tool") == task == catalogue.task(task.id)


def test_what_a_pattern_has_taken_already_is_not_taken_again_but_a_name_given_twice_is_refused() -> None:
    assert chosen_classes("emoji", ["animal-bird", "animal-*"])[0] == "animal-bird"
    assert sorted(chosen_classes("emoji", ["animal-bird", "animal-*", "animal-*"])) == sorted(ANIMALS)
    assert chosen_classes("emoji", ["animal-*", "animal-bird"]) == ANIMALS
    with pytest.raises(BadValueError, match="'tool' is listed twice"):
        chosen_classes("emoji", ["tool", "animal-*", "tool"])


@pytest.mark.parametrize("asked", [["animl-*"], ["tool", "plant", "*-nonesuch"]])
def test_a_pattern_that_fits_nothing_is_refused_in_one_sentence(asked: list[str]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        chosen_classes("emoji", asked)
    assert f"There is no emoji class like '{asked[-1]}':" in str(caught.value) and "\n" not in str(caught.value)


def test_a_pattern_that_fits_one_class_alone_makes_no_task() -> None:
    with pytest.raises(BadValueError, match="at least two classes, not 1"):
        chosen_classes("emoji", ["animal-bir?"])


def test_a_class_whose_name_looks_like_a_pattern_is_meant_by_its_name(tmp_path: Path) -> None:
    dataset = f"folder:{fill(tmp_path, 3, ('cat', 'cat [old]', 'cat o', 'dog'))}"
    assert chosen_classes(dataset, ["cat [old]", "dog"]) == ("cat [old]", "dog")
    assert chosen_classes(dataset, ["cat*"]) == ("cat", "cat [old]", "cat o")


@given(st.lists(st.sampled_from(["animal-*", "food-*", "*-sport", "tool", "plant", "??ol", "face-[cs]*"]), min_size=1))
def test_whatever_is_asked_the_classes_are_known_ones_each_once_and_name_themselves(asked: list[str]) -> None:
    fitting = {name for name in class_names("emoji") for pattern in asked if fnmatchcase(name, pattern)}
    try:
        found = chosen_classes("emoji", asked)
    except BadValueError:
        assert len(fitting) < 2 or any(asked.count(name) > 1 for name in ("tool", "plant"))
        return
    assert len(set(found)) == len(found) and set(found) == fitting
    assert chosen_classes("emoji", found) == found

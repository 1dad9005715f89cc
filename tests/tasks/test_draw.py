"""Tasks drawn by chance: always the same ones, no two alike, targets held out, refused where there are not so many."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadValueError, UnknownNameError
from core.tasks.catalogue import task
from core.tasks.draw import Draw, drawn_tasks
from core.tasks.task import Task


def problem(one: Task) -> frozenset[str]:
    return frozenset(one.classes)


@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 10), st.integers(0, 5), st.booleans())
def test_a_draw_holds_its_targets_out_and_repeats_itself(
    number: int, size: int, targets: int, seed: int, disjoint: bool
) -> None:
    wanted = Draw("fashion-mnist", number, size, targets, seed, disjoint)
    try:
        zoo, held_out = drawn_tasks(wanted)
    except BadValueError:
        assert disjoint  # of ten classes there are enough otherwise
        return
    assert (len(zoo), len(held_out)) == (number, targets)
    assert len({problem(one) for one in (*zoo, *held_out)}) == number + targets
    assert all(len(one.classes) == size and task(one.id) == one for one in (*zoo, *held_out))
    assert drawn_tasks(wanted) == (zoo, held_out)
    if disjoint:
        assert not {c for one in zoo for c in one.classes} & {c for one in held_out for c in one.classes}


def test_another_seed_draws_others_and_every_problem_can_be_drawn() -> None:
    one, other = (drawn_tasks(Draw("fashion-mnist", 5, 3, seed=seed))[0] for seed in (0, 1))
    assert one != other
    everything, _ = drawn_tasks(Draw("fashion-mnist", comb(10, 3), 3))
    assert len({problem(each) for each in everything}) == 120


def test_tasks_that_are_there_already_are_not_drawn_again() -> None:
    first, _ = drawn_tasks(Draw("fashion-mnist", 60, 3))
    rest, _ = drawn_tasks(Draw("fashion-mnist", 60, 3, seed=4), first)
    assert not {problem(one) for one in first} & {problem(one) for one in rest}


@pytest.mark.parametrize(
    "wanted, words",
    [
        (Draw("fashion-mnist", 121, 3), "only 120 more tasks of 3 classes, not 121 zoo tasks"),
        (Draw("fashion-mnist", 110, 3, targets=20), "only 10 more tasks of 3 classes, not 20 targets"),
        (Draw("fashion-mnist", 3, 11), "10 classes, too few for tasks of 11"),
        (Draw("fashion-mnist", 3, 6, targets=1, disjoint=True), "too few for tasks of 6 and 6 that only targets have"),
        (Draw("fashion-mnist", 0, 3), "tasks must be a whole number of at least 1"),
        (Draw("fashion-mnist", 3, 1), "classes must be a whole number of at least 2"),
        (Draw("fashion-mnist", True, 3), "whole number"),
        (Draw("cifar100", 501, 5), "at most 500 tasks, not 501: draw fewer"),
        (Draw("cifar100", 5, 5, targets=101, disjoint=True), "at most 100 targets, not 101: draw fewer"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_drawing(wanted: Draw, words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        drawn_tasks(wanted)


def test_a_draw_of_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        drawn_tasks(Draw("fashion", 3, 3))

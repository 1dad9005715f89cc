"""A run class by class."""

from typing import Any

import pytest

from core.reports.by_class import (
    ClassFigures,
    balanced_where_uneven,
    class_figures,
    imbalance_of,
    least_accurate,
    uneven_words,
)


def result(*train: int) -> dict[str, Any]:
    return {
        "classes": {
            f"c{n}": {"train": count, "validation": 1, "test": 2, "accuracy": n / 10} for n, count in enumerate(train)
        }
    }


def test_the_figures_of_each_class_are_read_in_the_tasks_order() -> None:
    assert class_figures(result(9, 3)) == [ClassFigures("c0", 9, 1, 2, 0.0), ClassFigures("c1", 3, 1, 2, 0.1)]
    assert class_figures(None) == class_figures({"test_accuracy": 0.5}) == []


@pytest.mark.parametrize(
    "train, ratio, uneven",
    [((40, 40), 1.0, False), ((60, 40), 1.5, False), ((61, 40), 1.525, True), ((9, 0), None, False), ((), None, False)],
)
def test_a_task_is_imbalanced_where_its_largest_class_has_over_one_and_a_half_times_the_smallest(
    train: tuple[int, ...], ratio: float | None, uneven: bool
) -> None:
    assert imbalance_of(result(*train)) == ratio
    assert bool(uneven_words(ratio)) is uneven
    assert balanced_where_uneven(0.7, ratio) == (0.7 if uneven else None)


def test_of_many_classes_the_least_accurate_are_shown() -> None:
    every = class_figures(result(1, 1, 1, 1))
    assert least_accurate(every, 4) == every
    assert [one.name for one in least_accurate(every[::-1], 2)] == ["c0", "c1"]
    unknown = [ClassFigures("x", 1, 1, 0, None), *every]
    assert "x" not in [one.name for one in least_accurate(unknown, 4)]

"""Trust in single points of a map, and the place of a point that came later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MismatchError
from core.neighbours.trust import placed_between, point_trust


def by_hand(embeddings: np.ndarray, coordinates: np.ndarray, k: int) -> list[float]:
    def nearest(points: np.ndarray, row: int) -> set[int]:
        others = [other for other in range(len(points)) if other != row]
        return set(sorted(others, key=lambda other: float(np.linalg.norm(points[other] - points[row])))[:k])

    return [len(nearest(embeddings, row) & nearest(coordinates, row)) / k for row in range(len(embeddings))]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 30), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_trust_is_the_share_of_map_neighbours_that_are_true_ones(tasks: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings, coordinates = rng.normal(size=(tasks, 8)), rng.normal(size=(tasks, 2))
    expected = by_hand(embeddings, coordinates, min(k, tasks - 1))
    np.testing.assert_allclose(point_trust(embeddings, coordinates, k), expected)


def test_a_map_that_bends_nothing_is_trusted_wholly() -> None:
    flat = np.random.default_rng(0).normal(size=(30, 2))
    assert (point_trust(np.hstack([flat, np.zeros((30, 5))]), flat) == 1).all()


def test_a_point_put_among_strangers_is_not_trusted() -> None:
    groups = np.repeat([[0.0, 0.0], [100.0, 0.0]], 6, axis=0) + np.random.default_rng(1).normal(size=(12, 2))
    moved = groups.copy()
    moved[0] = groups[8] + 0.01
    trust = point_trust(groups, moved, k=4)
    assert trust[0] == 0 and trust[1:6].mean() > 0.7


def test_one_task_alone_is_trusted_and_unequal_numbers_are_refused() -> None:
    assert point_trust([[1.0, 2.0]], [[0.0, 0.0]]).tolist() == [1.0]
    with pytest.raises(MismatchError, match="give one for each task"):
        point_trust(np.ones((3, 2)), np.ones((2, 2)))


def test_a_new_point_lies_on_a_task_it_equals_and_between_those_it_is_between() -> None:
    rows = np.array([[0.0, 0], [2, 0], [100, 0]])
    flat = np.array([[0.0, 0.0], [4.0, 8.0], [50.0, 50.0]])
    assert placed_between([2.0, 0.0], rows, flat, k=2) == pytest.approx((4.0, 8.0), abs=1e-6)
    assert placed_between([1.0, 0.0], rows, flat, k=2) == pytest.approx((2.0, 4.0))
    x, y = placed_between([0.5, 0.0], rows, flat, k=2)
    assert (x, y) == pytest.approx((1.0, 2.0))  # three times nearer to the first

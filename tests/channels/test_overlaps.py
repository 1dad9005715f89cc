"""Overlaps of many selections at once, against those of one pair at a time."""

import numpy as np
import pytest

from core.channels.overlaps import clustered, overlap_matrix
from core.channels.selection import Selection, mean_overlap
from core.errors import MismatchError
from tests.channels.test_slim import drawn

SIZES = {"a": 20, "b": 9}


def test_the_matrix_holds_the_overlap_of_each_pair() -> None:
    several = [drawn(SIZES, keep, seed) for seed, keep in enumerate((0.3, 0.5, 0.2, 0.9))]
    one, every = overlap_matrix(several, "a"), overlap_matrix(several)
    for i, mine in enumerate(several):
        assert np.isnan(one[i, i]) and np.isnan(every[i, i])
        for j, other in enumerate(several):
            if i != j:
                assert one[i, j] == pytest.approx(mine.overlap(other, "a"))
                assert every[i, j] == pytest.approx(mean_overlap(mine, other))


def test_selections_of_two_backbones_have_no_overlap() -> None:
    with pytest.raises(MismatchError, match="of one backbone"):
        overlap_matrix([drawn(SIZES, 0.5), drawn({"a": 20}, 0.5)])


def test_like_stands_beside_like() -> None:
    def near(start: int) -> Selection:
        return Selection({"a": tuple(range(start, start + 8))}, {"a": 40})

    shuffled = [near(start) for start in (0, 20, 1, 21, 2, 22)]
    order = clustered(overlap_matrix(shuffled))
    assert sorted(order) == [*range(6)]
    assert {row % 2 for row in order[:3]} in ({0}, {1})


@pytest.mark.parametrize("count", [1, 2])
def test_few_selections_stay_as_they_are(count: int) -> None:
    assert clustered(overlap_matrix([drawn(SIZES, 0.5, seed) for seed in range(count)])) == [*range(count)]

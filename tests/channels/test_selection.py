"""A selection names the kept channels of every group in the backbone's coordinates, and refuses what cannot be one."""

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.channels.selection import (
    Selection,
    chance_overlap,
    check_keep,
    kept_count,
    mean_overlap,
    overlap_by_group,
)
from core.errors import BadValueError, MismatchError, UnknownNameError

SIZES = {"conv1": 6, "layer1": 4}


def selections(sizes: dict[str, int] = SIZES) -> st.SearchStrategy[Selection]:
    def channels(size: int) -> st.SearchStrategy[tuple[int, ...]]:
        return st.sets(st.integers(0, size - 1), min_size=1).map(lambda kept: tuple(sorted(kept)))

    return st.fixed_dictionaries({group: channels(size) for group, size in sizes.items()}).map(
        lambda kept: Selection(kept, sizes)
    )


def test_ratios_count_channels_of_one_group_or_of_all() -> None:
    selection = Selection({"conv1": (0, 5), "layer1": (1, 2, 3)}, SIZES)
    assert selection.keep_ratio("conv1") == pytest.approx(1 / 3)
    assert selection.keep_ratio() == 0.5
    assert selection.channel_sparsity == 0.5
    assert str(selection) == "5 of 10 channels in 2 groups"
    assert repr(selection) == "Selection(5 of 10 channels in 2 groups)"


def test_full_selection_keeps_every_channel() -> None:
    full = Selection.full(SIZES)
    assert full.keep_ratio() == 1.0
    assert full.channel_sparsity == 0.0
    assert full.kept["layer1"] == (0, 1, 2, 3)


def test_groups_follow_the_order_of_the_sizes() -> None:
    selection = Selection({"layer1": (0,), "conv1": (1,)}, SIZES)
    assert selection.groups == tuple(selection.kept) == ("conv1", "layer1")


def test_mask_is_true_where_kept() -> None:
    assert Selection({"conv1": (0, 5), "layer1": (1,)}, SIZES).mask("conv1").tolist() == [True] + [False] * 4 + [True]


def test_arrays_become_plain_integers() -> None:
    selection = Selection({"g": np.array([1, 3])}, {"g": np.int64(4)})  # type: ignore[dict-item]
    assert selection == Selection({"g": (1, 3)}, {"g": 4})
    assert json.loads(json.dumps(selection.to_dict())) == {"kept": {"g": [1, 3]}, "sizes": {"g": 4}}


@pytest.mark.parametrize(
    "kept",
    [(), (2, 1), (1, 1), (-1, 2), (0, 4), (0.5,), ("a",)],
    ids=["none kept", "unsorted", "repeated", "negative", "too high", "fraction", "text"],
)
def test_impossible_channels_are_refused(kept: Any) -> None:
    with pytest.raises(BadValueError, match="'g'"):
        Selection({"g": kept}, {"g": 4})


def test_groups_without_a_size_are_refused() -> None:
    with pytest.raises(MismatchError, match="'b'"):
        Selection({"a": (0,), "b": (0,)}, {"a": 1})


def test_a_selection_of_no_groups_is_refused() -> None:
    with pytest.raises(BadValueError, match="at least one channel group"):
        Selection.full({})


def test_unknown_group_is_named() -> None:
    with pytest.raises(UnknownNameError, match="conv1"):
        Selection.full(SIZES).keep_ratio("conv2")


@pytest.mark.parametrize("data", [{}, {"kept": {"g": [0]}}, {"kept": 3, "sizes": {"g": 1}}, []])
def test_damaged_plain_data_is_refused(data: Any) -> None:
    with pytest.raises(BadValueError):
        Selection.from_dict(data)


@given(selections())
def test_round_trips_through_json_and_pickle(selection: Selection) -> None:
    restored = Selection.from_dict(json.loads(json.dumps(selection.to_dict())))
    assert restored == selection == pickle.loads(pickle.dumps(selection))
    assert hash(restored) == hash(selection)


@given(selections(), selections())
def test_overlap_is_intersection_over_union(a: Selection, b: Selection) -> None:
    for group, size in SIZES.items():
        both = sum(c in a.kept[group] and c in b.kept[group] for c in range(size))
        either = sum(c in a.kept[group] or c in b.kept[group] for c in range(size))
        assert a.overlap(b, group) == both / either == overlap_by_group(a, b)[group]


@given(selections(), selections())
def test_overlap_is_symmetric_within_bounds_and_one_with_itself(a: Selection, b: Selection) -> None:
    assert mean_overlap(a, b) == mean_overlap(b, a)
    assert 0.0 <= mean_overlap(a, b) <= 1.0
    assert mean_overlap(a, a) == 1.0


def test_selections_of_different_backbones_have_no_overlap() -> None:
    other = Selection.full({"conv1": 8, "layer1": 4})
    with pytest.raises(MismatchError):
        Selection.full(SIZES).overlap(other, "conv1")
    with pytest.raises(MismatchError):
        overlap_by_group(Selection.full(SIZES), other)


def test_chance_overlap_matches_random_selections() -> None:
    rng, size = np.random.default_rng(0), 1000
    for keep in (0.1, 0.5, 0.8):
        count = kept_count(keep, size)
        a, b = (Selection({"g": np.sort(rng.permutation(size)[:count])}, {"g": size}) for _ in range(2))  # type: ignore[dict-item]
        assert a.overlap(b, "g") == pytest.approx(chance_overlap(keep), abs=0.04)
    assert chance_overlap(1.0) == 1.0


@pytest.mark.parametrize("keep", [0, -0.1, 1.5, math.nan, math.inf, "0.2", None, True, [0.2]])
def test_keep_ratios_outside_their_range_are_refused(keep: Any) -> None:
    with pytest.raises(BadValueError, match="above 0 and at most 1"):
        check_keep(keep)


def test_refusal_of_a_keep_ratio_says_what_to_do() -> None:
    with pytest.raises(BadValueError, match=r"^Keep ratio must be above 0 and at most 1, not 1\.5: try 0\.2\.$"):
        kept_count(1.5, 10)


@given(st.floats(0, 1, exclude_min=True), st.integers(1, 2048), st.integers(1, 8))
def test_kept_count_is_the_rounded_share_within_its_limits(keep: float, size: int, minimum: int) -> None:
    count = kept_count(keep, size, minimum)
    assert min(minimum, size) <= count <= size
    assert count in (minimum, size) or abs(count - keep * size) <= 0.5
    assert kept_count(1.0, size) == size

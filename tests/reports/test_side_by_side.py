"""Parts of a comparison: curves by what was spent, Pareto fronts, masks, and only what differs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.channels.selection import Selection, chance_overlap
from core.errors import MismatchError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Pruned
from core.reports.curves import Point, curve, macs_spent, mean_curve
from core.reports.differences import differing_settings, settings_of, shared_settings
from core.reports.masks import chance_of_two, compare_masks
from core.reports.pareto import pareto_front
from core.runs.record import RunRecord

DENSE = 9_000_000


def record(total: float | None, status: str = "finished", **settings: object) -> RunRecord:
    config = RunConfig(**({"task": "emoji-t00", "iterations": 10, "batch": 2} | settings))  # type: ignore[arg-type]
    result = None if total is None else {"cost": {"macs": total}, "dense": {"macs": DENSE}}
    return RunRecord("run", config, status, 0.0, result=result)


def pruned(iteration: int, macs: int) -> Pruned:
    return Pruned(iteration, {"a": 1}, {"a": 5}, 0.8, 100, macs, 0.0)


def test_macs_grow_by_a_forward_and_a_backward_pass_of_the_network_as_wide_as_it_then_was() -> None:
    one = 3 * 2  # forward and backward, two images
    training = one * (4 * DENSE + 6 * 500_000)
    spent = macs_spent(record(training + 77), [pruned(4, 500_000)])
    assert spent[0] == 77  # all that is no training is paid at the start
    assert spent[4] - spent[3] == one * DENSE
    assert spent[5] - spent[4] == one * 500_000
    assert spent[10] == training + 77


def test_macs_of_a_run_that_goes_on_or_lacks_its_account_are_not_guessed() -> None:
    assert macs_spent(record(None, "running"), []) == {}
    assert macs_spent(record(10.0), []) == {}  # less than its training alone would have cost
    (point,) = curve(record(None, "running"), [Evaluation(3, 0.5, 1.0, 2.0)])
    assert point == Point(3, 0.5, 2.0, None)


def test_a_mean_curve_is_over_all_runs_or_not_at_all() -> None:
    one = [Point(0, 0.2, 0.0), Point(5, 0.4, 1.0), Point(10, 0.6, 2.0)]
    two = [Point(0, 0.4, 0.0), Point(10, 0.8, 2.0)]
    first, last = mean_curve([one, two])
    assert (first.iteration, first.accuracy, first.n) == (0, pytest.approx(0.3), 2)
    assert (last.iteration, last.accuracy) == (10, pytest.approx(0.7))
    assert last.sd == pytest.approx(np.std([0.6, 0.8], ddof=1))
    assert [point.sd for point in mean_curve([one])] == [None] * 3


def beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and a != b


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_the_front_is_what_brute_force_finds_unbeaten(points: list[tuple[int, int]]) -> None:
    front = pareto_front(points)
    assert sorted(front) == [i for i, one in enumerate(points) if not any(beats(other, one) for other in points)]
    costs = [points[i][0] for i in front]
    assert costs == sorted(costs)


def test_masks_are_counted_channel_by_channel() -> None:
    sizes = {"a": 6, "b": 4}
    one, two = Selection({"a": (0, 1, 2), "b": (0,)}, sizes), Selection({"a": (1, 2, 5), "b": (3,)}, sizes)
    a, b = compare_masks(one, two)
    assert (a.both, a.only_a, a.only_b, a.neither) == (2, 1, 1, 2)
    assert (a.overlap, b.overlap) == (0.5, 0.0)
    assert a.overlap == one.overlap(two, "a")
    assert a.chance == pytest.approx(chance_overlap(0.5))


def test_masks_of_different_networks_are_not_compared() -> None:
    with pytest.raises(MismatchError, match="different networks"):
        compare_masks(Selection({"a": (0,)}, {"a": 2}), Selection({"a": (0,)}, {"a": 3}))


@pytest.mark.parametrize("a, b", [*itertools.combinations_with_replacement([0.1, 0.3, 0.6, 1.0], 2)])
def test_chance_is_what_random_masks_overlap_by(a: float, b: float) -> None:
    rng, size = np.random.default_rng(0), 4000
    overlaps = []
    for _ in range(20):
        one, two = (rng.permutation(size) < keep * size for keep in (a, b))
        overlaps.append((one & two).sum() / (one | two).sum())
    assert chance_of_two(a, b) == pytest.approx(np.mean(overlaps), abs=0.01)


def test_only_settings_with_two_values_differ() -> None:
    configs = [RunConfig("t", k=3), RunConfig("t", k=5), RunConfig("t", method="magnitude")]
    assert differing_settings(configs) == {
        "method": ["mvp", "mvp", "magnitude"],
        "k": [3, 5, None],
        "weights": ["neighbours", "neighbours", "pretrained"],
    }
    assert differing_settings(configs[:1]) == {}
    assert shared_settings(configs)["task"] == "t" and "k" not in shared_settings(configs)


def test_a_setting_that_does_not_matter_is_not_told() -> None:
    assert "keep" not in settings_of(RunConfig("t", method="dense"))
    assert "k" not in settings_of(RunConfig("t", method="random"))
    assert settings_of(RunConfig("t", method="same-mask", mask_of="run-1"))["mask_of"] == "run-1"


def test_how_fast_a_run_was_told_to_be_can_be_left_out() -> None:
    configs = [RunConfig("t", threads=1), RunConfig("t", threads=2)]
    assert differing_settings(configs) == {"threads": [1, 2]}
    assert differing_settings(configs, how=False) == {}

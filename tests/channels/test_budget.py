"""Budgets are hit within 2 % or refused, on any network: never too wide, never too narrow, in the widths allowed."""

from collections.abc import Iterator, Mapping
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.channels.budget import ALLOCATIONS, SHARES_OF, TOLERANCE, Allowance, Budget, relative, standings
from core.channels.layers import HEAD, Layers, Size, Term
from core.channels.selection import kept_count, kept_counts, widths_of
from core.errors import BadValueError, MetaVoteError
from core.zoo.zoo import open_zoo

KEEPS = st.floats(0.02, 1)
OFS, HOWS = st.sampled_from(SHARES_OF), st.sampled_from(ALLOCATIONS)


def stack(sizes: Mapping[str, int]) -> Layers:
    """Convolutions one after the other on shrinking images, then a head: each reads what the one before computes."""
    terms, before, image = [], {}, 16
    for group in sizes:
        each = Size(9, 9 * image * image, 36)
        terms.append(Term(group, ({group: 1}, before) if before else ({group: 1},), each))
        before, image = {group: 1}, max(1, image // 2)
    terms.append(Term("head", ({HEAD: 1}, before), Size(1, 1, 4)))
    return Layers(16, tuple(terms))


def of_network(sizes: Mapping[str, int], budget: Budget) -> Allowance:
    return Allowance(budget, sizes, stack(sizes), classes=3)


@st.composite
def networks(draw: st.DrawFn, most: int = 14) -> dict[str, int]:
    return {f"g{n}": draw(st.integers(1, most)) for n in range(draw(st.integers(1, 3)))}


def drawn_standing(sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return standings(relative({group: rng.exponential(size=size) for group, size in sizes.items()}))


def every_network(allowance: Allowance) -> Iterator[dict[str, int]]:
    budget = allowance.budget
    ladders = [widths_of(size, budget.least_width, budget.multiple) for size in allowance.sizes.values()]
    for widths in product(*ladders):
        yield dict(zip(allowance.sizes, widths, strict=True))


@given(networks(), KEEPS, OFS, HOWS, st.integers(1, 6), st.sampled_from([1, 2, 4]), st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_a_budget_is_hit_in_the_widths_allowed_or_refused_where_no_network_hits_it(
    sizes: dict[str, int], keep: float, of: str, how: str, least: int, multiple: int, seed: int
) -> None:
    allowance = of_network(sizes, Budget(keep, of, how, least, multiple))
    standing = drawn_standing(sizes, seed)
    every = list(every_network(allowance))
    gap = min(abs(allowance.deviation(counts)) for counts in every)
    if gap > TOLERANCE:
        with pytest.raises(BadValueError, match="Ask for a keep ratio of") as refused:
            allowance.counts(standing=standing)
        assert f"{100 * keep:.4g} %" in str(refused.value)
        near = [counts for counts in every if abs(allowance.deviation(counts)) <= gap + 1e-9]
        assert any(f"nearest is {100 * allowance.share(counts):.4g} %" in str(refused.value) for counts in near)
        return
    counts = allowance.counts(standing=standing)
    assert abs(allowance.deviation(counts)) <= TOLERANCE
    for group, size in sizes.items():
        assert counts[group] in widths_of(size, least, multiple)
        assert min(least, size) <= counts[group] <= size
        assert counts[group] % multiple == 0 or counts[group] == size


@given(networks(), KEEPS, st.sampled_from(["params", "macs"]))
@settings(deadline=None)
def test_uniform_is_the_one_ratio_that_comes_nearest(sizes: dict[str, int], keep: float, of: str) -> None:
    allowance = of_network(sizes, Budget(keep, of))
    halves = {(count + 0.5) / size for size in sizes.values() for count in range(1, size)}
    ratios = sorted({edge + shift for edge in (*halves, 1.0) for shift in (-1e-9, 1e-9) if 0 < edge + shift <= 1})
    by_ratio = [kept_counts(ratio, sizes) for ratio in [1e-9, *ratios]]
    nearest = min(abs(allowance.deviation(counts)) for counts in by_ratio)
    try:
        got = allowance.uniform
    except BadValueError:
        assert nearest > TOLERANCE
        return
    if nearest <= TOLERANCE:
        assert got in by_ratio and abs(allowance.deviation(got)) == pytest.approx(nearest, abs=1e-12)


@given(networks(), KEEPS, OFS, st.integers(0, 99))
@settings(deadline=None)
def test_global_removes_the_last_of_all_channels_until_the_budget_is_met(
    sizes: dict[str, int], keep: float, of: str, seed: int
) -> None:
    allowance, standing = of_network(sizes, Budget(keep, of, "global")), drawn_standing(sizes, seed)
    last_first = sorted((place, group) for group, places in standing.items() for place in places)
    walk = [dict(sizes)]
    for _, group in last_first:
        if walk[-1][group] > 1:
            walk.append({**walk[-1], group: walk[-1][group] - 1})
    near = min(abs(allowance.deviation(counts)) for counts in walk)
    try:
        got = allowance.counts(standing=standing)
    except BadValueError:
        assert near > TOLERANCE
        return
    if near <= TOLERANCE:
        assert got in walk and abs(allowance.deviation(got)) == pytest.approx(near, abs=1e-12)


@given(networks(30), KEEPS)
def test_the_usual_budget_keeps_what_a_keep_ratio_always_kept(sizes: dict[str, int], keep: float) -> None:
    allowance, usual = of_network(sizes, Budget(keep)), kept_counts(keep, sizes)
    if allowance.hit(usual):
        assert allowance.counts() == usual
    assert allowance.channel_ratio() == allowance.voted_at() == keep


@pytest.mark.parametrize("of", SHARES_OF)
def test_the_shipped_network_grows_in_every_group_as_the_keep_ratio_does(of: str) -> None:
    zoo = open_zoo()
    keeps = [0.02 * number for number in range(1, 51)]
    found = [Allowance(Budget(keep, of), zoo.groups, zoo.layers, 5).counts() for keep in keeps]
    for less, more in pairwise(found):
        assert all(less[group] <= more[group] for group in zoo.groups) and less != more
    assert found[-1] == zoo.groups


@pytest.mark.parametrize("keep", [0.5, 0.2, 0.1, 0.05])
@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("how", ALLOCATIONS)
@pytest.mark.parametrize("of", SHARES_OF)
def test_every_budget_of_the_shipped_network_is_hit(of: str, how: str, multiple: int, keep: float) -> None:
    zoo = open_zoo()
    allowance = Allowance(Budget(keep, of, how, 4, multiple), zoo.groups, zoo.layers, 5)
    counts = allowance.counts(standing=drawn_standing(zoo.groups, seed=1))
    assert abs(allowance.deviation(counts)) <= TOLERANCE
    assert zoo.layers is not None
    size = zoo.layers.size(counts, 5)
    whole = zoo.layers.size(zoo.groups, 5)
    shares = {"params": size.params / whole.params, "macs": size.macs / whole.macs}
    assert allowance.share(counts) == shares.get(of, sum(counts.values()) / sum(zoo.groups.values()))


@given(networks(24), st.floats(0.2, 0.9), OFS, HOWS, st.sampled_from([1, 4]), st.integers(0, 99))
@settings(deadline=None)
def test_rounds_on_the_way_narrow_every_group_and_end_at_the_budget(
    sizes: dict[str, int], keep: float, of: str, how: str, multiple: int, seed: int
) -> None:
    allowance = of_network(sizes, Budget(keep, of, how, 1, multiple))
    try:
        allowance.counts()
    except BadValueError:
        return
    left, ways = dict(sizes), 4
    for number in range(1, ways + 1):
        standing = drawn_standing(sizes, seed + number)  # what counts may change from round to round
        try:
            now = allowance.counts(keep ** (number / ways), standing, left)
        except BadValueError:
            assert how == "global" and number == ways  # what earlier rounds left has no network that hits it
            return
        assert all(1 <= now[group] <= left[group] for group in sizes)
        left = now
    assert allowance.hit(left)


@given(networks(40), KEEPS, OFS, HOWS, st.integers(0, 99))
@settings(deadline=None)
def test_where_uniform_hits_a_budget_global_hits_it_too_whatever_the_scores(
    sizes: dict[str, int], keep: float, of: str, how: str, seed: int
) -> None:
    allowance = of_network(sizes, Budget(keep, of, how))
    try:
        allowance.counts()  # what a run asks before any training
    except BadValueError:
        return
    assert allowance.hit(allowance.counts(standing=drawn_standing(sizes, seed)))


def test_a_refusal_names_what_was_asked_the_nearest_and_the_remedy() -> None:
    with pytest.raises(BadValueError) as refused:
        of_network({"a": 8, "b": 8}, Budget(0.2, multiple=4)).counts()
    assert str(refused.value) == (
        "Keeping 20 % of the channels cannot be met within 2 %: the nearest is 50 %. "
        "Ask for a keep ratio of 0.5, or allow other widths than multiples of 4."
    )
    assert of_network({"a": 8, "b": 8}, Budget(0.5, multiple=4)).counts() == {"a": 4, "b": 4}


def test_parameters_of_a_network_that_does_not_tell_them_are_refused() -> None:
    with pytest.raises(BadValueError, match="ask for a share of the channels"):
        Allowance(Budget(0.2, "params"), {"a": 8}).counts()


@pytest.mark.parametrize(
    "wrong", [{"of": "bytes"}, {"allocation": "fair"}, {"least_width": 0}, {"multiple": 1.5}, {"multiple": True}]
)
def test_a_budget_that_cannot_be_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(MetaVoteError, match=r"choose one of|whole number from 1"):
        Budget(0.2, **wrong)  # type: ignore[arg-type]


def test_widths_are_multiples_from_the_least_on_and_the_groups_own_size() -> None:
    assert widths_of(20, 1, 8) == (8, 16, 20)
    assert widths_of(20, 9, 8) == (16, 20)
    assert widths_of(6, 1, 8) == widths_of(6, 9) == (6,)
    assert widths_of(4) == (1, 2, 3, 4)
    assert [kept_count(keep, 20, 1, 8) for keep in (0.01, 0.59, 0.61, 0.89, 0.91)] == [8, 8, 16, 16, 20]


def test_scores_are_compared_across_groups_in_units_of_their_groups_mean() -> None:
    wide, narrow = np.array([1.0, 3.0, 0.0, 0.0]), np.array([200.0, 600.0])
    assert {g: v.tolist() for g, v in relative({"wide": wide, "narrow": narrow}).items()} == {
        "wide": [1.0, 3.0, 0.0, 0.0], "narrow": [0.5, 1.5],
    }  # fmt: skip
    assert relative({"silent": np.zeros(3)})["silent"].tolist() == [1, 1, 1]


def test_standings_rank_all_channels_by_score_then_tie_then_depth() -> None:
    scores = {"a": np.array([1.0, 2.0, 1.0]), "b": np.array([2.0, 1.0])}
    ties = {"a": np.array([0.0, 0.0, 5.0]), "b": np.array([1.0, 5.0])}
    assert {g: v.tolist() for g, v in standings(scores, ties).items()} == {"a": [0, 3, 2], "b": [4, 1]}
    gone = {"a": np.array([True, False, True]), "b": np.array([True, True])}
    assert standings(scores, ties, gone)["a"].tolist() == [1, 0, 3]

"""Votes follow their definition whatever the order of the ballots; a selection from them has the asked-for size."""

import json
import math
import pickle
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.channels.selection import Selection, kept_count
from core.errors import BadValueError, MismatchError, UnknownNameError
from core.voting import WEIGHTINGS, Ballot, Votes, revote, select, similarity_weights, standing, votes

SIZES = {"conv1": 7, "layer1": 12}
KEEPS = st.floats(0, 1, exclude_min=True)


def ballot(task: str, kept: tuple[int, ...], similarity: float = 0.0, importance: Any = None, size: int = 6) -> Ballot:
    own = {} if importance is None else {"g": np.asarray(importance, np.float64)}
    return Ballot(task, Selection({"g": kept}, {"g": size}), similarity, own)


@st.composite
def ballot_lists(draw: st.DrawFn) -> list[Ballot]:
    """One to six ballots over the same groups, with distinct tasks, any similarities and importances."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        rng = np.random.default_rng(draw(st.integers(0, 10_000)))
        kept = {
            g: tuple(np.flatnonzero(rng.permutation(n) < rng.integers(1, n + 1)).tolist()) for g, n in SIZES.items()
        }
        importance = {g: rng.exponential(size=n) * rng.integers(0, 2) for g, n in SIZES.items()}
        similarity = draw(st.floats(-10, 10))
        made.append(Ballot(f"emoji-z{number:02d}", Selection(kept, SIZES), similarity, importance))
    return made


def brute_force_table(ballots: list[Ballot], weighting: str, temperature: float, group: str) -> list[float]:
    """design.md's formula, one channel and one ballot at a time."""
    total = sum(math.exp(b.similarity / temperature) for b in ballots)
    table = []
    for channel in range(ballots[0].selection.sizes[group]):
        vote = 0.0
        for b in ballots:
            kept = b.selection.kept[group]
            if channel not in kept:
                continue
            if weighting == "count":
                vote += 1.0
            elif weighting == "similarity":
                vote += math.exp(b.similarity / temperature) / total
            else:
                own = sum(b.importance[group][c] for c in kept)
                vote += b.importance[group][channel] / own if own else 1 / len(kept)
        table.append(vote)
    return table


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), st.floats(0.1, 10))
def test_votes_equal_their_definition(ballots: list[Ballot], weighting: str, temperature: float) -> None:
    counted = votes(ballots, weighting, temperature)
    for group in SIZES:
        expected = brute_force_table(ballots, weighting, temperature, group)
        assert counted.table(group) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert (counted.table(group) >= 0).all()


@given(ballot_lists(), st.sampled_from(WEIGHTINGS))
def test_a_ballots_votes_add_up_to_its_weight(ballots: list[Ballot], weighting: str) -> None:
    counted = votes(ballots, weighting)
    for group in SIZES:
        for row, cast, weight in zip(counted.shares[group], counted.voters(group), counted.weights, strict=True):
            assert (row >= 0).all()
            assert not row[~cast].any()
            assert row.sum() == pytest.approx(weight * (1 if weighting == "score" else cast.sum()))


@settings(max_examples=30)
@given(ballot_lists(), st.sampled_from(WEIGHTINGS), KEEPS, st.sampled_from([None, 0.5]), st.randoms())
def test_order_of_ballots_changes_nothing(
    ballots: list[Ballot], weighting: str, keep: float, sample: float | None, random: Any
) -> None:
    shuffled = random.sample(ballots, len(ballots))
    one, other = votes(ballots, weighting), votes(shuffled, weighting)
    for group in SIZES:
        assert np.array_equal(one.table(group), other.table(group))
    assert select(one, keep, sample=sample, seed=3) == select(other, keep, sample=sample, seed=3)


def test_order_of_similar_ballots_never_decides_a_tie() -> None:
    # 0.1 + 0.2 + 0.3 depends on its order in floating point; each pair below ties in exact arithmetic.
    ballots = [ballot(f"t{n}", (n, 3, 4), similarity=n / 7) for n in range(3)]
    chosen = {select(votes(order, "similarity"), 0.5) for order in permutations(ballots)}
    assert len(chosen) == 1


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), KEEPS, st.integers(1, 9), st.sampled_from([None, 1e-9, 1.0, 1e9]))
def test_selection_has_exactly_the_asked_for_size(
    ballots: list[Ballot], weighting: str, keep: float, minimum: int, sample: float | None
) -> None:
    chosen = select(votes(ballots, weighting), keep, minimum=minimum, sample=sample)
    assert {g: len(kept) for g, kept in chosen.kept.items()} == {
        g: kept_count(keep, n, minimum) for g, n in SIZES.items()
    }


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), st.sampled_from([None, 1.0]))
def test_keeping_all_returns_every_channel(ballots: list[Ballot], weighting: str, sample: float | None) -> None:
    assert select(votes(ballots, weighting), 1.0, sample=sample) == Selection.full(SIZES)


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), KEEPS)
def test_no_channel_left_out_has_more_votes_than_one_kept(ballots: list[Ballot], weighting: str, keep: float) -> None:
    counted = votes(ballots, weighting)
    chosen = select(counted, keep)
    for group in SIZES:
        table, mask = counted.table(group), chosen.mask(group)
        assert mask.all() or table[mask].min() >= table[~mask].max()


@given(ballot_lists(), KEEPS)
def test_unanimous_channels_are_kept_before_contested_ones(ballots: list[Ballot], keep: float) -> None:
    counted = votes(ballots)
    chosen = select(counted, keep)
    for group in SIZES:
        unanimous = np.logical_and.reduce(counted.voters(group), axis=0)
        if not unanimous[chosen.mask(group)].all():
            assert chosen.mask(group)[unanimous].all()


def test_one_ballot_at_its_own_keep_ratio_gives_its_own_selection() -> None:
    assert select(votes([ballot("a", (1, 4, 5))]), 0.5).kept["g"] == (1, 4, 5)


def test_ties_go_to_importance_then_to_the_lower_index() -> None:
    counted = votes([ballot("a", (0, 1, 2)), ballot("b", (3, 4, 5))])
    assert select(counted, 0.5).kept["g"] == (0, 1, 2)
    assert select(counted, 0.5, {"g": np.array([0, 3, 1, 2, 1, 1.0])}).kept["g"] == (1, 2, 3)


def test_importance_never_outweighs_a_vote() -> None:
    counted = votes([ballot("a", (5,))])
    assert select(counted, 1 / 6, {"g": np.array([9, 9, 9, 9, 9, 0.0])}).kept["g"] == (5,)


def test_sampling_repeats_with_its_seed_and_varies_without() -> None:
    counted = votes([Ballot("a", Selection({"g": tuple(range(50))}, {"g": 100}))])
    draws = [select(counted, 0.3, sample=1.0, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_sampling_follows_the_softmax_of_votes() -> None:
    counted = votes([ballot("a", (0, 1)), ballot("b", (0,))], "count")
    temperature, draws = 0.8, 4000
    first = np.zeros(6)
    for seed in range(draws):
        first[select(counted, 1 / 6, sample=temperature, seed=seed).kept["g"][0]] += 1
    expected = np.exp(np.array([2, 1, 0, 0, 0, 0]) / temperature)
    assert first / draws == pytest.approx(expected / expected.sum(), abs=0.03)


def test_sampling_without_replacement_draws_pairs_by_their_sequential_probability() -> None:
    # P({a, b}) = p_a p_b / (1 - p_a) + p_b p_a / (1 - p_b), the definition of drawing twice without putting back.
    counted = votes([ballot("a", (0, 1), size=4), ballot("b", (0,), size=4)])
    p = np.exp([2.0, 1.0, 0.0, 0.0])
    p /= p.sum()
    drawn = [select(counted, 0.5, sample=1.0, seed=seed).kept["g"] for seed in range(4000)]
    for a, b in ((0, 1), (0, 2), (1, 2), (2, 3)):
        expected = p[a] * p[b] * (1 / (1 - p[a]) + 1 / (1 - p[b]))
        assert drawn.count((a, b)) / len(drawn) == pytest.approx(expected, abs=0.03)


def test_a_cold_sample_is_the_plain_selection() -> None:
    counted = votes([ballot("a", (1, 2, 3)), ballot("b", (2, 3)), ballot("c", (3,))])
    assert select(counted, 0.5, sample=1e-6, seed=5) == select(counted, 0.5)


def test_a_groups_draw_does_not_depend_on_other_groups() -> None:
    alone, both = {"b": 40}, {"a": 30, "b": 40}
    one, two = (select(votes([Ballot("t", Selection.full(s))]), 0.5, sample=1.0, seed=4) for s in (alone, both))
    assert one.kept["b"] == two.kept["b"]


def test_similarity_weights_are_a_softmax_in_standard_deviations() -> None:
    values = [-1.0, -0.4, -0.7]
    deviation = math.sqrt(sum((v - sum(values) / 3) ** 2 for v in values) / 3)
    powers = [math.exp(v / deviation) for v in values]
    assert similarity_weights(values) == pytest.approx([p / sum(powers) for p in powers])
    assert similarity_weights(values, 0.1) == pytest.approx(
        np.exp(np.array(values) / 0.1) / np.exp(np.array(values) / 0.1).sum()
    )
    assert similarity_weights([2.0, 2.0]).tolist() == [0.5, 0.5]
    assert similarity_weights([5.0]).tolist() == [1.0]


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=8), st.floats(0.1, 100), st.floats(-100, 100))
def test_default_similarity_weights_ignore_unit_and_zero(values: list[int], unit: float, zero: float) -> None:
    weights = similarity_weights(values)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert similarity_weights([unit * value + zero for value in values]) == pytest.approx(weights, rel=1e-6)


def test_similarity_weights_survive_extreme_values() -> None:
    assert similarity_weights([-1e6, 0.0, 1e6], 1e-3).tolist() == [0.0, 0.0, 1.0]


def test_scores_of_a_task_without_any_importance_count_equally() -> None:
    assert votes([ballot("a", (0, 3), importance=np.zeros(6))], "score").table("g").tolist() == [0.5, 0, 0, 0.5, 0, 0]


def test_scores_ignore_importance_of_channels_that_were_not_kept_and_its_unit() -> None:
    for unit in (1.0, 1e-300, 1e300):
        counted = votes([ballot("a", (0, 1), importance=unit * np.array([1, 3, 9, 9, 9, 9.0]))], "score")
        assert counted.table("g") == pytest.approx([0.25, 0.75, 0, 0, 0, 0])


def test_who_voted_names_task_vote_and_importance_largest_first() -> None:
    counted = votes([ballot("a", (0, 1), 0.5, [1, 3, 0, 0, 0, 0]), ballot("b", (1,), 0.2, [0, 5, 0, 0, 0, 0])], "score")
    assert [(v.task, v.similarity, v.vote, v.importance) for v in counted.who("g", 1)] == [
        ("b", 0.2, 1.0, 5.0),
        ("a", 0.5, 0.75, 3.0),
    ]
    assert counted.who("g", 5) == []
    assert counted.voters("g").tolist() == [[True, True] + [False] * 4, [False, True] + [False] * 4]
    assert counted.importance("g")[1, 1] == 5.0


def test_missing_importance_shows_as_none() -> None:
    counted = votes([ballot("a", (0,))])
    assert counted.who("g", 0)[0].importance is None
    assert np.isnan(counted.importance("g")).all()


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), KEEPS, KEEPS, st.sampled_from([None, 1.0]))
def test_revoting_selects_only_what_is_still_there(
    ballots: list[Ballot], weighting: str, before: float, after: float, sample: float | None
) -> None:
    within = select(votes(ballots), before)
    again = revote(ballots, {b.task: -b.similarity for b in ballots}, within, weighting=weighting)
    chosen = select(again, after, sample=sample)
    for group, size in SIZES.items():
        assert set(chosen.kept[group]) <= set(within.kept[group])
        assert len(chosen.kept[group]) == min(len(within.kept[group]), kept_count(after, size))
        assert not again.table(group)[~within.mask(group)].any()
        assert not again.voters(group)[:, ~within.mask(group)].any()


def test_revoting_lets_only_the_newly_nearest_vote() -> None:
    ballots = [ballot("a", (0, 1), 0.9), ballot("b", (2, 3), 0.1), ballot("c", (3, 4), 0.0)]
    again = revote(ballots, {"a": 0.0, "b": 1.0, "c": 2.0}, Selection.full({"g": 6}), k=2)
    assert again.tasks == ("c", "b")
    assert again.table("g").tolist() == [0, 0, 1, 2, 1, 0]


def test_revoting_normalises_scores_over_what_is_still_there() -> None:
    ballots = [ballot("a", (0, 1, 2), importance=[5, 1, 3, 0, 0, 0]), ballot("b", (0,), importance=[1, 0, 0, 0, 0, 0])]
    within = Selection({"g": (1, 2, 3)}, {"g": 6})
    again = revote(ballots, {"a": 1, "b": 2}, within, weighting="score")
    assert again.table("g").tolist() == [0, 0.25, 0.75, 0, 0, 0]


@given(ballot_lists())
def test_revoting_within_everything_is_voting(ballots: list[Ballot]) -> None:
    again = revote(ballots, {b.task: b.similarity for b in ballots}, Selection.full(SIZES), weighting="similarity")
    for group in SIZES:
        assert np.array_equal(again.table(group), votes(ballots, "similarity").table(group))


def restored(counted: Votes) -> Votes:
    copy = pickle.loads(pickle.dumps(counted))
    assert isinstance(copy, Votes)
    return copy


@given(ballot_lists(), st.sampled_from(WEIGHTINGS))
def test_votes_print_pickle_and_become_json(ballots: list[Ballot], weighting: str) -> None:
    counted = votes(ballots, weighting)
    assert repr(counted) == f"Votes of {len(ballots)} tasks by {weighting} over 2 channel groups"
    assert "emoji-z00" in repr(ballots[0])
    assert np.array_equal(restored(counted).table("conv1"), counted.table("conv1"))
    plain = json.loads(json.dumps(counted.to_dict(), allow_nan=False))
    assert [row["task"] for row in plain["tasks"]] == list(counted.tasks)
    assert plain["groups"]["layer1"]["votes"] == counted.table("layer1").tolist()
    assert plain["groups"]["layer1"]["voters"][0] == list(ballots[0].selection.kept["layer1"])
    assert json.loads(json.dumps(ballots[0].to_dict()))["selection"] == ballots[0].selection.to_dict()


def test_without_ballots_there_is_nothing_to_count() -> None:
    with pytest.raises(BadValueError, match="no ballot"):
        votes([])


def test_ballots_of_different_backbones_are_refused() -> None:
    with pytest.raises(MismatchError, match="one backbone"):
        votes([ballot("a", (0,)), ballot("b", (0,), size=7)])
    with pytest.raises(MismatchError, match="one backbone"):
        votes([ballot("a", (0,))], within=Selection.full({"g": 7}))


def test_importance_of_another_backbone_is_refused() -> None:
    with pytest.raises(MismatchError, match=r"'a'.*'g'"):
        ballot("a", (0,), importance=[1.0, 2.0])


def test_unknown_weighting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="similarity"):
        votes([ballot("a", (0,))], "similarty")


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf, "warm"])
def test_impossible_temperatures_are_refused(temperature: Any) -> None:
    with pytest.raises(BadValueError, match="above 0"):
        votes([ballot("a", (0,))], "similarity", temperature)
    with pytest.raises(BadValueError, match="above 0"):
        select(votes([ballot("a", (0,))]), 0.5, sample=temperature)


@pytest.mark.parametrize("importance", [[-1, 1, 1, 1, 1, 1], [math.nan] * 6, [math.inf] * 6])
def test_scores_need_finite_importances_that_are_not_negative(importance: list[float]) -> None:
    with pytest.raises(BadValueError, match="negative or not finite"):
        votes([ballot("a", (0,), importance=importance)], "score")


def test_scores_need_importances() -> None:
    with pytest.raises(MismatchError, match="weight by count"):
        votes([ballot("a", (0,))], "score")


def test_other_impossible_requests_are_refused() -> None:
    counted = votes([ballot("a", (0,), similarity=math.nan)])
    with pytest.raises(BadValueError, match="finite"):
        votes(counted.ballots, "similarity")
    with pytest.raises(BadValueError, match="Keep ratio"):
        select(counted, 1.5)
    with pytest.raises(BadValueError, match="at least 1"):
        select(counted, 0.5, minimum=0)
    with pytest.raises(MismatchError, match="6 importances"):
        select(counted, 0.5, {"g": np.ones(5)})
    with pytest.raises(UnknownNameError, match="channel group"):
        counted.table("h")
    with pytest.raises(BadValueError, match="0 to 5"):
        counted.who("g", 6)
    with pytest.raises(MismatchError, match="'a'"):
        revote(counted.ballots, {}, Selection.full({"g": 6}))
    with pytest.raises(BadValueError, match="not a number"):
        revote(counted.ballots, {"a": math.nan}, Selection.full({"g": 6}))
    with pytest.raises(BadValueError, match="at least 1"):
        revote(counted.ballots, {"a": 0.0}, Selection.full({"g": 6}), k=0)


def unlike() -> list[Ballot]:
    """Two ballots that agree in one group, where both keep a third, and not in the other, where they keep half."""
    sizes = {"a": 6, "b": 4}
    return [
        Ballot("one", Selection({"a": (0, 1), "b": (0, 1)}, sizes), 0.0, {"a": np.arange(6.0), "b": np.arange(4.0)}),
        Ballot("two", Selection({"a": (0, 1), "b": (2, 3)}, sizes), 0.0, {"a": np.ones(6), "b": np.ones(4)}),
    ]


def test_votes_are_compared_across_groups_channel_by_channel() -> None:
    places = standing(votes(unlike()))
    assert places["a"].tolist() == [9, 8, 3, 2, 1, 0] and places["b"].tolist() == [7, 6, 5, 4]
    kinder = standing(votes(unlike()), {"a": np.array([1, 1, 1, 1, 1, 7.0]), "b": np.array([1, 1, 1, 97.0])})
    assert kinder["b"].argmax() == 3 and kinder["a"].argsort().tolist()[-3:] == [5, 1, 0]


def test_score_votes_count_as_one_on_average_whatever_the_size_of_the_group() -> None:
    table = {g: votes(unlike(), "score").shares[g] for g in ("a", "b")}
    assert table["a"][0].tolist() == [0, 1, 0, 0, 0, 0] and table["b"][1].tolist() == [0, 0, 0.5, 0.5]
    places = standing(votes(unlike(), "score"))  # worth: a 1, 3; b 0, 2, 1, 1
    assert np.concatenate([places["a"], places["b"]]).argsort()[-5:].tolist() == [9, 8, 0, 7, 1]


@given(ballot_lists(), st.sampled_from(WEIGHTINGS), st.sampled_from([None, 0.5]))
def test_the_standing_within_a_group_is_the_order_in_which_channels_are_selected(
    ballots: list[Ballot], weighting: str, sample: float | None
) -> None:
    if weighting == "score":
        return  # a ballot's weight in a group changes with the number of channels it votes for there
    counted = votes(ballots, weighting)
    places = standing(counted, sample=sample, seed=3)
    assert sorted(np.concatenate(list(places.values())).tolist()) == list(range(sum(SIZES.values())))
    for count in range(1, min(SIZES.values()) + 1):
        chosen = select(counted, dict.fromkeys(SIZES, count), sample=sample, seed=3)
        assert all(set(chosen.kept[g]) == set((-places[g]).argsort()[:count].tolist()) for g in SIZES)

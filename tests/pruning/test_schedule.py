"""When a method scores, prunes and trains: for every method and any budget."""

from itertools import pairwise

import pytest

from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import PHASES
from core.pruning.methods import METHODS
from core.pruning.schedule import (
    EVALUATIONS,
    ROUNDS,
    ROUNDS_END,
    SCORING_MOST,
    SCORING_SHARE,
    VOTES,
    WARM_UP_STEPS,
    Schedule,
    schedule_of,
)

BUDGETS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 60, 61, 240, 1000)
LEAST = {"before training": 0, "never": 0, "after scoring": 1, "during training": 3}


def made(method: str, iterations: int, keep: float = 0.2) -> Schedule:
    mask_of = "some-run" if method == "same-mask" else None
    return schedule_of(RunConfig("emoji-t03", method, keep, iterations, mask_of=mask_of))


def possible() -> list[tuple[str, int]]:
    return [(m, n) for m, entry in METHODS.items() for n in BUDGETS if n >= LEAST[entry.when]]


@pytest.mark.parametrize("method, iterations", possible())
def test_rounds_happen_within_the_budget_at_different_iterations(method: str, iterations: int) -> None:
    places = [place for place, _ in made(method, iterations).rounds]
    assert all(0 <= place <= iterations for place in places)
    assert all(before < after for before, after in pairwise(places))


@pytest.mark.parametrize("keep", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("method", list(METHODS))
def test_keep_ratios_fall_to_exactly_what_was_asked_for(method: str, keep: float) -> None:
    expects_rounds = METHODS[method].when in ("during training", "after scoring")
    for iterations in (n for name, n in possible() if name == method):
        ratios = [ratio for _, ratio in made(method, iterations, keep).rounds]
        assert bool(ratios) == expects_rounds
        assert ratios[-1:] == [keep] * expects_rounds
        assert all(before > after or keep == 1.0 for before, after in pairwise([1.0, *ratios]))


@pytest.mark.parametrize("iterations", [n for n in BUDGETS if n >= 3])
def test_iterative_rounds_begin_after_a_warm_up_and_leave_the_last_third_to_fine_tuning(iterations: int) -> None:
    schedule = made("taylor", iterations)
    assert schedule.rounds[0][0] >= 1
    assert schedule.rounds[-1][0] <= round(iterations * ROUNDS_END) < iterations
    assert schedule.gathers and 1 <= len(schedule.rounds) <= ROUNDS


@pytest.mark.parametrize("iterations", [60, 240, 1000])
def test_a_long_iterative_run_has_all_its_rounds_evenly_spread(iterations: int) -> None:
    places = [place for place, _ in made("taylor", iterations).rounds]
    gaps = [after - before for before, after in pairwise(places)]
    assert len(places) == ROUNDS and max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if entry.when == "after scoring"])
@pytest.mark.parametrize("iterations", [n for n in BUDGETS if n >= 1])
def test_scoring_takes_its_share_of_the_budget_and_no_more(method: str, iterations: int) -> None:
    schedule = made(method, iterations)
    assert 1 <= schedule.scoring <= max(1, min(SCORING_MOST, iterations * SCORING_SHARE))
    assert schedule.rounds == ((schedule.scoring, 0.2),)


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("iterations", [0, 1, 2])
def test_a_budget_too_small_for_the_method_is_refused_in_one_sentence(method: str, iterations: int) -> None:
    entry = METHODS[method]
    if iterations >= LEAST[entry.when]:
        made(method, iterations)
        return
    with pytest.raises(BadValueError) as refusal:
        made(method, iterations)
    text = str(refusal.value)
    assert text.startswith(entry.title) and text.endswith(".") and ". " not in text and "\n" not in text


@pytest.mark.parametrize("method, iterations", possible())
def test_phases_begin_once_and_in_their_order(method: str, iterations: int) -> None:
    schedule = made(method, iterations)
    begun = [phase for i in range(iterations) if (phase := schedule.phase_at(i))]
    assert len(set(begun)) == len(begun)
    assert sorted(begun, key=PHASES.index) == begun
    assert begun[0] == schedule.phase_at(0)
    if METHODS[method].when in ("before training", "never"):
        assert begun == ["fine-tuning"]


@pytest.mark.parametrize("method, iterations", possible())
def test_the_learning_rate_stays_between_zero_and_its_peak_and_is_zero_only_while_scoring(
    method: str, iterations: int
) -> None:
    schedule = made(method, iterations)
    rates = [schedule.learning_rate_at(i, 0.02) for i in range(iterations)]
    assert rates[: schedule.scoring] == [0.0] * schedule.scoring
    assert all(0 < rate <= 0.02 for rate in rates[schedule.scoring :])


@pytest.mark.parametrize("method", list(METHODS))
def test_the_learning_rate_rises_then_falls_to_nearly_nothing(method: str) -> None:
    schedule = made(method, 60)
    rates = [schedule.learning_rate_at(i, 0.02) for i in range(schedule.scoring, 60)]
    assert rates[0] == pytest.approx(0.02 / WARM_UP_STEPS)
    top = rates.index(max(rates))
    assert top == WARM_UP_STEPS - 1 and max(rates) > 0.019
    assert all(before > after for before, after in pairwise(rates[top:]))
    assert rates[-1] < 0.02 * 0.002


@pytest.mark.parametrize("iterations", [n for n in BUDGETS if n >= 3])
def test_evaluations_are_spread_over_the_run_and_the_end_is_one(iterations: int) -> None:
    schedule = made("taylor", iterations)
    at = [i for i in range(1, iterations + 1) if schedule.evaluate_at(i)]
    assert at[-1] == iterations
    assert len(at) <= EVALUATIONS
    assert len(at) >= min(iterations, EVALUATIONS // 2)


@pytest.mark.parametrize("iterations", [n for n in BUDGETS if n >= 3])
def test_dynamic_voting_votes_before_training_and_then_at_different_iterations(iterations: int) -> None:
    schedule = schedule_of(RunConfig("emoji-t03", "mvp", 0.2, iterations, dynamic=True))
    places = [0, *(place for place, _ in schedule.rounds)]
    ratios = [schedule.first_keep, *(ratio for _, ratio in schedule.rounds)]
    assert len(places) == VOTES and all(before < after for before, after in pairwise(places))
    assert places[-1] < iterations
    assert ratios[-1] == 0.2 and all(before > after for before, after in pairwise([1.0, *ratios]))

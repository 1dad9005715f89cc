import pytest

from core.pruning.events import Finished, PhaseChanged, Step
from dashboard.progress import phase_spans, progress, thinned, time_left

DENSE = {"params": 1000, "macs": 9000}
FINISHED = Finished(60, 0.7, {"seconds": 20.0}, {"keep": 0.2}, {"params": 40}, DENSE, 20.0)


def steps(number: int, pace: float = 0.5) -> list[Step]:
    return [Step(i, 1 / i, 0.02, pace * i) for i in range(1, number + 1)]


def test_a_run_without_events_has_not_begun() -> None:
    seen = progress([], 60)
    assert (seen.phase, seen.fraction, seen.left, seen.finished) == (None, 0.0, None, None)


def test_progress_is_the_share_of_iterations() -> None:
    seen = progress([PhaseChanged("fine-tuning", 0, 0.1), *steps(15)], 60)
    assert (seen.phase, seen.iteration, seen.fraction) == ("fine-tuning", 15, 0.25)
    assert seen.left == pytest.approx(22.5)


def test_a_finished_run_is_whole_and_has_no_time_left() -> None:
    seen = progress([*steps(60), FINISHED], 60)
    assert (seen.fraction, seen.left, seen.finished) == (1.0, None, FINISHED)


def test_a_run_of_no_iterations_can_finish() -> None:
    assert progress([PhaseChanged("testing", 0, 0.0)], 0).fraction == 0.0
    assert progress([FINISHED], 0).fraction == 1.0


def test_the_estimate_follows_the_recent_pace() -> None:
    slow_then_fast = [Step(i, 1.0, 0.02, 10.0 * min(i, 10) + 0.1 * max(0, i - 10)) for i in range(1, 51)]
    assert time_left(slow_then_fast, 60) == pytest.approx(1.0)
    assert time_left(steps(2), 60) is None


def test_thinning_keeps_order_size_and_the_last() -> None:
    kept = thinned(steps(1001), 100)
    assert len(kept) <= 102 and kept[-1].iteration == 1001
    assert [step.iteration for step in kept] == sorted(step.iteration for step in kept)
    assert thinned([]) == []


def test_phases_follow_each_other_and_one_told_twice_is_one() -> None:
    told = [PhaseChanged("selecting", 0, 0.1), PhaseChanged("pruning", 0, 0.5), *steps(6)]
    spans = phase_spans([*told, PhaseChanged("pruning", 6, 3.0), PhaseChanged("fine-tuning", 8, 4.0)])
    assert [(one.phase, one.first, one.last, one.began, one.ended) for one in spans] == [
        ("selecting", 0, 0, 0.1, 0.5),
        ("pruning", 0, 8, 0.5, 4.0),
        ("fine-tuning", 8, 8, 4.0, 4.0),
    ]


def test_the_size_of_the_unpruned_network_is_what_the_run_says_at_its_end() -> None:
    assert progress([*steps(2)], 60, 7).dense_params == 7
    assert progress([*steps(60), FINISHED], 60).dense_params == 1000

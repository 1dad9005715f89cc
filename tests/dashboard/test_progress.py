import pytest

from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, Step
from dashboard.figures import curves
from dashboard.progress import progress, thinned, time_left

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


def test_curves_hold_what_was_measured() -> None:
    pruned = Pruned(0, {"a": 2}, {"a": 10}, 0.8, 40, 500, 0.2)
    seen = progress([pruned, *steps(10), Evaluation(10, 0.5, 1.1, 5.0)], 60)
    accuracy = curves.accuracy_curve(seen, 60, "#0072B2").to_dict()
    assert list(accuracy["datasets"].values()) == [[{"iteration": 10.0, "accuracy": 0.5}]]
    assert accuracy["encoding"]["x"]["scale"]["domain"] == [0, 60]
    sparsity = next(iter(curves.sparsity_curve(seen, 60, 1000, "#0072B2").to_dict()["datasets"].values()))
    assert {"iteration": 10, "removed": 0.8, "of": "channels"} in sparsity
    assert {"iteration": 10, "removed": 0.96, "of": "parameters"} in sparsity
    curves.loss_curve(seen, 60, "#0072B2").to_dict()


def test_curves_of_a_run_that_has_just_begun_can_be_drawn() -> None:
    seen = progress([PhaseChanged("neighbours", 0, 0.0)], 60)
    for chart in (curves.accuracy_curve, curves.loss_curve):
        chart(seen, 60, "#0072B2").to_dict()
    curves.sparsity_curve(seen, 60, None, "#0072B2").to_dict()

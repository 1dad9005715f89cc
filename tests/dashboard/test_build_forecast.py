"""How long building a zoo is said to take."""

import pytest

from core.pruning.config import RunConfig
from core.runs.record import RunRecord
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.tasks.draw import Draw, drawn_tasks
from core.zoo.zoo import DEFAULT
from dashboard.forecast import Pace
from dashboard.zoos.forecast import expected, forecast, pace_of
from tests.dashboard.pages import page, record_run, words


def test_the_forecast_grows_with_tasks_and_falls_with_processes() -> None:
    settings = {"backbone": DEFAULT, "method": "taylor", "keep": 0.2, "iterations": 240, "seed": 0}
    tasks, targets = drawn_tasks(Draw("emoji", 20, 5, 4))
    one, two = (forecast(tasks, targets, settings, workers, Pace()).seconds for workers in (1, 2))
    few = forecast(tasks[:5], targets, settings, 1, Pace()).seconds
    assert one is not None and two is not None and few is not None and few < two < one
    assert 250 < one < 1000  # the shipped zoo took 25 CPU seconds a task
    fashion = {**settings, "iterations": 120}
    took = forecast(*drawn_tasks(Draw("fashion-mnist", 20, 3, 3)), fashion, 2, Pace()).seconds
    assert took == pytest.approx(380, rel=0.25)  # docs/zoos.md


def test_the_pace_of_this_machine_is_that_of_its_own_runs_whatever_their_images(store: Store) -> None:
    def record(seconds: float, **settings: object) -> RunRecord:
        config = RunConfig("fashion-mnist:Bag+Coat+Shirt", **settings)  # type: ignore[arg-type]
        return RunRecord("x", config, "finished", 1.0, machine="here", attempt=1, result={"cost": {"seconds": seconds}})

    def pace(*records: RunRecord) -> Pace:
        return pace_of(records, lambda one: task_of(one.config.task))

    usual = expected(RunConfig("any"), task_of("fashion-mnist:Bag+Coat+Shirt"))
    assert pace(record(usual), record(2 * usual), record(3 * usual)) == Pace(pytest.approx(2.0), 3)
    assert pace(record(9 * usual, backbone="somebody-elses")) == Pace() == pace()


def test_runs_too_short_to_tell_of_the_pace_do_not_change_what_a_build_is_said_to_take(store: Store) -> None:
    for seed in range(3):
        record_run(store, config=RunConfig("emoji-t01", iterations=4, seed=seed))  # 5 seconds for what takes 1
    assert "idle two-core machine, until a run of 20 iterations or more" in words(page("zoos"))
    assert "idle two-core machine" in words(page("run", task="emoji-t01"))
    record_run(store, config=RunConfig("emoji-t01", iterations=60))
    assert "the pace of this machine's last run of 20 iterations or more" in words(page("zoos"))


def test_a_short_run_looks_at_the_validation_images_after_each_of_its_iterations_alone() -> None:
    many, few = task_of("fashion-mnist:Bag+Coat+Shirt"), task_of("emoji:tool+plant+heart")
    more = {
        n: expected(RunConfig("t", iterations=n), many) - expected(RunConfig("t", iterations=n), few)
        for n in (2, 4, 12, 60)
    }
    assert more[4] == pytest.approx(2 * more[2]) and more[12] == pytest.approx(6 * more[2]) == pytest.approx(more[60])

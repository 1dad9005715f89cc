"""What a run will take and leave, told before it starts."""

from collections import defaultdict
from dataclasses import replace
from statistics import median

import pytest

from core.channels.budget import Allowance
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.runs.archive import recorded
from core.runs.record import FINISHED, RunRecord
from core.zoo.zoo import Zoo, find_zoo, open_zoo
from dashboard.forecast import PACE, Pace, forecast, pace_at, pace_of, usual_seconds
from tests.dashboard.pages import ROOT


def finished(method: str = "mvp", seconds: float = 1.0, machine: str | None = "here", attempt: int = 1) -> RunRecord:
    config = RunConfig("emoji-t01", method)
    result = {"cost": {"seconds": seconds * usual_seconds(config)}}
    return RunRecord("run", config, FINISHED, 0.0, machine=machine, attempt=attempt, result=result)


def test_pace_is_what_was_measured_and_on_a_line_between() -> None:
    assert [pace_at(keep) for keep, _ in PACE] == [seconds for _, seconds in PACE]
    assert PACE[1][1] < pace_at(0.35) < PACE[2][1]
    assert pace_at(0.05) == PACE[0][1]


def test_longer_and_wider_runs_take_longer() -> None:
    usual = RunConfig("emoji-t01")
    assert usual_seconds(replace(usual, iterations=120)) > usual_seconds(usual)
    assert usual_seconds(replace(usual, keep=0.5)) > usual_seconds(usual)
    assert usual_seconds(RunConfig("emoji-t01", "dense")) > usual_seconds(RunConfig("emoji-t01", "taylor"))
    assert usual_seconds(RunConfig("emoji-t01", "taylor")) > usual_seconds(usual)


def test_the_pace_of_this_machine_comes_from_its_own_runs_of_the_same_method_first() -> None:
    runs = [finished(seconds=2.0), finished("taylor", seconds=6.0), finished(seconds=4.0)]
    assert pace_of(runs, "mvp") == Pace(pytest.approx(3.0), 2)
    assert pace_of(runs, "taylor") == Pace(pytest.approx(6.0), 1)
    assert pace_of(runs, "random") == Pace(pytest.approx(4.0), 3)


def test_runs_of_other_machines_and_of_two_sittings_tell_nothing_of_the_pace() -> None:
    assert pace_of([finished(seconds=9.0, machine=None), finished(seconds=9.0, attempt=2)], "mvp") == Pace()


def test_several_runs_take_what_each_takes() -> None:
    configs = [RunConfig("emoji-t01", seed=seed) for seed in range(3)]
    told = forecast(configs, 5, {}, None, Pace(2.0, 1))
    assert told.seconds == pytest.approx(6 * usual_seconds(configs[0])) and told.size is None


@pytest.fixture(scope="module")
def shipped() -> Zoo:
    return open_zoo(find_zoo("emoji-resnet18-simclr"))


def test_size_is_that_of_a_real_run_exactly(shipped: Zoo) -> None:
    from dashboard import recordings

    for one in recordings.samples().values():
        told = forecast([one.record.config], 5, shipped.groups, shipped.layers, Pace())
        assert one.record.result is not None and told.size is not None and told.dense is not None
        assert told.size.params == one.record.result["achieved"]["params"]
        assert told.size.macs == one.record.result["achieved"]["macs"]
        assert told.dense.params == one.record.result["dense"]["params"]


def test_a_run_that_removes_nothing_leaves_the_whole_network(shipped: Zoo) -> None:
    told = forecast([RunConfig("emoji-t01", "dense")], 5, shipped.groups, shipped.layers, Pace())
    assert told.size == told.dense is not None


@pytest.mark.parametrize("of", ["channels", "params", "macs"])
def test_the_size_of_a_uniform_budget_is_told_exactly_and_that_of_a_global_one_is_not(shipped: Zoo, of: str) -> None:
    budget = {"keep": 0.1, "of": of, "least_width": 4, "multiple": 8}
    told = forecast([RunConfig("emoji-t01", **budget)], 5, shipped.groups, shipped.layers, Pace())
    allowance = Allowance(RunConfig("emoji-t01", **budget).budget, shipped.groups, shipped.layers, 5)
    assert shipped.layers is not None and told.size == shipped.layers.size(allowance.counts(), 5)
    one = RunConfig("emoji-t01", allocation="global", **budget)
    across = forecast([one], 5, shipped.groups, shipped.layers, Pace())
    assert across.size is None and across.dense == told.dense
    if of != "channels":  # wider groups, so slower than as many per cent of the channels
        assert told.seconds > forecast([RunConfig("t", keep=0.1)], 5, shipped.groups, shipped.layers, Pace()).seconds


def test_a_budget_that_cannot_be_hit_is_refused_before_it_is_started(shipped: Zoo) -> None:
    fine, wrong = RunConfig("emoji-t01"), RunConfig("emoji-t01", "taylor", keep=0.02, multiple=8)
    with pytest.raises(BadValueError, match="cannot be met within 2 %"):
        forecast([fine, wrong], 5, shipped.groups, shipped.layers, Pace())


@pytest.mark.slow
def test_times_told_are_those_of_the_study_within_a_third_for_all_but_the_shortest() -> None:
    # On one thread, CPU seconds are those of an idle machine, which not all of these runs had.
    taken: dict[tuple[str, float, int], list[float]] = defaultdict(list)
    for record, _ in recorded(ROOT / "benchmarks" / "study-runs.zip"):
        config = record.config
        usual = config.neighbours == "nearest" and not config.dynamic and config.method != "taylor-oneshot"
        usual = usual and config.zoo == config.backbone == RunConfig.backbone
        if usual and record.result and config.iterations >= 20:
            taken[config.method, config.keep, config.iterations].append(record.result["cost"]["cpu_seconds"])
    told = {
        key: usual_seconds(RunConfig("t", key[0], keep=key[1], iterations=key[2]))
        for key in taken
        if key[0] != "same-mask"
    }
    ratios = {key: seconds / median(taken[key]) for key, seconds in told.items()}
    assert len(ratios) > 20
    assert {key: ratio for key, ratio in ratios.items() if not 0.65 < ratio < 1.35} == {}

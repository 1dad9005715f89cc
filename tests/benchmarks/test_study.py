"""The study: what it runs, that it goes on where it was, its statistics against brute force, and its report."""

import itertools
import math
import statistics
from collections import Counter
from pathlib import Path
from zlib import crc32

import pytest
from scipy import stats as scipy_stats

from benchmarks import runner
from benchmarks.study.grid import CONTROLS, LONG, STAGES, Grid, Place, alone, oracle, own_mask, places
from benchmarks.study.report import write_report
from benchmarks.study.stats import collect, difference, summary
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Finished
from core.runs.record import FINISHED
from core.runs.store import Store
from core.tasks.catalogue import tasks

SMALL = Grid(targets=("emoji-t00", "emoji-t01"), seeds=(0, 1))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("METAVOTE_HOME", str(tmp_path))
    return Store()


def finish(store: Store, config: RunConfig, accuracy: float) -> str:
    run_id = store.create(config, tags=["study"])
    end = Finished(
        config.iterations, accuracy, {"seconds": 2.0, "cpu_seconds": 3.0, "macs": 10**9}, {"keep": 0.2},
        {"keep": 0.2, "channel_sparsity": 0.8, "params": 10, "macs": 10}, {"params": 100, "macs": 100}, 2.0,
    )  # fmt: skip
    store.append(run_id, [Evaluation(config.iterations, accuracy, 1.0, 1.0), end])
    store.finish(run_id, {name: value for name, value in end.to_dict().items() if name != "kind"})
    return run_id


def made_up(config: RunConfig) -> float:
    """An accuracy that differs by target, seed and variant, the same whenever it is asked for."""
    text = f"{config.task} {config.seed} {config.method} {config.k} {config.iterations} {config.chosen}"
    return 0.5 + (crc32(text.encode()) % 1000) / 4000


def test_every_control_is_run_at_the_budgets_and_seeds_of_the_vote_itself() -> None:
    grid = Grid()
    found = [place for place in places(grid, {}) if place.question == "2"]
    for name in CONTROLS:
        mine = {(p.config.task, p.config.seed, p.config.iterations) for p in found if p.variant == name}
        assert mine == set(itertools.product([t.id for t in tasks("targets")], (0, 1, 2), (20, 60)))


def test_a_run_stands_once_under_a_question_and_variant_and_uses_one_thread() -> None:
    found = places(Grid(), {})
    assert max(Counter(found).values()) == 1
    assert {place.config.threads for place in found} == {1}
    variants = {}
    for place in found:  # within a question, one config never hides under two names
        assert variants.setdefault((place.question, place.config), place.variant) == place.variant
    assert {place.question for place in found} >= {"1", "2", "3", "4"}


def test_the_full_grid_holds_the_default_one() -> None:
    assert set(places(Grid(), {})) <= set(places(Grid(full=True), {}))


def test_runs_that_depend_on_others_are_named_once_those_are_there(store: Store) -> None:
    assert not list(oracle(SMALL, {})) and not list(own_mask(SMALL, {}))
    long = SMALL.config("emoji-t00", 0, method="taylor", iterations=LONG)
    run_id = finish(store, long, 0.7)
    ranked = sorted((p.config for p in alone(SMALL, {}) if p.config.task == "emoji-t01"), key=lambda c: c.chosen)
    for number, config in enumerate(ranked):
        finish(store, config, number / 100)
    finished = runner.finished_runs(store, "study")
    assert {place.config.mask_of for place in own_mask(SMALL, finished)} == {run_id}
    best = {config.chosen[0] for config in ranked[-5:]}
    named = list(oracle(SMALL, finished))
    assert len(named) == 2 and all(set(p.config.chosen) == best and p.config.task == "emoji-t01" for p in named)


def test_a_stopped_benchmark_runs_only_what_is_missing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [RunConfig("emoji-t00", seed=seed) for seed in range(4)]
    finish(store, configs[0], 0.5)
    waiting = store.create(configs[1], tags=["study"])  # created before the stop, never begun
    failed = store.create(configs[2], tags=["study"])
    store.fail(failed, "killed")
    worked: list[str] = []
    monkeypatch.setattr(runner, "_work", lambda ids, workers, what: worked.extend(ids) or [])
    runner.run_all(configs, "study")
    assert len(worked) == 3 and worked[:2] == [waiting, failed]
    assert store.get(worked[2]).config == configs[3]
    runner.run_all(configs, "study")  # nothing was done meanwhile, and nothing is made twice
    assert worked[3:] == worked[:3] and len(store.list(limit=None)) == 4


def test_a_finished_run_counts_even_if_it_was_queued_again(store: Store) -> None:
    config = RunConfig("emoji-t00")
    run_id = finish(store, config, 0.5)
    store.create(config, tags=["study"])
    assert runner.finished_runs(store, "study")[config].id == run_id


def test_summaries_are_over_targets_and_differences_are_paired() -> None:
    a = {("x", 0): 0.5, ("x", 1): 0.7, ("y", 0): 0.4, ("y", 1): 0.4, ("z", 0): 0.9}
    b = {("x", 0): 0.4, ("x", 1): 0.5, ("y", 0): 0.5, ("z", 0): 0.6, ("z", 1): 0.1}
    means = [0.6, 0.4, 0.9]
    found = summary(a)
    assert (found.n, found.targets) == (5, 3)
    assert found.mean == pytest.approx(statistics.fmean(means)) and found.sd == pytest.approx(statistics.stdev(means))
    assert found.seed_sd == pytest.approx(math.sqrt((0.1**2 + 0.1**2) / 2))
    gaps = [(0.1 + 0.2) / 2, -0.1, 0.3]
    gap = difference(a, b)
    assert (gap.targets, gap.pairs, gap.wins) == (3, 4, 2)
    assert gap.mean == pytest.approx(statistics.fmean(gaps))
    test = scipy_stats.ttest_1samp(gaps, 0)
    assert gap.p == pytest.approx(test.pvalue)
    low, high = test.confidence_interval(0.95)
    assert (gap.low, gap.high) == (pytest.approx(low), pytest.approx(high))


def test_a_difference_of_one_target_has_no_interval() -> None:
    gap = difference({("x", 0): 0.5}, {("x", 0): 0.4})
    assert gap.mean == pytest.approx(0.1) and math.isnan(gap.p) and math.isnan(gap.low)


def test_only_finished_runs_are_collected(store: Store) -> None:
    done, waiting = RunConfig("emoji-t00"), RunConfig("emoji-t01")
    finish(store, done, 0.6)
    store.create(waiting, tags=["study"])
    grid = [Place("2", "mvp", config) for config in (done, waiting)]
    finished = runner.finished_runs(store, "study")
    assert store.get(finished[done].id).status == FINISHED
    assert collect(grid, finished) == {("2", "mvp", 0.2, 60): {("emoji-t00", 0): 0.6}}


@pytest.mark.parametrize("part", ["nothing", "some", "one target alone", "all"])
def test_a_report_is_made_of_whatever_has_been_run(store: Store, tmp_path: Path, part: str) -> None:
    if part != "nothing":
        for stage in {"all": STAGES, "some": STAGES[:2]}.get(part, (alone,)):
            known = runner.finished_runs(store, "study")
            for config in {place.config for place in stage(SMALL, known)} - known.keys():
                if part != "one target alone" or config.task == SMALL.targets[0]:
                    finish(store, config, made_up(config))
    text = write_report(store, SMALL, tmp_path / "report").read_text()
    assert all(f"\n## {number}. " in text for number in range(1, 10))
    assert "nan" not in text
    for figure in {line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")}:
        assert part != "all" or (tmp_path / "report" / figure).stat().st_size > 1000, figure

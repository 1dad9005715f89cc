"""Runs on other backbones, image sizes or images are never held against each other, nor averaged together."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pruning.engine import ENGINE
from core.reports.checklist import MISSING, NOT_KNOWN, THERE, checklist
from core.reports.comparability import (
    BACKBONE,
    DATA,
    NORMALISATION,
    SIZE,
    TASK,
    VERSION,
    mismatch,
    notices,
    with_setups,
)
from core.reports.compare import NO_PAIR, Row, compare, compare_to
from core.reports.cost import pay_offs
from core.reports.tables import RUN_COLUMNS, SUMMARY_COLUMNS, to_csv, to_markdown
from core.runs.record import RunRecord
from tests.reports.test_compare import row
from tests.runs.mutated import END

HERE = {
    "backbone": "emoji", "backbone_hash": "a" * 64, "image_size": 32, "normalisation": "mean .5,.5,.5, std 1,1,1",
    "data": "d" * 64, "engine": ENGINE,
}  # fmt: skip
OTHERS = {
    BACKBONE: {"backbone": "textures", "backbone_hash": "b" * 64},
    SIZE: {"image_size": 64},
    NORMALISATION: {"normalisation": "mean 0,0,0, std 1,1,1"},
    DATA: {"data": "e" * 64},
}


def on(variant: str, seed: int = 0, accuracy: float = 0.5, task: str = "t0", **more: Any) -> Row:
    return row(variant, task, seed, accuracy, **{"run": f"{variant}-{task}-{seed}-{accuracy}", **HERE, **more})


@pytest.mark.parametrize("reason", OTHERS)
def test_there_is_no_difference_to_a_run_on_other_inputs_but_a_reason_that_names_both(reason: str) -> None:
    base, alike, other = on("mvp"), on("random", 0, 0.4), on("magnitude", 0, 0.9, **OTHERS[reason])
    found = compare_to([base, alike, other], base)
    assert [one.difference for one in found.rows] == [None, pytest.approx(-0.1), None]
    assert [one.not_compared for one in found.rows] == [None, None, reason]
    by_variant = {one.variant: one for one in found.summaries}
    assert by_variant["magnitude"].difference is None and by_variant["magnitude"].not_compared == reason
    (said, *_) = notices(found)
    assert said.startswith("1 run not comparable with the baseline") and reason in said and said.endswith(").")
    assert all(reason in to_markdown(columns, items) for columns, items in (
        (RUN_COLUMNS, found.rows), (SUMMARY_COLUMNS, found.summaries),
    ))  # fmt: skip
    assert reason in to_csv(found.rows, Row)


@pytest.mark.parametrize("reason", OTHERS)
def test_a_baseline_by_name_is_not_paired_with_runs_on_other_inputs(reason: str) -> None:
    found = compare([on("mvp"), on("random", 0, 0.4, **OTHERS[reason])], "mvp")
    random = next(one for one in found.summaries if one.variant == "random")
    assert random.difference is None and random.not_compared == reason
    assert "averaged separately" in notices(found)[0]


@pytest.mark.parametrize("reason", OTHERS)
def test_means_are_of_runs_on_equal_inputs_alone(reason: str) -> None:
    rows = [on("mvp", 0, 0.5), on("mvp", 1, 0.7), on("mvp", 2, 0.1, **OTHERS[reason])]
    means = sorted(one.mean for one in compare(rows).summaries)
    assert means == [pytest.approx(0.1), pytest.approx(0.6)]
    assert len({one.setup for one in compare(rows).summaries}) == 2


def test_means_over_several_tasks_stay_one_although_their_images_differ() -> None:
    rows = [on("mvp", seed, task=f"t{task}", data=str(task) * 64) for task in range(3) for seed in range(2)]
    (found,) = compare(rows).summaries
    assert (found.n, found.tasks, found.setup) == (6, 3, "")


def test_what_was_not_recorded_is_taken_to_be_equal_but_for_the_backbones_id() -> None:
    old = {"backbone_hash": None, "image_size": None, "normalisation": None, "data": None}
    assert mismatch(on("mvp"), on("random", **old)) is None
    assert mismatch(on("mvp"), on("random", **old | {"backbone": "textures"})) == BACKBONE
    assert len(compare([on("mvp"), on("mvp", 1, **old)]).summaries) == 1


def test_an_old_run_is_averaged_with_neither_of_two_backbones_of_its_name() -> None:
    rows = [on("mvp"), on("mvp", 1, backbone_hash="b" * 64), on("mvp", 2, backbone_hash=None, image_size=None)]
    assert len({one.setup for one in with_setups(rows)}) == 3


def test_backbones_of_one_name_are_told_apart_by_their_hashes() -> None:
    found = with_setups([on("mvp"), on("mvp", 1, backbone_hash="b" * 64)])
    assert [one.setup for one in found] == ["emoji aaaaaaaa", "emoji bbbbbbbb"]


def test_runs_of_an_earlier_engine_are_flagged_only_beside_others_and_never_subtracted() -> None:
    old, new = on("mvp", engine=1), on("random", 0, 0.4)
    found = compare_to([old, new], new)
    assert found.rows[0].setup == "engine version 1"
    assert (found.rows[0].difference, found.rows[0].not_compared) == (None, VERSION)
    assert any("1 of 2 finished runs out of date. Made by engine version 1" in one for one in notices(found))
    assert notices(compare_to([old], old)) == []


def test_runs_of_each_engine_are_compared_with_the_baseline_of_their_own() -> None:
    rows = [on("mvp", 0, 0.5, engine=1), on("mvp", 0, 0.7), on("random", 0, 0.4, engine=1), on("random", 0, 0.65)]
    found = {(one.variant, one.setup): one for one in compare(rows).summaries}
    assert found["random", ""].difference == pytest.approx(-0.05)
    assert found["random", "engine version 1"].difference == pytest.approx(-0.1)


def test_a_sentence_on_many_runs_that_differ_stays_short() -> None:
    base = on("mvp")
    tasks = [on("random", 0, task=f"t{number}") for number in range(1, 40)]
    assert notices(compare_to([base, *tasks], base)) == []  # their rows say it
    others = [on("random", seed, backbone=f"b{seed}", backbone_hash=f"{seed:064d}") for seed in range(40)]
    (said, *_) = notices(compare_to([base, *others], base))
    assert said.startswith("40 runs not comparable") and "36 more differ otherwise" in said and len(said) < 400


SOME = st.builds(
    on,
    st.sampled_from(["mvp", "random", "dense"]),
    st.integers(0, 2),
    st.sampled_from([0.1, 0.4, 0.5, 0.9]),
    st.sampled_from(["t0", "t1"]),
    keep=st.sampled_from([0.1, 0.2]),
    iterations=st.sampled_from([60, 240]),
    image_size=st.sampled_from([32, 64, None]),
    normalisation=st.sampled_from(["mean 0,0,0, std 1,1,1", "mean 1,1,1, std 1,1,1", None]),
    backbone_hash=st.sampled_from(["a" * 64, "b" * 64, None]),
)


@given(st.lists(SOME, min_size=2, max_size=8, unique_by=lambda one: one.run), st.randoms())
def test_a_difference_depends_on_the_row_and_the_baseline_alone(rows: list[Row], chance: Any) -> None:
    for base in rows:
        shuffled = [*rows]
        chance.shuffle(shuffled)
        for one in compare_to(shuffled, base).rows:
            alone = next(mine for mine in compare_to([one, base], base).rows if mine.run == one.run)
            assert (one.difference, one.not_compared) == (alone.difference, alone.not_compared)
            if one.run != base.run:
                assert (one.difference is None) == (mismatch(one, base) is not None)


@given(st.lists(SOME, min_size=2, max_size=8, unique_by=lambda one: one.run))
def test_a_difference_turned_round_has_the_other_sign(rows: list[Row]) -> None:
    for one, other in itertools.combinations(rows, 2):
        there = {each.run: each.difference for each in compare_to(rows, one).rows}[other.run]
        back = {each.run: each.difference for each in compare_to(rows, other).rows}[one.run]
        assert there == back == None or there == pytest.approx(-(back or 0.0))  # noqa: E711


def test_means_are_held_against_the_setting_of_the_baseline_not_its_method_at_their_own_budget() -> None:
    base = on("mvp", 0, 0.8)
    rows = [base, on("mvp", 0, 0.6, keep=0.1), on("random", 0, 0.5, keep=0.1), on("random", 1, 0.9)]
    found = {(one.variant, one.keep): one for one in compare_to(rows, base).summaries}
    assert found["mvp", 0.1].difference == pytest.approx(-0.2)
    assert found["random", 0.1].difference == pytest.approx(-0.3)  # not +/- what mvp has at 0.1
    assert (found["random", 0.2].difference, found["random", 0.2].not_compared) == (None, NO_PAIR)
    assert found["mvp", 0.2].is_baseline and found["mvp", 0.2].difference is None


def test_without_a_baseline_there_are_no_differences() -> None:
    found = compare_to([on("mvp"), on("random")], None)
    assert all(one.difference is None for one in (*found.rows, *found.summaries))


def test_runs_of_different_tasks_have_no_difference() -> None:
    assert mismatch(on("mvp"), on("random", task="t1", data="f" * 64)) == TASK


def test_a_zoo_pays_off_against_runs_on_equal_inputs_alone() -> None:
    mine = on("mvp", cpu_seconds=1.0)
    assert pay_offs([mine, on("random", cpu_seconds=2.0)], {"mvp": 10.0})
    assert not pay_offs([mine, on("random", cpu_seconds=2.0, **OTHERS[BACKBONE])], {"mvp": 10.0})


def record(id: str, method: str = "mvp", engine: int = ENGINE, inputs: Any = "recorded", **settings: Any) -> RunRecord:
    from core.pruning.config import RunConfig

    about = END.to_dict() | {"engine": engine}
    if inputs != "recorded":
        about["inputs"] = inputs
    return RunRecord(id, RunConfig("emoji-t00", method, **settings), "finished", 0.0, result=about)


def state(records: list[RunRecord], asked: str) -> str:
    return next(check.state for check in checklist(records) if check.asked.startswith(asked))


def test_the_checklist_asks_for_equal_inputs_and_for_todays_engine() -> None:
    other = {"backbone_hash": "f" * 64, "image_size": 32, "data": "1" * 64}
    inputs, engine = "The same backbone, image size and images", "The same, current engine"
    both = [record("a"), record("b", "random")]
    assert state(both, inputs) == state(both, engine) == THERE
    assert state([record("a"), record("b", "random", inputs=other)], inputs) == MISSING
    assert state([record("a"), record("b", "random", inputs=None)], inputs) == NOT_KNOWN
    assert state([record("a"), record("b", "random", inputs=None, backbone="x")], inputs) == MISSING
    assert state([record("a"), record("b", "random", engine=1)], engine) == MISSING
    assert state([record("a", engine=1), record("b", engine=1)], engine) == MISSING


def test_a_control_on_another_backbone_is_no_control() -> None:
    other = {"backbone_hash": "f" * 64, "image_size": 32, "data": "1" * 64}
    assert state([record("a"), record("b", "random")], "Random channels") == THERE
    assert state([record("a"), record("b", "random", inputs=other)], "Random channels") != THERE

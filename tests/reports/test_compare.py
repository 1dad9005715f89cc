import csv
import io
import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.reports.compare import Row, Summary, compare
from core.reports.tables import RUN_COLUMNS, SUMMARY_COLUMNS, to_csv, to_markdown
from core.reports.tables import reached as in_words
from core.reports.variants import differing_options, variant_name


def row(variant: str, task: str, seed: int, accuracy: float | None, **more: object) -> Row:
    settings: dict[str, object] = {
        "run": f"{variant}-{task}-{seed}",
        "status": "finished",
        "method": variant.split()[0],
        "options": {},
        "keep": 0.2,
        "iterations": 60,
        "params": 450_000,
        "macs": 2_000_000,
        "dense_params": 11_000_000,
        "dense_macs": 37_000_000,
        "seconds": 10.0,
    }
    return Row(variant=variant, task=task, seed=seed, test_accuracy=accuracy, **(settings | more))  # type: ignore[arg-type]


def test_balanced_and_top_five_are_means_over_cells_where_every_run_has_them() -> None:
    more = [{"test_balanced_accuracy": 0.5, "imbalance": 3.0}, {"test_balanced_accuracy": 0.7, "imbalance": 2.0}]
    rows = [row("mvp", "t0", seed, 0.8, test_top5_accuracy=0.9, **each) for seed, each in enumerate(more)]
    rows.append(row("mvp", "t0", 0, 0.8, test_top5_accuracy=0.5, **more[0]))  # run twice: counts once, with its mean
    (found,) = compare(rows).summaries
    assert (found.balanced, found.top5, found.imbalance) == (pytest.approx(0.6), pytest.approx(0.8), 3.0)
    assert "| 60.0 % |" in to_markdown(SUMMARY_COLUMNS, [found]) and "| 50.0 % |" in to_markdown(RUN_COLUMNS, rows)
    (partly,) = compare([*rows, row("mvp", "t0", 2, 0.8)]).summaries
    assert partly.balanced is None and partly.top5 is None


def test_balanced_accuracy_stands_beside_accuracy_only_where_classes_are_uneven() -> None:
    even = row("mvp", "t0", 0, 0.8, test_balanced_accuracy=0.61, imbalance=1.5)
    assert "balanced" not in to_markdown(RUN_COLUMNS, [even])
    assert "0.61" in to_csv([even], Row)


def by_variant(summaries: tuple[Summary, ...]) -> dict[str, Summary]:
    return {one.variant: one for one in summaries}


def brute_mean(values: list[float]) -> float:
    return sum(values) / len(values)


def brute_sd(values: list[float]) -> float:
    middle = brute_mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


ACCURACIES = st.floats(0, 1)


@given(st.lists(st.tuples(ACCURACIES, ACCURACIES), min_size=2, max_size=30))
def test_mean_deviation_and_paired_difference_are_those_of_brute_force(pairs: list[tuple[float, float]]) -> None:
    rows = [row("mvp", f"t{i}", i % 3, a) for i, (a, _) in enumerate(pairs)]
    rows += [row("taylor", f"t{i}", i % 3, b) for i, (_, b) in enumerate(pairs)]
    found = by_variant(compare(rows, "mvp").summaries)["taylor"]
    gaps = [b - a for a, b in pairs]
    assert found.n == found.pairs == len(pairs)
    assert found.mean == pytest.approx(brute_mean([b for _, b in pairs]))
    assert found.sd == pytest.approx(brute_sd([b for _, b in pairs]), abs=1e-12)
    assert found.difference == pytest.approx(brute_mean(gaps), abs=1e-12)
    assert found.difference_se == pytest.approx(brute_sd(gaps) / math.sqrt(len(gaps)), abs=1e-12)


def test_only_common_tasks_and_seeds_are_paired() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("mvp", "b", 0, 0.6), row("mvp", "c", 1, 0.1)]
    rows += [row("random", "a", 0, 0.7), row("random", "b", 0, 0.3), row("random", "c", 0, 0.9)]
    found = by_variant(compare(rows, "mvp").summaries)["random"]
    assert found.pairs == 2
    assert found.difference == pytest.approx(-0.2)
    assert found.difference_se == pytest.approx(0.1)
    assert found.n == 3


def test_a_difference_is_only_taken_at_the_same_iterations_and_keep_ratio() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("taylor", "a", 0, 0.7, iterations=240), row("taylor", "a", 0, 0.6, keep=0.1)]
    assert {one.difference for one in compare(rows, "mvp").summaries} == {None}


def test_the_unpruned_network_is_compared_whatever_the_keep_ratio() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("dense", "a", 0, 0.9, keep=None)]
    assert by_variant(compare(rows, "mvp").summaries)["dense"].difference == pytest.approx(0.1)
    assert by_variant(compare(rows, "dense").summaries)["mvp"].difference == pytest.approx(-0.1)


def test_the_unpruned_network_beside_several_keep_ratios_is_paired_with_none_of_them() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("mvp", "a", 0, 0.7, keep=0.1), row("dense", "a", 0, 0.9, keep=None)]
    assert by_variant(compare(rows, "mvp").summaries)["dense"].difference is None


def test_a_task_and_seed_run_twice_counts_once() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("mvp", "a", 0, 0.6, run="again"), row("mvp", "b", 0, 0.5)]
    (found,) = compare(rows).summaries
    assert (found.runs, found.n, found.tasks) == (3, 2, 2)
    assert found.mean == pytest.approx(0.6)


def test_spread_over_seeds_is_told_from_spread_over_tasks() -> None:
    cells = {"a": [0.9, 0.8, 0.85], "b": [0.3, 0.4]}
    rows = [row("mvp", task, seed, value) for task, values in cells.items() for seed, value in enumerate(values)]
    (found,) = compare(rows).summaries
    squares = sum((value - brute_mean(values)) ** 2 for values in cells.values() for value in values)
    assert found.seed_sd == pytest.approx(math.sqrt(squares / 3))
    assert found.seed_sd is not None and found.sd is not None and found.seed_sd < found.sd


def test_statistics_that_one_run_does_not_allow_are_none() -> None:
    (found,) = compare([row("mvp", "a", 0, 0.8)]).summaries
    assert (found.sd, found.seed_sd, found.difference, found.difference_se) == (None, None, None, None)


def test_runs_that_have_not_finished_are_listed_but_not_counted() -> None:
    rows = [row("mvp", "a", 0, 0.8), row("mvp", "b", 0, None, status="running")]
    found = compare(rows)
    assert len(found.rows) == 2
    assert found.summaries[0].n == 1


def test_compression_and_macs_reduction_are_ratios_to_the_dense_network() -> None:
    (found,) = compare([row("mvp", "a", 0, 0.8), row("mvp", "b", 0, 0.8, params=220_000)]).summaries
    assert found.compression == pytest.approx((11_000_000 / 450_000 + 50) / 2)
    assert found.macs_reduction == pytest.approx(18.5)


def test_an_unknown_baseline_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="mvp"):
        compare([row("mvp", "a", 0, 0.8)], "mpv")


def test_a_baseline_that_stands_for_several_variants_is_refused_and_one_of_them_taken() -> None:
    rows = [row("mvp k=3", "a", 0, 0.8), row("mvp k=5", "a", 0, 0.7)]
    with pytest.raises(BadValueError, match="'mvp k=3' or 'mvp k=5'"):
        compare(rows, "mvp")
    found = by_variant(compare(rows, "mvp k=3").summaries)
    assert found["mvp k=5"].difference == pytest.approx(-0.1)
    assert found["mvp k=3"].difference is None
    assert compare(rows).summaries[0].baseline is None


def test_hundreds_of_runs_are_compared() -> None:
    draw = random.Random(0)
    rows = [
        row(variant, f"t{task}", seed, draw.random(), run=f"{variant}{task}{seed}")
        for variant, task, seed in itertools.product(("mvp", "taylor", "random", "magnitude"), range(25), range(5))
    ]
    found = compare(rows)
    assert [one.n for one in found.summaries] == [125] * 4
    assert len(found.to_dict()["runs"]) == 500


def test_labels_name_only_what_differs() -> None:
    configs = [
        RunConfig("t"),
        RunConfig("t", k=3),
        RunConfig("t", weights="pretrained"),
        RunConfig("t", method="taylor"),
    ]
    names = [variant_name(c.method, o) for c, o in zip(configs, differing_options(configs), strict=True)]
    assert names == [
        "mvp k=5 weights=neighbours",
        "mvp k=3 weights=neighbours",
        "mvp k=5 weights=pretrained",
        "taylor",
    ]


def test_methods_without_neighbours_are_told_apart_by_what_their_weights_start_as() -> None:
    configs = [
        RunConfig("t", method="magnitude"),
        RunConfig("t", method="magnitude", weights="reinitialised"),
        RunConfig("t", method="magnitude", weights="neighbours"),
        RunConfig("t"),
        RunConfig("t", method="taylor"),
    ]
    names = [variant_name(c.method, o) for c, o in zip(configs, differing_options(configs), strict=True)]
    assert len(set(names)) == len(configs)
    assert names[1] == "magnitude weights=reinitialised" and names[4] == "taylor"


def test_the_usual_weights_of_each_method_are_not_named() -> None:
    configs = [RunConfig("t"), RunConfig("t", method="magnitude"), RunConfig("t", method="dense")]
    assert differing_options(configs) == [{}, {}, {}]


def test_options_a_method_ignores_make_no_variants() -> None:
    configs = [RunConfig("t", method="taylor", k=3), RunConfig("t", method="taylor", k=5, seed=1, threads=1)]
    assert differing_options(configs) == [{}, {}]


def test_an_option_that_is_not_used_is_not_named() -> None:
    configs = [RunConfig("t", neighbours="all", k=None), RunConfig("t"), RunConfig("t", sample=0.5)]
    names = [variant_name(c.method, o) for c, o in zip(configs, differing_options(configs), strict=True)]
    assert names == ["mvp neighbours=all", "mvp k=5", "mvp k=5 sample=0.5"]


def test_csv_keeps_full_precision_and_every_field() -> None:
    rows = [row("mvp k=3", "a", 0, 1 / 3, options={"k": 3}, tags=("x", "y"))]
    (read,) = csv.DictReader(io.StringIO(to_csv(rows, Row)))
    assert float(read["test_accuracy"]) == 1 / 3
    assert (read["options"], read["tags"], read["validation_accuracy"]) == ("k=3", "x y", "")
    assert to_csv([], Summary).startswith("variant,")


def test_markdown_has_one_line_a_row_and_leaves_empty_columns_out() -> None:
    found = compare([row("mvp", "a|b", 0, 0.8123), row("taylor", "a|b", 0, 0.7)])
    lines = to_markdown(RUN_COLUMNS, found.rows).splitlines()
    assert len(lines) == 4
    assert "81.2 %" in lines[2] and "a\\|b" in lines[2]
    assert "validation" not in lines[0]
    summary = to_markdown(SUMMARY_COLUMNS, found.summaries)
    assert "−11.2" in summary and "18.5 ×" in summary


def test_voters_chosen_by_hand_name_a_variant_and_nothing_chosen_does_not() -> None:
    configs = [RunConfig("t"), RunConfig("t", chosen=("a", "b")), RunConfig("t", method="dense")]
    names = [variant_name(c.method, o) for c, o in zip(configs, differing_options(configs), strict=True)]
    assert names[2] == "dense" and "chosen" not in names[0] and "chosen=('a', 'b')" in names[1]


def test_runs_that_keep_masks_of_different_runs_are_one_variant() -> None:
    configs = [RunConfig(task, method="same-mask", mask_of=f"run-{task}") for task in ("t", "u")]
    assert {variant_name(c.method, o) for c, o in zip(configs, differing_options(configs), strict=True)} == {
        "same-mask"
    }


def test_accuracies_at_keep_ratios_of_different_things_are_not_paired() -> None:
    rows = [row("mvp", "t", 0, 0.7, of="channels"), row("taylor", "t", 0, 0.6, of="params")]
    rows.append(row("dense", "t", 0, 0.8, keep=None))
    found = by_variant(compare(rows, "mvp").summaries)
    assert found["taylor"].difference is None and found["dense"].difference == pytest.approx(0.1)
    alike = by_variant(compare([row("mvp", "t", 0, 0.7, of="params"), rows[1]], "mvp").summaries)
    assert alike["taylor"].difference == pytest.approx(-0.1)
    assert alike["taylor"].of == "params" and found["dense"].of is None
    assert "20 % of the parameters" in to_markdown(SUMMARY_COLUMNS, list(alike.values()))


def test_a_size_budget_tells_variants_apart_only_where_channels_are_removed() -> None:
    configs = [RunConfig("t", method, of=of, allocation=how) for method, of, how in (
        ("mvp", "params", "global"), ("mvp", "params", "uniform"), ("dense", "channels", "uniform"),
    )]  # fmt: skip
    assert differing_options(configs)[0]["allocation"] == "global"
    assert "of" not in differing_options(configs)[0]  # what the unpruned one says of it does not matter
    assert not {"of", "allocation", "least_width", "multiple"} & set(differing_options(configs)[2])


@pytest.mark.parametrize(
    "kept, off, words",
    [(0.2, 0.0, "20.00 %"), (0.20003, 0.0002, "20.00 %"), (0.0503, 0.006, "5.03 %, +0.6 % off"), (None, None, "-")],
)
def test_how_far_off_a_budget_is_said_only_where_the_digits_shown_tell(
    kept: float | None, off: float | None, words: str
) -> None:
    assert in_words(kept, off) == words

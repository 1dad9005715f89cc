import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadValueError
from core.reports.compare import Row
from core.reports.cost import MOST_SHOWN, Assumptions, footprint, pay_offs, pays_off_after, telling

COSTS = st.integers(0, 10_000)


def test_an_hour_on_one_core_is_energy_times_carbon_intensity() -> None:
    found = footprint(3600, Assumptions(watts_per_busy_core=10, power_usage_effectiveness=1.5, grams_co2e_per_kwh=400))
    assert found.energy_kwh == pytest.approx(0.015)
    assert found.co2e_grams == pytest.approx(6.0)


def test_every_number_of_the_estimate_is_stated() -> None:
    sentence = Assumptions(12, 1.2, 300).sentence()
    assert all(number in sentence for number in ("12 W", "1.2", "300 g"))


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(BadValueError):
        footprint(seconds)


@given(COSTS, COSTS, st.integers(1, 10_000))
def test_the_zoo_pays_off_at_the_first_task_where_it_is_not_dearer(zoo: int, with_zoo: int, saved: int) -> None:
    without = with_zoo + saved
    found = pays_off_after(zoo, with_zoo, without)
    assert found is not None
    assert zoo + found * with_zoo <= found * without
    assert found == 0 or zoo + (found - 1) * with_zoo > (found - 1) * without


def test_a_zoo_that_saves_nothing_never_pays_off() -> None:
    assert pays_off_after(100, 5, 5) is None
    assert pays_off_after(100, 6, 5) is None
    assert pays_off_after(0, 5, 5) == 0


@pytest.mark.parametrize("costs", [(-1, 1, 2), (1, float("nan"), 2), (1, 1, float("inf"))])
def test_costs_that_are_none_are_refused(costs: tuple[float, float, float]) -> None:
    with pytest.raises(BadValueError):
        pays_off_after(*costs)


def row(method: str, task: str, accuracy: float, cpu_seconds: float, **more: object) -> Row:
    settings: dict[str, object] = {"status": "finished", "keep": 0.2, "iterations": 60, "seed": 0, "options": {}}
    told = {"run": f"{method}-{task}", "variant": method, "method": method, "test_accuracy": accuracy}
    return Row(task=task, cpu_seconds=cpu_seconds, **(settings | told | more))  # type: ignore[arg-type]


def test_a_zoo_is_weighed_over_the_tasks_and_seeds_that_both_variants_ran() -> None:
    rows = [row("mvp", "a", 0.8, 10), row("mvp", "b", 0.6, 20), row("mvp", "c", 0.1, 999)]
    rows += [row("taylor", "a", 0.7, 40, iterations=240), row("taylor", "b", 0.6, 50, iterations=240)]
    (found,) = pay_offs(rows, {"mvp": 1000.0})
    assert (found.pairs, found.cost, found.against_cost) == (2, 15, 45)
    assert found.tasks == 34 and found.difference == pytest.approx(0.05)


def test_a_zoo_is_not_weighed_against_the_unpruned_another_keep_ratio_or_unfinished_runs() -> None:
    rows = [row("mvp", "a", 0.8, 10), row("dense", "a", 0.9, 90, keep=None), row("taylor", "a", 0.7, 40, keep=0.1)]
    rows += [row("random", "a", 0.7, 40, status="running"), row("magnitude", "b", 0.7, 40)]
    assert pay_offs(rows, {"mvp": 1000.0}) == []
    assert pay_offs([row("mvp", "a", 0.8, 10), row("taylor", "a", 0.7, 40)], {}) == []


def test_a_zoo_is_not_weighed_against_runs_whose_keep_ratio_is_of_something_else() -> None:
    rows = [row("mvp", "a", 0.8, 10, of="params"), row("taylor", "a", 0.7, 40, of="channels")]
    assert pay_offs(rows, {"mvp": 1000.0}) == []
    (found,) = pay_offs([rows[0], row("taylor", "a", 0.7, 40, of="params")], {"mvp": 1000.0})
    assert found.of == "params"


def telling_rows() -> list[Row]:
    rows = [row("mvp", "a", 0.8, 10), row("mvp", "a", 0.7, 5, iterations=20)]
    rows += [row("taylor", "a", 0.81, 90, iterations=240), row("taylor", "a", 0.75, 40)]
    rows += [row("random", "a", 0.4, 10), row("magnitude", "a", 0.85, 10), row("magnitude", "a", 0.6, 5, iterations=20)]
    return rows


def test_the_pairs_shown_are_each_variants_with_the_longest_and_the_most_accurate_rival() -> None:
    everything = pay_offs(telling_rows(), {"mvp": 1000.0})
    assert len(everything) == 10
    shown = telling(everything)
    assert {(one.iterations, one.against, one.against_iterations) for one in shown} == {
        (spent, *rival) for spent in (20, 60) for rival in (("taylor", 240), ("magnitude", 60))
    }
    assert [one.iterations for one in shown] == [20, 20, 60, 60]


def test_among_rivals_of_equal_length_the_most_accurate_is_shown() -> None:
    rows = [row("mvp", "a", 0.8, 10), row("taylor", "a", 0.7, 40), row("magnitude", "a", 0.6, 50)]
    assert [one.against for one in telling(pay_offs(rows, {"mvp": 1000.0}))] == ["taylor"]


def test_controls_of_who_votes_are_weighed_but_shown_only_where_there_is_nothing_else() -> None:
    control = {"variant": "mvp neighbours=random", "options": {"neighbours": "random"}}
    rows = [row("mvp", "a", 0.8, 10, options={"neighbours": "nearest"}), row("mvp", "a", 0.8, 10, **control)]
    rows.append(row("taylor", "a", 0.7, 40))
    costs = {"mvp": 1000.0, "mvp neighbours=random": 1000.0}
    everything = pay_offs(rows, costs)
    assert [one.control for one in everything] == [False, True]
    assert [one.variant for one in telling(everything)] == ["mvp"]
    assert [one.variant for one in telling(everything[1:])] == ["mvp neighbours=random"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 5), st.floats(0, 1)), max_size=40))
def test_there_are_never_more_pairs_than_fit_a_screen_and_the_least_losing_ones_stay(
    drawn: list[tuple[str, int, float]],
) -> None:
    rows = [row("mvp", "t", value, 10, variant=name, iterations=spent) for name, spent, value in drawn]
    rows += [row("taylor", "t", 0.7, 40), row("magnitude", "t", 0.8, 5)]
    everything = pay_offs(rows, {name: 1000.0 for name, *_ in drawn})
    shown = telling(everything)
    assert len(shown) <= MOST_SHOWN and set(shown) <= set(everything) and bool(shown) == bool(everything)
    if len({(one.variant, one.iterations) for one in everything}) > MOST_SHOWN:
        assert max(one.difference for one in everything if one.against == "magnitude") in [
            one.difference for one in shown
        ]

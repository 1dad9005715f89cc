"""The Compare page under AppTest, on a real run store; what needs clicks in a table or chart is in tests/browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs.store import Store
from dashboard.compare.choice import TABS
from dashboard.compare.page import others_of
from tests.dashboard.pages import follow, page, ways
from tests.dashboard.runs import finished_run

ROOT = Path(__file__).resolve().parents[2]


def compare(**link: str) -> AppTest:
    return page("compare", **link)


def link_of(test: AppTest, key: str) -> str | None:
    value = test.query_params.get(key)
    return value[0] if isinstance(value, list) else value


def words(test: AppTest) -> str:
    said = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(element.value) for element in said)


def sound(test: AppTest) -> AppTest:
    assert not test.exception and not test.error
    return test


def results(test: AppTest):
    return next(table.value for table in test.dataframe if "Test accuracy" in table.value and "Δ points" in table.value)


@pytest.fixture
def store(paper_home: Path) -> Store:
    return Store()


@pytest.fixture
def three(store: Store) -> list[str]:
    return [
        finished_run(store, 0.70),
        finished_run(store, 0.60, method="magnitude"),
        finished_run(store, 0.65, method="random", tags=("control",)),
    ]


def test_a_store_that_is_read_only_says_so_and_takes_no_runs_in(
    three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "writable", lambda self: False)
    test = sound(compare(runs=",".join(three)))
    assert "is read-only" in test.warning[0].value and not results(test).empty
    assert sound(compare()).get("file_uploader")[0].proto.disabled


def test_without_a_run_the_page_offers_to_start_one_or_to_bring_some_in(paper_home: Path) -> None:
    test = sound(compare())
    assert "There is no run yet" in test.info[0].value
    assert ways(test) == {"Start a run": "run?run=new"}
    assert test.get("file_uploader")


def test_all_runs_are_in_the_table_newest_first(three: list[str]) -> None:
    test = sound(compare())
    assert test.dataframe[0].value["Run"].tolist() == three[::-1]
    assert "Choose runs in the table" in test.info[0].value


def test_two_runs_of_a_link_are_compared_the_first_as_the_baseline(three: list[str]) -> None:
    table = results(sound(compare(runs=",".join(three[:2]))))
    assert table["Run"].tolist() == ["Meta-Vote Pruning (baseline)", "Magnitude (L2)"]
    assert table["Test accuracy"].tolist() == pytest.approx([70, 60])
    assert table["Δ points"].tolist()[1] == pytest.approx(-10)


def test_another_baseline_can_be_pinned_by_link_and_by_box(three: list[str]) -> None:
    test = sound(compare(runs=",".join(three), baseline=three[1]))
    assert results(test)["Δ points"].tolist()[0] == pytest.approx(10)
    test.selectbox(key="baseline").select(three[2]).run()
    assert link_of(sound(test), "baseline") == three[2]
    assert results(test)["Δ points"].tolist()[:2] == pytest.approx([5, -5])


def test_runs_picked_by_name_are_in_the_link(three: list[str]) -> None:
    test = compare()
    test.multiselect(key="runs").select(three[0]).select(three[2]).run()
    assert link_of(sound(test), "runs") == f"{three[0]},{three[2]}"
    assert len(results(test)) == 2


def test_an_unknown_run_in_the_link_is_told_and_the_rest_is_compared(three: list[str]) -> None:
    test = sound(compare(runs=f"{three[0]},gone-run-1234,{three[1]}"))
    assert "There is no run 'gone-run-1234'" in test.warning[0].value
    assert len(results(test)) == 2
    assert link_of(test, "runs") == f"{three[0]},{three[1]}"


@pytest.mark.parametrize("by", ["run", "variant"])
@pytest.mark.parametrize("tab", TABS)
def test_every_view_is_drawn_in_both_ways(three: list[str], tab: str, by: str) -> None:
    test = sound(compare(runs=",".join(three), tab=tab, by=by))
    assert not test.warning


@pytest.mark.parametrize("axis", ["iterations", "macs", "seconds"])
def test_curves_can_run_against_iterations_macs_and_seconds(three: list[str], axis: str) -> None:
    test = sound(compare(runs=",".join(three), axis=axis))
    assert test.get("vega_lite_chart")
    assert "not drawn" not in words(test)


def test_one_run_alone_is_shown_with_ways_to_find_others(three: list[str], store: Store) -> None:
    other_seed = finished_run(store, 0.72, seed=1)
    test = sound(compare(runs=three[0]))
    assert "One run so far" in words(test)
    next(button for button in test.button if button.label == "Add the other methods on this task (2)").click().run()
    assert set((link_of(test, "runs") or "").split(",")) == set(three)
    test = compare(runs=three[0])
    next(button for button in test.button if button.label == "Add its other seeds (1)").click().run()
    assert link_of(test, "runs") == f"{three[0]},{other_seed}"


def test_runs_of_different_tasks_are_said_not_to_be_comparable(three: list[str], store: Store) -> None:
    other = finished_run(store, 0.9, task="emoji-t02")
    assert "not comparable" in sound(compare(runs=f"{three[0]},{other}")).warning[0].value
    assert "No Pareto front" in words(compare(runs=f"{three[0]},{other}", tab="tradeoffs"))


def test_runs_without_a_result_are_shown_but_said_to_count_nowhere(three: list[str], store: Store) -> None:
    failed, waiting = store.create(RunConfig("emoji-t01")), store.create(RunConfig("emoji-t01"))
    store.fail(failed, "The disk is full: free some space.")
    test = sound(compare(runs=f"{three[0]},{failed},{waiting}"))
    assert "1 run is still going on" in words(test)
    assert "1 run is without a result (failed): shown, but counted nowhere" in words(test)
    assert results(test)["Status"].tolist() == ["Finished", "Failed", "Queued"]


def test_the_baseline_is_the_first_run_that_has_a_result(three: list[str], store: Store) -> None:
    failed = store.create(RunConfig("emoji-t01"))
    store.fail(failed, "The disk is full: free some space.")
    test = sound(compare(runs=f"{failed},{three[0]},{three[1]}"))
    assert test.selectbox(key="baseline").value == three[0]
    assert link_of(test, "baseline") == three[0]  # so that it stays when another run finishes


@pytest.mark.parametrize(
    "link, left",
    [
        ({"methods": "random"}, [2]),
        ({"methods": "random,mvp"}, [2, 0]),
        ({"tags": "control"}, [2]),
        ({"text": "magn"}, [1]),
        ({"text": "control t01"}, [2]),
        ({"tasks": "emoji-t01"}, [2, 1, 0]),
        ({"order": "oldest"}, [0, 1, 2]),
        ({"order": "best"}, [0, 2, 1]),
        ({"grouped": "method"}, [1, 0, 2]),
    ],
)
def test_filters_order_and_grouping_come_from_the_link(three: list[str], link: dict[str, str], left: list[int]) -> None:
    test = sound(compare(**link))
    listed = next(table.value for table in test.dataframe if "Run" in table.value)
    assert listed["Run"].tolist() == [three[place] for place in left]


def test_grouped_a_table_of_groups_stands_above_with_mean_and_spread(three: list[str], store: Store) -> None:
    finished_run(store, 0.74, seed=1)
    groups = sound(compare(grouped="method")).dataframe[0].value.set_index("Method")
    assert groups.loc["Meta-Vote Pruning", "Mean accuracy"] == pytest.approx(72)
    assert groups.loc["Meta-Vote Pruning", "Runs"] == 2


def test_columns_can_be_chosen(three: list[str]) -> None:
    assert list(sound(compare(columns="Task,Seed")).dataframe[0].value.columns) == ["Run", "Task", "Seed"]


def test_all_that_is_shown_can_be_compared_at_once(three: list[str]) -> None:
    test = sound(compare(every="True", methods="mvp,magnitude"))
    assert len(results(test)) == 2
    assert not [box for box in test.multiselect if box.key == "runs"]


def test_no_runs_pass_the_filters(three: list[str]) -> None:
    assert "No run passes these filters" in words(sound(compare(text="nothing-like-it")))


@pytest.mark.parametrize("chosen", [False, True])
def test_one_run_alone_leads_to_the_form_filled_in_with_the_other_methods(store: Store, chosen: bool) -> None:
    run = finished_run(store, 0.7, keep=0.3, iterations=12, seed=4)
    test = sound(compare(**({"runs": run} if chosen else {})))
    assert "One run so far" in words(test) if chosen else "There is one run so far" in words(test)
    asked = others_of(store.get(run).config)
    form = sound(follow(test, "Prune its task with other methods"))
    assert not form.warning
    usual = {"of": "channels", "allocation": "uniform", "least_width": "1", "multiple": "1", "sampling": "natural"}
    assert asked.items() >= usual.items()  # said, as the form may have been set to others before
    assert {name: link_of(form, name) or usual.get(name) for name in asked} == asked
    others = len(METHODS) - 2  # all but its own, and but the one that needs to be told whose mask
    assert f"Start {others} runs" in [button.label for button in form.button]


def test_the_other_methods_are_asked_for_at_the_same_size_budget(store: Store) -> None:
    budget = {"of": "params", "allocation": "global", "least_width": 4, "multiple": 8}
    run = finished_run(store, 0.7, keep=0.05, sampling="balanced", **budget)
    asked = others_of(store.get(run).config)
    assert {name: asked[name] for name in budget} == {name: str(value) for name, value in budget.items()}
    assert asked["sampling"] == "balanced"

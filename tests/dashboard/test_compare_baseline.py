"""The baseline is one choice: the same in every view, in means and runs, in the link, in files and in a terminal."""

import csv
import io
import itertools
import json
from collections.abc import Mapping
from html import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.reports.compare import compare
from core.reports.records import rows
from core.reports.rows import Row, Summary
from core.reports.tables import to_csv
from core.runs.store import Store
from dashboard.compare import files, reads, report, views
from dashboard.compare.choice import TABS
from dashboard.compare.compared import Compared
from tests.dashboard.pages import page, words
from tests.dashboard.runs import finished_run

OTHER = {"backbone_hash": "b" * 64, "image_size": 64, "data": "2" * 64}
HERE = {"backbone_hash": "a" * 64, "image_size": 32, "data": "1" * 64}


@pytest.fixture
def six(store: Store) -> dict[str, str]:
    """Three methods with two seeds each; name -> id."""
    accuracies = {"mvp": (0.70, 0.72), "magnitude": (0.60, 0.65), "random": (0.50, 0.40)}
    return {
        f"{method} {seed}": finished_run(store, accuracy, method=method, seed=seed)
        for method, two in accuracies.items()
        for seed, accuracy in enumerate(two)
    }


def differences(test: AppTest) -> dict[str, float]:
    """Accuracy -> difference in points, of the first table that has both; the same however rows are named."""
    for table in test.dataframe:
        name = next((one for one in ("Test accuracy", "Mean accuracy") if one in table.value), None)
        if name and "Δ points" in table.value:
            pairs = zip(table.value[name], table.value["Δ points"], strict=True)
            return {f"{accuracy:.1f}": round(points, 6) for accuracy, points in pairs if points == points}
    return {}


def baseline(test: AppTest) -> str:
    return str(test.selectbox(key="baseline").value)


def link_of(test: AppTest) -> str | None:
    value = test.query_params.get("baseline")
    return value[0] if isinstance(value, list) else value


def step(test: AppTest, key: str, value: str) -> AppTest:
    test.segmented_control(key=key).set_value(value)
    test.run()
    assert not test.exception and not test.error and not test.warning
    return test


def test_the_baseline_survives_means_and_the_view_of_seeds(six: dict[str, str]) -> None:
    chosen = six["random 1"]
    test = page("compare", every="True")
    test.selectbox(key="baseline").select(chosen).run()
    runs = differences(test)
    assert runs["70.0"] == pytest.approx(30) and runs["50.0"] == pytest.approx(10)
    for key, value in (("by", "variant"), ("tab", "spread"), ("tab", "save"), ("by", "run"), ("tab", "overview")):
        step(test, key, value)
        assert (baseline(test), link_of(test)) == (chosen, chosen)
    assert differences(test) == runs


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["mvp 0", "mvp 1", "magnitude 1", "random 0", "random 1", "none"]),
    st.permutations([("tab", tab) for tab in TABS] + [("by", "variant"), ("by", "run"), ("by", "variant")]),
)
def test_whatever_the_order_of_views_the_baseline_stays_and_so_does_every_difference(
    six: dict[str, str], name: str, walk: list[tuple[str, str]]
) -> None:
    chosen = six.get(name, "none")
    test = page("compare", every="True")
    test.selectbox(key="baseline").select(chosen).run()
    seen: dict[str, Mapping[str, float]] = {}
    for key, value in walk:
        step(test, key, value)
        assert baseline(test) == chosen
        by = test.segmented_control(key="by").value
        tab = test.segmented_control(key="tab").value
        if tab == "spread" or tab == "overview":
            kind = "means" if tab == "spread" or by == "variant" else "runs"
            assert seen.setdefault(kind, differences(test)) == differences(test)
    again = page("compare", every="True", **({"baseline": link} if (link := link_of(test)) else {}))
    assert baseline(again) == chosen


def test_choosing_a_setting_among_means_chooses_a_run_of_it_everywhere(six: dict[str, str]) -> None:
    test = page("compare", every="True", by="variant", baseline=six["mvp 0"])
    option = next(label for label in test.selectbox(key="baseline").options if label.startswith("Random"))
    test.selectbox(key="baseline").set_value(option).run()
    chosen = baseline(test)
    assert chosen in (six["random 0"], six["random 1"])
    step(test, "by", "run")
    assert baseline(test) == chosen == link_of(test)


def compared(store: Store, ids: Mapping[str, str], base: str) -> Compared:
    records = [store.get(id) for id in ids.values()]
    events, _ = store.events_of_runs(list(ids.values()), reads.KINDS)
    return Compared(records, dict.fromkeys(ids.values(), "finished"), events, base)


def test_page_files_and_terminal_agree_on_every_difference(six: dict[str, str], store: Store) -> None:
    for base in six.values():
        shown = compared(store, six, base)
        found = {row.run: row.difference for row in shown.rows}
        document = json.loads(files.document(shown))
        assert {one["run"]: one["difference"] for one in document["runs"]} == found
        table = csv.DictReader(io.StringIO(to_csv(shown.rows, Row)))
        assert {one["run"]: float(one["difference"]) if one["difference"] else None for one in table} == found
        terminal = compare(rows(store, [store.get(id) for id in six.values()])[0], base)
        assert {one.run: one.difference for one in terminal.rows} == found
        means = {one.variant: one.difference for one in shown.comparison.summaries}
        assert {one.variant: one.difference for one in terminal.summaries} == means
        summary = csv.DictReader(io.StringIO(to_csv(shown.comparison.summaries, Summary)))
        assert {one["variant"]: float(one["difference"]) if one["difference"] else None for one in summary} == means
        html = report.html(shown, "run", views.checked(shown))
        for difference in (one for one in found.values() if one is not None):
            assert f">{escape(report.RESULTS['Δ points'](100 * difference))}<" in html


def test_runs_on_another_backbone_have_no_difference_but_a_sentence_on_the_page_and_in_the_report(store: Store) -> None:
    mine = finished_run(store, 0.7, more={"inputs": HERE, "engine": 2})
    other = finished_run(store, 0.9, method="random", more={"inputs": OTHER, "engine": 2}, backbone="textures")
    test = page("compare", runs=f"{mine},{other}", baseline=mine)
    assert not test.exception and not differences(test)
    said = words(test)
    assert "another backbone (textures, not emoji-resnet18-simclr)" in said
    table = next(one.value for one in test.dataframe if "Not compared" in one.value)
    assert table["Not compared"].tolist() == ["", "another backbone"]
    assert "No Pareto front" in "\n".join(
        one.value for one in page("compare", runs=f"{mine},{other}", tab="tradeoffs").caption
    )
    html = report.html(compared(store, {"a": mine, "b": other}, mine), "run", [])
    assert "another backbone (textures, not emoji-resnet18-simclr)" in html


def test_runs_of_two_engines_are_flagged_and_averaged_apart(store: Store) -> None:
    old = finished_run(store, 0.7, more={"engine": 1})
    new = finished_run(store, 0.8, seed=1, more={"inputs": HERE, "engine": 2})
    test = page("compare", runs=f"{old},{new}", baseline=new)
    assert "Made by engine version 1" in "\n".join(one.value for one in test.warning)
    table = next(one.value for one in test.dataframe if "Setup" in one.value)
    assert table["Setup"].tolist() == ["engine version 1", ""]
    assert len(compared(store, {"a": old, "b": new}, new).comparison.summaries) == 2


@pytest.mark.parametrize("by, tab", [*itertools.product(("run", "variant"), ("overview", "spread", "save"))])
def test_no_page_calls_a_ratio_of_macs_a_speed_up(six: dict[str, str], by: str, tab: str) -> None:
    test = page("compare", every="True", by=by, tab=tab)
    columns = [name for table in test.dataframe for name in table.value]
    assert not any("speed" in str(name).lower() for name in columns)
    assert tab != "spread" or "MACs reduction" in columns

"""What the Compare page is made of, without a page: names, marks, tables, figures, link texts, the report."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pruning.config import RunConfig
from core.pruning.events import Pruned
from core.reports.curves import Point
from core.reports.masks import GroupMasks
from core.runs.record import RunRecord
from core.runs.store import Store
from dashboard import theme
from dashboard.compare import entries, files, reads, report, tables, views
from dashboard.compare.compared import Compared
from dashboard.compare.frame import Filters, after_click, frame_of, groups_of, narrowed, others_like, positions, with_of
from dashboard.compare.many import parsed, written
from dashboard.compare.names import names_of
from dashboard.figures import layers, marks, overlays, spreads, tradeoffs
from tests.dashboard.runs import finished_run


def record(id: str, **settings: object) -> RunRecord:
    config = RunConfig(**({"task": "emoji-t00"} | settings))  # type: ignore[arg-type]
    return RunRecord(id, config, "finished", 0.0)


def named(*records: RunRecord) -> list[str]:
    return list(names_of(records).values())


def test_a_name_tells_only_what_differs() -> None:
    assert named(record("a-1"), record("b-2", method="random")) == ["Meta-Vote Pruning", "Random channels"]
    assert named(record("a-1", k=3), record("b-2", k=5)) == ["Meta-Vote Pruning · K 3", "Meta-Vote Pruning · K 5"]
    assert named(record("a-1"), record("b-2", seed=1))[1] == "Meta-Vote Pruning · seed 1"
    assert named(record("a-1"), record("b-2", weights="pretrained"))[1] == "Meta-Vote Pruning · backbone's weights"


def test_budgets_are_told_wherever_two_runs_differ_in_them_and_where_they_matter() -> None:
    names = named(
        record("a-1"), record("b-2", method="taylor", iterations=240), record("c-3", method="dense", keep=0.5)
    )
    assert names == [
        "Meta-Vote Pruning · 60 iterations",
        "Taylor, iterative · 240 iterations",
        "Dense (unpruned) · 60 iterations",
    ]


def test_runs_that_are_alike_are_told_apart_by_the_ends_of_their_ids() -> None:
    assert named(record("mvp-x-1f5b"), record("mvp-x-abc3")) == ["Meta-Vote Pruning · 1f5b", "Meta-Vote Pruning · abc3"]


def test_no_two_runs_of_a_comparison_look_alike_and_the_first_of_a_method_looks_as_the_method_does() -> None:
    methods = {f"run-{place}": name for place, name in enumerate([*theme.METHOD_STYLES, *theme.METHOD_STYLES] * 15)}
    styles = theme.run_styles(methods)
    assert len({(style.symbol, style.dash) for style in styles.values()}) == len(methods)
    assert [styles[f"run-{place}"] for place in range(len(theme.METHOD_STYLES))] == list(theme.METHOD_STYLES.values())


def test_a_run_keeps_its_look_when_others_are_added_behind_it() -> None:
    three = theme.run_styles({"a": "mvp", "b": "mvp", "c": "random"})
    more = theme.run_styles({"a": "mvp", "b": "mvp", "c": "random", "d": "mvp", "e": "random"})
    assert {id: more[id] for id in three} == three


def test_every_symbol_has_a_shape_of_its_own() -> None:
    known = [*theme.SYMBOLS, *(style.symbol.removesuffix("-open") for style in theme.METHOD_STYLES.values())]
    assert len({marks.path_of(symbol) for symbol in known}) == len(set(known))
    assert marks.mark_svg(theme.Style(theme.BLUE, "square-open", (6, 3))).count('fill="none"') == 1


@given(st.lists(st.text(min_size=1), unique=True))
def test_several_values_survive_the_link(values: list[str]) -> None:
    assert parsed(written(values)) == values


def test_clicking_rows_keeps_what_is_not_listed_and_the_order_of_choosing() -> None:
    assert after_click(["x", "b"], ["a", "b", "c"], [1, 0]) == ["x", "b", "a"]
    assert after_click(["x", "b"], ["a", "b", "c"], []) == ["x"]
    assert after_click([], ["a"], [0, 7]) == ["a"]
    assert positions(["a", "b", "c"], ["c", "x", "a"]) == [0, 2]


def frame(*records: RunRecord) -> pd.DataFrame:
    return frame_of(records, [record.status for record in records])


def test_words_of_a_search_must_all_be_there_and_brackets_are_plain_text() -> None:
    table = frame(record("mvp-1"), record("random-2", method="random", task="emoji-t01"))
    assert narrowed(table, Filters("RANDOM t01"))["Run"].tolist() == ["random-2"]
    assert narrowed(table, Filters("random t00")).empty
    assert narrowed(table, Filters("[")).empty


def test_what_a_keep_ratio_is_of_stands_beside_it_where_that_is_not_the_channels() -> None:
    wanted = ["Status", "Keep", "Seed"]
    channels, dense = record("mvp-1"), record("dense-2", method="dense", of="params")
    assert with_of(wanted, frame(channels, dense)) == wanted
    mixed = frame(channels, dense, record("mvp-3", of="macs"))
    assert with_of(wanted, mixed) == ["Status", "Keep", "Of", "Seed"] and with_of(["Status"], mixed) == ["Status"]
    assert mixed["Of"].tolist() == ["Channels", "", "MACs"]
    assert frame(record("same-4", method="same-mask", mask_of="mvp-1"))["Of"].tolist() == [""]


def test_groups_have_mean_and_spread_of_what_has_finished() -> None:
    one = RunRecord("a", RunConfig("t"), "finished", 0.0, result={"test_accuracy": 0.5})
    two = RunRecord("b", RunConfig("t"), "finished", 0.0, result={"test_accuracy": 0.7})
    groups = groups_of(frame(one, two, RunRecord("c", RunConfig("t"), "failed", 0.0)), "task")
    (row,) = groups.to_dict("records")
    assert (row["Runs"], row["Finished"], row["Best"]) == (3, 2, 70)
    assert row["Mean accuracy"] == pytest.approx(60) and row["Standard deviation"] == pytest.approx(14.142, abs=0.01)


def test_others_to_compare_with_are_of_the_same_task_and_budget() -> None:
    mine = record("mine")
    records = [
        record("new", method="random"), record("old", method="random"), record("far", method="random", iterations=5),
        record("control", method="magnitude", weights="reinitialised"), record("other", task="emoji-t01", method="l1"),
        record("dense", method="dense", keep=0.5), record("seed", seed=1), mine,
    ]  # fmt: skip
    assert others_like(mine, records, "method") == ["new", "dense"]
    assert others_like(mine, records, "seed") == ["seed"]


STYLE, OTHER = theme.Style(theme.BLUE, "diamond"), theme.Style(theme.GREEN, "circle-open", (6, 3))
CURVES = {"a": [Point(0, 0.3, 0.0, 10.0), Point(5, 0.6, 1.0, 90.0)], "b": [Point(0, 0.2, 0.0), Point(5, 0.5, 2.0)]}
NAMES, STYLES = {"a": "One", "b": "Two"}, {"a": STYLE, "b": OTHER}


def test_curves_have_their_runs_colours_dashes_and_shapes() -> None:
    drawn = overlays.overlay(overlays.lines_of_runs(CURVES, NAMES, STYLES, "seconds"), "seconds").to_dict()
    line = next(layer for layer in drawn["layer"] if layer["mark"]["type"] == "line")
    assert line["encoding"]["color"]["scale"] == {"domain": ["a", "b"], "range": [STYLE.colour, OTHER.colour]}
    assert line["encoding"]["strokeDash"]["scale"]["range"] == [[1, 0], [6, 3]]
    shapes = [layer["encoding"]["shape"]["scale"]["range"] for layer in drawn["layer"] if "shape" in layer["encoding"]]
    assert shapes[0] == [marks.path_of("diamond"), marks.path_of("circle")]


def test_runs_whose_macs_are_not_known_have_no_curve_against_them() -> None:
    lines = overlays.lines_of_runs(CURVES, NAMES, STYLES, "macs")
    assert [(line.id, [x for x, _, _ in line.points]) for line in lines] == [("a", [10.0, 90.0])]
    assert "One ends highest, at 60.0 %" in overlays.overlay_alt(lines, "macs")


def spot(name: str, accuracy: float, cost: float) -> tradeoffs.Spot:
    return tradeoffs.Spot(name, name, STYLE, accuracy, None, cost)


def test_the_front_is_drawn_through_what_nothing_beats() -> None:
    found = [spot("small", 0.6, 1e5), spot("worse", 0.5, 2e5), spot("large", 0.9, 9e6)]
    figure = tradeoffs.tradeoff(found, "Parameters")
    assert list(figure.data[0].y) == [60, 90]
    assert figure.layout.xaxis.type == "log"
    assert tradeoffs.tradeoff_alt(found, "Parameters").endswith("Nothing beats small, large.")
    assert len(tradeoffs.tradeoff(found, "Parameters", front=False).data) == 3


def test_runs_that_remove_alike_share_a_line() -> None:
    def removal(kept: int) -> Pruned:
        return Pruned(0, {"a": kept}, {"a": 10}, 1 - kept / 10, 1, 1, 0.0)

    found = {"a": removal(2), "b": removal(2), "c": removal(5)}
    figure = layers.kept_by_layer(found, NAMES | {"c": "Three"}, STYLES | {"c": STYLE})
    assert [trace.name for trace in figure.data] == ["One and 1 alike", "Three"]
    assert list(figure.data[0].y) == [80]


def test_shares_of_two_masks_add_up_and_stand_beside_chance() -> None:
    masks = [GroupMasks("a", 10, 2, 1, 1, 6, 0.5, 0.18), GroupMasks("b", 10, 0, 2, 2, 6, 0.0, 0.11)]
    bars = layers.masks_by_layer(masks)
    assert [sum(trace.x[place] for trace in bars.data) for place in (0, 1)] == [100, 100]
    lines = {trace.name: list(trace.y) for trace in layers.overlap_of_two(masks).data}
    assert lines == {"Overlap": [0.5, 0.0], "Chance": [0.18, 0.11]}


def test_spread_is_drawn_where_there_are_several_runs() -> None:
    many = spreads.Bundle("Many", STYLE, (0.5, 0.7), 0.6, 0.14)
    figure = spreads.spread([many, spreads.Bundle("One", OTHER, (0.4,), 0.4, None)])
    dots, mean, no_dots, alone = figure.data
    assert list(dots.x) == pytest.approx([50, 70]) and list(mean.error_x.array) == pytest.approx([14])
    assert not no_dots.x and alone.error_x.array is None
    assert "Many 60.0 % ± 14.0 %; One 40.0 %" in spreads.spread_alt(
        [many, spreads.Bundle("One", OTHER, (0.4,), 0.4, None)]
    )


@pytest.fixture
def compared(paper_home: object) -> Compared:
    store = Store()
    ids = [
        finished_run(store, 0.7), finished_run(store, 0.74, seed=1), finished_run(store, 0.6, method="random"),
        finished_run(store, 0.8, method="dense"),
    ]  # fmt: skip
    records = [store.get(id) for id in ids]
    statuses = {one.id: one.status for one in records}
    return Compared(records, statuses, store.events_of_runs(ids, reads.KINDS)[0], ids[2])


def test_results_are_held_against_the_baseline(compared: Compared) -> None:
    table = tables.results(compared)
    assert table["Δ points"].tolist()[0] == pytest.approx(10) and pd.isna(table["Δ points"].tolist()[2])
    assert table["× parameters"].tolist()[3] == pytest.approx(25)
    assert table["Run"].tolist()[2] == "Random channels (baseline)"


def test_what_was_asked_stands_beside_what_was_reached(compared: Compared) -> None:
    table = tables.results(compared)
    assert table["Asked to keep"].tolist() == ["20 % of the channels"] * 3 + ["—"]
    assert table["Reached"].tolist()[:3] == pytest.approx([20] * 3) and pd.isna(table["Reached"].tolist()[3])
    assert table["Off by"].tolist()[:3] == pytest.approx([0] * 3, abs=1e-9)
    frame = frame_of(compared.records, ["finished"] * 4)
    assert frame["Size budget"].tolist() == ["20 % of the channels"] * 3 + [""]
    assert frame["Reached"].tolist()[0] == pytest.approx(20) and frame["Off by"].isna().tolist() == [False] * 3 + [True]


def test_a_budget_of_something_else_is_told_in_the_name() -> None:
    names = names_of([record("a"), record("b", of="params"), record("c", of="params", allocation="global", multiple=8)])
    assert "of the channels" in names["a"] and "of the parameters" in names["b"]
    assert "global" in names["c"] and "multiples of 8" in names["c"] and "uniform" in names["b"]


def test_runs_that_differ_in_seed_alone_are_one_kind(compared: Compared) -> None:
    kinds = {kind.name: kind for kind in entries.kinds_of(compared)}
    assert list(kinds) == ["Dense (unpruned)", "Meta-Vote Pruning", "Random channels"]
    assert kinds["Meta-Vote Pruning"].mean == pytest.approx(0.72)
    line = next(line for line in entries.lines(compared, "variant", "iterations") if line.id == "Meta-Vote Pruning")
    assert line.points[0][1] == pytest.approx(0.62) and line.points[0][2] is not None


class Addresses(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.headings: list[str] = []
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_heading = tag in ("h1", "h2")
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        if self.in_heading and data.strip():
            self.headings.append(data)
        self.in_heading = False


@pytest.mark.parametrize("by", ["run", "variant"])
def test_the_report_holds_all_it_needs_and_names_no_address(compared: Compared, by: str) -> None:
    text = report.html(compared, by, views.checked(compared))
    page = Addresses()
    page.feed(re.sub(r"<script\b.*?</script>", "", text, flags=re.S))
    assert page.headings[0] == "4 runs compared"
    assert {"Mean and spread", "Accuracy on the way", "Trade-offs", "Checklist"} <= set(page.headings)
    assert all(address.startswith("data:") for address in page.found)
    assert "default-src 'none'" in text and not re.search(r"<script[^>]+src=", text)
    assert "74.0 %" in text or by == "variant"


def test_the_report_shows_what_people_wrote_as_text(paper_home: object) -> None:
    store = Store()
    id = finished_run(store, task="folder:/<b>bold</b>")
    one = store.get(id)
    found = Compared([one], {id: "finished"}, store.events_of_runs([id], reads.KINDS)[0])
    text = report.html(found, "run", views.checked(found))
    assert "<b>bold" not in text and "&lt;b&gt;bold" in text


def test_everything_is_in_the_json(compared: Compared) -> None:
    import json

    told = json.loads(files.document(compared))
    assert set(told) == {"runs", "summary", "baseline", "notices", "configs", "curves", "classes", "checklist"}
    assert [len(points) for points in told["curves"].values()] == [3] * 4


def test_whole_runs_come_back_from_the_file_they_were_packed_in(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = files.packed(compared.records, models=False)
    for id in compared.ids:
        Store().delete(id)
    added, known = files._unpacked(content)
    assert (added, known) == (compared.ids, [])
    assert files._unpacked(content) == ([], compared.ids)
    damaged, said = files._unpacked(content[:100])
    assert damaged is None and len(said) == 1

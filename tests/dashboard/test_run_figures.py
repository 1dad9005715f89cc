"""What a run looks like: curves on one clock, and the network as it shrinks."""

import pytest

from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, RecordedEvent, Step
from dashboard import theme
from dashboard.figures.live import CHANNELS, CLOCKS, GUESSING, PARAMETERS, live_chart, live_rows
from dashboard.figures.network import STEPS, network_chart, network_rows, network_takeaway
from dashboard.progress import Progress, progress

ROUND = Pruned(5, {"a": 6, "b": 2}, {"a": 10, "b": 10}, 0.6, 400, 5000, 2.6)
EVENTS: list[RecordedEvent] = [
    PhaseChanged("selecting", 0, 0.0),
    Evaluation(0, 0.3, 1.6, 0.4),
    PhaseChanged("pruning", 0, 0.5),
    *(Step(i, 1 / i, 0.02, 0.5 * i) for i in range(1, 6)),
    ROUND,
    PhaseChanged("fine-tuning", 5, 2.7),
    *(Step(i, 1 / i, 0.02, 0.5 * i) for i in range(6, 11)),
    Evaluation(10, 0.7, 0.9, 5.5),
]


def rows(run: Progress, clock: str = "iterations", **more: float) -> list[tuple[object, ...]]:
    table = live_rows(run, 10, clock, more.get("chance"))
    return [tuple(None if value != value else value for value in row) for row in table.itertuples(index=False)]


def test_curves_hold_what_was_measured() -> None:
    shown = rows(progress(EVENTS, 10, 1000), chance=0.2)
    assert [row for row in shown if row[0] == "accuracy"] == [
        ("accuracy", "validation", 0.0, None, 0.3),
        ("accuracy", "validation", 10.0, None, 0.7),
    ]
    assert ("loss", "batch", 4.0, None, 0.25) in shown and ("loss", "validation", 10.0, None, 0.9) in shown
    assert ("chance", GUESSING, 0.0, None, 0.2) in shown


def test_what_is_removed_steps_down_with_each_round_and_goes_on_until_now() -> None:
    shown = [row[1:] for row in rows(progress(EVENTS, 10, 1000)) if row[0] == "sparsity"]
    assert [(at, value) for of, at, _, value in shown if of == CHANNELS] == [(0.0, 0.0), (5.0, 0.6), (10.0, 0.6)]
    assert [(at, value) for of, at, _, value in shown if of == PARAMETERS] == [(0.0, 0.0), (5.0, 0.6), (10.0, 0.6)]
    assert PARAMETERS not in {row[1] for row in rows(progress(EVENTS, 10))}


def test_phases_are_bands_on_the_same_clock_as_the_curves() -> None:
    bands = [row[1:4] for row in rows(progress(EVENTS, 10)) if row[0] == "phase"]
    assert bands == [("Selecting channels", 0.0, 0.0), ("Pruning", 0.0, 5.0), ("Fine-tuning", 5.0, 10.0)]
    in_seconds = [row[1:4] for row in rows(progress(EVENTS, 10), "seconds") if row[0] == "phase"]
    assert in_seconds == [("Selecting channels", 0.0, 0.5), ("Pruning", 0.5, 2.7), ("Fine-tuning", 2.7, 5.5)]


@pytest.mark.parametrize("clock", CLOCKS)
def test_nothing_but_the_data_changes_while_a_run_goes_on(clock: str) -> None:
    specs = [live_chart(progress(EVENTS[:n], 10, 1000), 10, theme.BLUE, clock, 0.2) for n in (0, 1, 8, len(EVENTS))]
    for spec in specs:
        assert len(spec.pop("datasets")) == 1
    assert all(spec == specs[0] for spec in specs)


def test_all_three_panels_show_what_the_strip_below_them_is_dragged_to_and_at_first_the_whole_run() -> None:
    spec = live_chart(progress(EVENTS, 10), 10, theme.BLUE)
    (zoom,) = spec["params"]
    *panels, strip = spec["vconcat"]
    assert zoom["views"] == [strip["layer"][0]["name"]] and "bind" not in zoom
    assert len(panels) == 3
    for panel in panels:
        assert str(panel).count("'domain': {'param': 'zoom', 'encoding': 'x'}") >= 2
    frame = [row[2] for row in rows(progress(EVENTS, 10)) if row[0] == "frame"]
    assert frame == [0.0, 10.0]


def test_the_network_shows_every_group_as_it_was_and_as_it_is() -> None:
    table = network_rows(ROUND.sizes, ROUND.kept)
    assert table["group"].tolist() == ["a", "b"]
    assert (table["to"] - table["from"]).tolist() == [6, 2]
    assert (table["full_to"] - table["full_from"]).tolist() == [10, 10]
    assert table["text"].tolist() == ["6 / 10", "2 / 10"]


@pytest.mark.parametrize("groups", [1, 12, 36, 120])
def test_the_network_of_any_architecture_stays_legible(groups: int) -> None:
    sizes = {f"features.{i}.conv": 16 * (i + 1) for i in range(groups)}
    spec = network_chart(sizes, sizes, theme.BLUE)
    assert STEPS[0] <= spec["height"]["step"] <= STEPS[1]
    assert len(spec["datasets"]["groups"]) == groups


def test_only_the_data_change_while_the_network_shrinks() -> None:
    before, after = (network_chart(ROUND.sizes, kept, theme.BLUE) for kept in (ROUND.sizes, ROUND.kept))
    assert before.pop("datasets")["groups"].equals(after.pop("datasets")["groups"]) is False
    assert before == after


def test_the_network_is_told_in_words() -> None:
    words = network_takeaway(ROUND, 1000)
    assert words == "8 of 20 channels are left in 2 groups: 400 of 1 k parameters, 5 k MACs."


def test_a_finished_run_names_what_the_backbone_had() -> None:
    last = Finished(10, 0.7, {}, {}, {"params": 400}, {"params": 1000}, 6.0)
    assert PARAMETERS in {row[1] for row in rows(progress([*EVENTS, last], 10))}

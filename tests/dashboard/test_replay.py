"""Recordings played again: the player's clock, the ones that ship, and the page that shows them."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks import sample
from core.numbers import percent
from core.pruning.events import Finished, Pruned, RecordedEvent, Step
from core.runs.archive import recorded
from core.runs.store import Store
from dashboard import recordings
from dashboard.replay import SPEEDS, Player, length_of, until, usual_speed
from tests.dashboard.pages import click, linked, page, record_run, words


def test_a_player_moves_on_with_the_clock_at_its_speed() -> None:
    player = Player(10.0, speed=2.0, touched=100.0)
    assert player.at(100.0) == 0 and player.at(102.5) == 5 and not player.ended(102.5)
    assert player.at(200.0) == 10 and player.ended(105.0)


def test_a_paused_player_stays_and_goes_on_from_there() -> None:
    paused = Player(10.0, touched=100.0).pause(104.0)
    assert paused.at(150.0) == 4 and not paused.playing
    assert paused.play(150.0).at(151.0) == 5
    assert paused.seek(7.5, 160.0).at(170.0) == 7.5 and paused.seek(99.0, 160.0).at(161.0) == 10


def test_another_speed_goes_on_from_where_it_is_and_an_ended_one_begins_anew() -> None:
    player = Player(10.0, touched=100.0)
    assert player.at_speed(4.0, 102.0).at(103.0) == 6
    assert player.play(500.0).at(500.0) == 0


@pytest.mark.parametrize("length", [0.5, 2.5, 12.4, 64.0])
def test_a_recording_lasts_about_as_long_as_somebody_likes_to_watch(length: float) -> None:
    speed = usual_speed(length)
    assert speed in SPEEDS and (length / float(speed) <= 32 or speed == "8")


def test_only_what_has_happened_by_then_is_shown() -> None:
    steps = [Step(i, 1.0, 0.1, float(i)) for i in range(1, 6)]
    assert until(steps, 3.0) == steps[:3] and until(steps, 0.0) == []


def test_the_end_of_a_recording_is_a_place_in_it_whatever_its_length() -> None:
    for seconds in (0.01, 6.25, 6.2, 12.34):
        length = length_of([Step(1, 1.0, 0.1, seconds)])
        assert seconds <= length < seconds + 0.11 and round(length, 1) == length
        assert Player(length).seek(length, 0.0).ended(0.0)


def test_the_recordings_that_ship_are_whole_runs() -> None:
    shipped = recordings.samples()
    assert list(shipped) == list(sample.WANTED)
    for one in shipped.values():
        assert isinstance(one.events[-1], Finished) and any(isinstance(event, Pruned) for event in one.events)
        assert one.record.result is not None
        assert one.record.result["test_accuracy"] == one.events[-1].test_accuracy
        assert all(a.seconds <= b.seconds for a, b in zip(one.events, one.events[1:], strict=False))


def without_times(event: RecordedEvent) -> dict[str, object]:
    return {name: value for name, value in event.to_dict().items() if name not in ("seconds", "cost")}


@pytest.mark.slow
def test_a_recording_is_made_again_event_by_event_but_for_its_times(tmp_path: Path) -> None:
    first = next(iter(sample.WANTED))
    sample.write(tmp_path / "again.zip", {first: sample.WANTED[first]})
    ((record, events),) = recorded(tmp_path / "again.zip")
    shipped = recordings.samples()[first]
    assert record.config == shipped.record.config
    assert list(map(without_times, events)) == list(map(without_times, shipped.events))


def seek(test: AppTest, seconds: float) -> AppTest:
    click(test, "Pause")
    return test.slider(key="place in the recording").set_value(seconds).run()


def test_a_recording_plays_with_an_empty_store_and_no_worker_and_says_what_it_is(store: Store) -> None:
    test = page("run", replay="sample")
    assert not test.exception and not test.error and not test.warning
    assert "This is a recording of a real run, not a run in progress." in words(test)
    assert linked(test, "replay") == recordings.first_sample()
    assert "Pause" in [button.label for button in test.button] and store.list() == []


def test_a_recording_goes_to_any_place_and_shows_what_was_known_then(store: Store) -> None:
    id = next(id for id in recordings.samples() if id.startswith("taylor"))
    length = length_of(recordings.samples()[id].events)
    test = seek(page("run", replay=id), 2.5)
    assert "Taylor, iterative" in words(test) and not test.metric
    bar = test.get("progress")[0].proto.text
    assert bar.startswith(f"Recording · 2.5 of {length:.1f} s · Pruning · iteration")
    place = test.slider(key="place in the recording")
    seek_end = place.set_value(place.max).run()
    assert {metric.label for metric in seek_end.metric} >= {"Test accuracy", "Parameters"}
    assert "Play again" in [button.label for button in seek_end.button]


def test_a_recording_that_has_ended_shows_the_result_that_was_reached(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page("run", replay="sample")
    reached = percent(recordings.samples()[recordings.first_sample()].record.result["test_accuracy"], 1)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    test.run()
    assert next(metric.value for metric in test.metric if metric.label == "Test accuracy") == reached


def test_speed_is_in_the_link_and_the_usual_one_is_not(store: Store) -> None:
    assert "speed" not in page("run", replay="sample").query_params
    assert linked(page("run", replay="sample", speed="4"), "speed") == "4"
    assert "There is no speed '99'" in page("run", replay="sample", speed="99").warning[0].value


def test_the_place_where_it_was_stopped_is_in_the_link_until_it_plays_on(store: Store) -> None:
    first, other = list(recordings.samples())
    test = seek(page("run", replay=other), 5.0)
    assert linked(test, "at") == "5.0"
    again = page("run", replay=other, at="5.0")
    assert again.slider(key="place in the recording").value == 5.0
    assert again.get("progress")[0].proto.text == test.get("progress")[0].proto.text
    assert "at" not in click(again, "Play").query_params
    test.segmented_control(key="recording to play").set_value(first).run()
    assert "at" not in test.query_params and "Pause" in [button.label for button in test.button]


@pytest.mark.parametrize("place", ["-1", "999", "soon", "nan"])
def test_a_place_that_is_not_in_the_recording_is_told_and_it_plays(store: Store, place: str) -> None:
    test = page("run", replay="sample", at=place)
    assert "A place in this recording is from 0 to" in test.warning[0].value
    assert "at" not in test.query_params and "Pause" in [button.label for button in test.button]


def test_a_finished_run_of_ones_own_can_be_watched_again(store: Store) -> None:
    run = record_run(store)
    test = click(page("run", run=run), "Watch it again")
    assert "It is one of your runs." in words(test) and linked(test, "replay") == run
    click(test, "New run")
    assert "replay" not in test.query_params and "Start" in [button.label for button in test.button]


def test_a_run_that_has_not_finished_cannot_be_watched_again(store: Store) -> None:
    test = page("run", replay=record_run(store, end=False))
    assert "There is no finished run" in test.warning[0].value

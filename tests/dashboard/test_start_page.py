"""The Start page under AppTest: where to begin, the runs there are, a recording to watch, and the theme in the link."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.pruning.config import RunConfig
from core.runs.store import Store
from dashboard import recordings
from tests.dashboard.pages import follow, linked, page, record_run, words


def opened(**link: str) -> AppTest:
    return page("start", **link)


def test_start_page_lists_runs_in_progress_and_recent_ones(store: Store) -> None:
    done, waiting = record_run(store), store.create(RunConfig("emoji-t02"))
    test = opened()
    assert not test.exception
    headings = [heading.value for heading in test.subheader]
    assert "In progress" in headings and "Recent runs" in headings
    assert "68.0 % on test" in words(test)
    assert {done, waiting} <= {link.proto.label for link in test.get("page_link")}


def test_an_empty_start_page_says_what_this_is_and_what_to_do(paper_home: Path) -> None:
    test = opened()
    assert not test.exception and not test.error and not test.warning
    assert "lets the most similar earlier tasks vote for the channels to keep" in words(test)
    assert [heading.value for heading in test.subheader][:3] == [
        "1 · Pick a task",
        "2 · Look at the votes",
        "3 · Prune",
    ]
    assert "Nothing is running. Step 3 starts a run." in words(test)


def test_one_button_plays_a_recording_with_an_empty_store(store: Store) -> None:
    test = follow(opened(), "Watch a sample run")
    assert not test.exception and not test.error
    assert "This is a recording of a real run, not a run in progress." in words(test)
    assert linked(test, "replay") == recordings.first_sample()
    assert store.list() == []


def test_a_start_page_of_a_store_that_is_read_only_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record_run(store)
    monkeypatch.setattr(Store, "writable", lambda self: False)
    test = opened()
    assert "is read-only" in test.warning[0].value
    assert run in [link.proto.label for link in test.get("page_link")]


def test_a_theme_in_the_link_stays_there_and_one_nobody_knows_is_told(paper_home: Path) -> None:
    assert linked(opened(theme="dark"), "theme") == "dark"
    test = opened(theme="pink")
    assert "There is no theme 'pink'" in test.warning[0].value and "theme" not in test.query_params


def test_a_recording_begins_anew_and_the_form_opens_whatever_was_open_last(store: Store) -> None:
    run = record_run(store)
    test = follow(opened(), "Watch a sample run")
    test.session_state["at"] = 3.0  # stands still somewhere
    form = follow(test.switch_page("app_pages/start.py").run(), "Start pruning")
    assert "replay" not in form.query_params and "run" not in form.query_params and not form.warning
    again = follow(form.switch_page("app_pages/start.py").run(), "Watch a sample run")
    assert linked(again, "replay") == recordings.first_sample() and "at" not in again.query_params
    run_open = follow(again.switch_page("app_pages/start.py").run(), run)
    assert linked(run_open, "run") == run
    form = follow(run_open.switch_page("app_pages/start.py").run(), "Start pruning")
    assert "run" not in form.query_params and "Start" in [button.label for button in form.button]

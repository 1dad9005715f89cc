"""The Run page under AppTest: the form, what it tells before Start, and the list; no browser, no worker."""

from pathlib import Path

import pytest

from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs.store import Store
from dashboard import recordings
from tests.dashboard.pages import click, linked, page, record_run, words


def test_start_queues_the_run_that_the_form_describes(store: Store) -> None:
    test = page("run", task="emoji-t02", keep="0.3")
    test.number_input(key="iterations").set_value(12).run()
    test.selectbox(key="weights").select("pretrained").run()
    click(test, "Start")
    assert not test.exception and not test.error
    (record,) = store.list()
    expected = RunConfig("emoji-t02", keep=0.3, iterations=12, weights="pretrained")
    assert record.config == expected
    assert linked(test, "run") == record.id
    assert "It is next" in words(test)


def test_a_method_without_neighbours_does_not_ask_for_them(store: Store) -> None:
    test = page("run")
    test.selectbox(key="method").select("magnitude").run()
    assert not [box for box in test.selectbox if box.key in ("neighbours", "weights")]
    click(test, "Start")
    assert store.list()[0].config.method == "magnitude"


@pytest.mark.parametrize("number", [999_999, -5])
def test_iterations_that_may_not_be_are_refused_in_one_sentence(store: Store, number: int) -> None:
    test = page("run")
    test.number_input(key="iterations").set_value(number).run()
    click(test, "Start")
    assert [error.value for error in test.error] == [
        f"Iterations must be a whole number from 0 to 2,000, not '{number}'."
    ]
    assert store.list() == []


def test_an_empty_list_of_runs_offers_one_to_watch(store: Store) -> None:
    test = page("run")
    assert "There is no run yet" in words(test)
    click(test, "Watch a sample run")
    assert "This is a recording of a real run" in words(test)
    assert linked(test, "replay") == recordings.first_sample()


def test_an_unknown_run_leads_to_the_form_and_the_list(store: Store) -> None:
    known = record_run(store)
    test = page("run", run="mvp-emoji-t01-zzzz")
    assert "There is no run 'mvp-emoji-t01-zzzz'" in test.warning[0].value
    assert [button.label for button in test.button if button.label == "Start"]
    box = next(box for box in test.selectbox if box.label == "Open a run")
    box.select(known).run()
    assert linked(test, "run") == known
    assert test.metric


def test_all_of_the_form_is_in_the_link(store: Store) -> None:
    link = {
        "task": "emoji-t02",
        "method": "mvp",
        "keep": "0.3",
        "iterations": "12",
        "seed": "7",
        "k": "3",
        "similarity": "logme",
        "weighting": "score",
        "neighbours": "farthest",
        "weights": "pretrained",
        "sampling": "balanced",
        "also": "magnitude,dense",
        "seeds": "2",
        "of": "params",
        "allocation": "global",
        "least_width": "4",
        "multiple": "8",
    }
    test = page("run", **link)
    assert not test.exception and not test.error and not test.warning
    assert {name: linked(test, name) for name in link if name != "method"} == {
        name: value for name, value in link.items() if name != "method"
    }
    click(test, "Start 6 runs")
    voting = {"k": 3, "similarity": "logme", "weighting": "score", "neighbours": "farthest", "weights": "pretrained"}
    expected = [
        RunConfig(
            *("emoji-t02", method, 0.3, 12, seed),
            sampling="balanced",
            of="params",
            allocation="global",
            least_width=4,
            multiple=8,
            **(voting if method == "mvp" else {}),
        )
        for method in ("mvp", "magnitude", "dense")
        for seed in (7, 8)
    ]
    assert [record.config for record in reversed(store.list())] == expected
    assert linked(test, "run") == store.list()[-1].id
    assert "0 in work, 6 waiting" in " ".join(expander.label for expander in test.expander)


def test_what_is_chosen_in_the_form_goes_into_the_link_and_defaults_do_not(store: Store) -> None:
    test = page("run")
    test.selectbox(key="method").select("taylor").run()
    test.number_input(key="iterations").set_value(90).run()
    assert (linked(test, "method"), linked(test, "iterations")) == ("taylor", "90")
    test.selectbox(key="method").select("mvp").run()
    test.number_input(key="iterations").set_value(60).run()
    assert not test.query_params


@pytest.mark.parametrize(
    "link, sentence",
    [
        ({"method": "magic"}, "There is no method 'magic'"),
        ({"iterations": "many"}, "Iterations must be a whole number"),
        ({"seed": "-3"}, "The seed must be a whole number"),
        ({"seeds": "99"}, "The number of seeds must be a whole number"),
        ({"neighbours": "chosen"}, "There is no neighbours 'chosen'"),
        ({"of": "bytes"}, "There is no measure of a keep ratio 'bytes'"),
        ({"allocation": "fair"}, "There is no allocation 'fair'"),
        ({"multiple": "0"}, "What widths are multiples of must be a whole number"),
        ({"weights": "heavy"}, "There is no weights 'heavy'"),
        ({"sampling": "fair"}, "There is no training images 'fair'"),
        ({"also": "mvp,magic"}, "There is no method 'magic'"),
        ({"replay": "nothing"}, "There is no run 'nothing'"),
        ({"tag": "nothing"}, "There is no tag 'nothing'"),
    ],
)
def test_a_link_to_the_form_that_does_not_fit_falls_back_with_a_sentence(
    store: Store, link: dict[str, str], sentence: str
) -> None:
    test = page("run", **link)
    assert not test.exception and not test.error
    assert sentence in test.warning[0].value
    assert not test.query_params


def test_all_methods_are_chosen_at_once_and_none_again(store: Store) -> None:
    test = click(page("run"), "All methods")
    assert set(linked(test, "also").split(",")) == {*METHODS} - {"mvp", "same-mask"}
    assert f"Start {len(METHODS) - 1} runs" in [button.label for button in test.button]
    click(test, "No other method")
    assert "also" not in test.query_params and "Start" in [button.label for button in test.button]


def test_a_method_that_cannot_work_so_short_says_so_and_starts_nothing(store: Store) -> None:
    test = page("run", method="taylor", iterations="2")
    assert "give it at least 3 iterations" in test.error[0].value
    click(test, "Start")
    assert store.list() == []


def test_time_is_told_before_start_and_by_this_machines_own_pace_once_there_is_one(store: Store) -> None:
    before = words(page("run"))
    assert "Predicted: **about 1" in before and "until this one has finished a run" in before
    record_run(store)  # 4 iterations in 5 seconds
    assert words(page("run")).count("until this one has finished a run of 20 iterations or more") == 1
    record_run(store, config=RunConfig("emoji-t01", iterations=20))  # in 5 seconds too
    after = words(page("run"))
    assert "from the pace of this machine's last run of 20 iterations or more" in after
    assert "**about" in after and after != before


def test_size_is_told_before_start_where_the_zoo_knows_it(home: Path) -> None:
    assert "**448 k** of 11.2 M parameters · **1.89 M** of 37 M MACs" in words(page("run"))
    slim = words(page("run", keep="0.05", of="params", multiple="8"))
    assert "**551 k** of 11.2 M parameters" in slim and "the size is exact" in slim


def test_of_a_global_budget_the_size_is_told_about_and_one_that_cannot_be_hit_is_refused(home: Path) -> None:
    test = page("run", keep="0.05", of="macs", allocation="global")
    assert "**about 5 %** of the MACs" in words(test) and "the size within 2 %" in words(test)
    refused = page("run", keep="0.02", multiple="8")
    assert "Keeping 2 % of the channels cannot be met within 2 %" in refused.error[0].value
    click(refused, "Start")
    assert not refused.exception and Store().list() == []


def test_tags_go_to_all_runs_that_are_started_and_the_list_shows_those_with_a_tag(store: Store) -> None:
    test = page("run", seeds="2")
    test.multiselect(key="tagged").set_value(["lesson"]).run()
    click(test, "Start 2 runs")
    assert [record.tags for record in store.list()] == [("lesson",)] * 2
    record_run(store, config=RunConfig("emoji-t03"))
    assert len(page("run").dataframe[0].value) == 3
    shown = page("run", tag="lesson")
    assert shown.dataframe[0].value["Tags"].tolist() == ["lesson"] * 2
    first = shown.dataframe[0].value["Status"].tolist()[-1]
    assert first in ("Queued, number 1", "Queued, number 2", "Running")  # as far as the worker is by now

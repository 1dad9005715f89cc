"""Neighbours chosen by hand: on the votes page, in the run form, and in the link; under AppTest."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import BadValueError, UnknownNameError
from core.runs import queue
from core.runs.store import Store
from core.zoo.zoo import Neighbour, Zoo
from dashboard import voters
from tests.dashboard.test_pages import linked, page, words

BY_HAND = "emoji-z03,emoji-z07,emoji-z11"


def rerun_from(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def test_neighbours_in_the_link_vote_in_order_of_their_true_similarity(paper_home: Path, zoo: Zoo) -> None:
    test = page("votes", chosen=BY_HAND)
    assert not test.exception and not test.error and not test.warning
    assert "**3 neighbours, chosen by hand,** vote instead of the 5 most similar" in words(test)
    assert "3 neighbours want" in words(test)
    ranked = [each.task.id for each in zoo.neighbours(zoo.targets[0], 13) if each.task.id in BY_HAND]
    shown = page("task_map", chosen=BY_HAND).dataframe[0].value["Task"].tolist()
    assert shown == ranked


def test_one_button_goes_back_to_the_nearest(paper_home: Path) -> None:
    test = rerun_from(page("votes", chosen=BY_HAND), "Back to the 5 nearest")
    assert "chosen" not in test.query_params
    assert "chosen by hand" not in words(test) and "5 neighbours want" in words(test)


@pytest.mark.parametrize("key, value, word", [("k", 4, "K has changed"), ("task", "emoji-t02", "The target has")])
def test_another_k_or_target_lets_them_go_with_a_word(paper_home: Path, key: str, value: object, word: str) -> None:
    test = page("votes", chosen=BY_HAND)
    (test.slider(key="k") if key == "k" else test.selectbox(key="task")).set_value(value).run()
    assert word in test.toast[0].value
    assert "chosen" not in test.query_params and "chosen by hand" not in words(test)


def test_another_similarity_keeps_them(paper_home: Path) -> None:
    test = page("votes", chosen=BY_HAND)
    test.selectbox(key="similarity").select("logme").run()
    assert "3 neighbours, chosen by hand" in words(test) and linked(test, "chosen") == BY_HAND


def test_an_unknown_neighbour_in_the_link_falls_back_to_the_nearest_with_a_sentence(paper_home: Path) -> None:
    test = page("votes", chosen="emoji-z03,emoji-z99")
    assert "There is no zoo task that may vote 'emoji-z99'" in test.warning[0].value
    assert "5 neighbours want" in words(test) and "chosen" not in test.query_params


def test_a_run_is_started_with_them(paper_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda store=None: 0)
    test = page("run", chosen=BY_HAND, task="emoji-t02")
    assert "3 neighbours, chosen by hand" in words(test)
    assert [box.key for box in test.selectbox if box.key == "neighbours"] == []
    rerun_from(test, "Start")
    (record,) = Store().list()
    assert record.config.neighbours == "chosen" and record.config.chosen == tuple(BY_HAND.split(","))
    assert record.config.k == 3


def test_a_method_without_neighbours_is_started_without_them(paper_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda store=None: 0)
    test = page("run", chosen=BY_HAND)
    test.selectbox(key="method").select("magnitude").run()
    rerun_from(test, "Start")
    assert Store().list()[0].config.chosen == ()


def test_k_is_at_most_the_number_of_tasks_that_may_vote(paper_home: Path, zoo: Zoo) -> None:
    assert page("votes").slider(key="k").max == len(zoo.voters(zoo.targets[0]))


def test_ids_that_hold_commas_pass_through_a_link_unharmed() -> None:
    ids = ("folder:/a,b/50%2C:x+y", "emoji-z01", "100%")
    assert voters.split(voters.join(ids)) == ids
    assert voters.split(" emoji-z01 ,,emoji-z01,emoji-z02") == ("emoji-z01", "emoji-z02")


def test_a_swap_takes_a_neighbour_out_or_lets_another_in(zoo: Zoo) -> None:
    near = [Neighbour(task, 0.0) for task in zoo.tasks[:3]]
    assert voters.swapped(near, "emoji-z01") == ["emoji-z00", "emoji-z02"]
    assert voters.swapped(near, "emoji-z09") == ["emoji-z00", "emoji-z01", "emoji-z02", "emoji-z09"]


def test_a_link_names_voters_of_the_zoo_and_not_too_many(zoo: Zoo) -> None:
    assert voters.checked("emoji-z07,emoji-z03", zoo, zoo.targets[0]) == "emoji-z03,emoji-z07"
    with pytest.raises(UnknownNameError):
        voters.checked(f"emoji-z03,{zoo.targets[1].id}", zoo, zoo.targets[0])
    with pytest.raises(BadValueError, match="1 to 48 zoo tasks, not 0"):
        voters.checked(" , ", zoo, zoo.targets[0])

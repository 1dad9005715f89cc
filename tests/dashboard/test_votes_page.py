"""The Votes page under AppTest: the trial before training in all its states, and its four sections."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from plotly.graph_objects import Figure
from streamlit.testing.v1 import AppTest

from core.channels.budget import Budget
from core.channels.selection import Selection
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.runs import previews
from core.runs.previews import Reply
from core.runs.processes import this_worker
from core.runs.store import Store
from core.voting import select
from core.voting import votes as votes_of
from core.zoo.zoo import DEFAULT, ballots, open_zoo
from dashboard import data
from dashboard.votes.view import counted
from tests.dashboard.paper_zoo import write_foreign_zoo, write_paper_zoo
from tests.dashboard.test_pages import linked, page, use_zoo, words

SECTIONS = ("overview", "group", "what-if", "overlap")


class Worker:
    """Stands for the process that tries networks: answers everything, nothing, or as it is told."""

    def __init__(self) -> None:
        self.state: previews.State = "working"
        self.doing = "Assembling the slim network"
        self.asked: list[RunConfig] = []
        self.answer: Mapping[str, Any] | None = {"accuracy": 0.57, "params": 1000, "macs": 2000}
        self.restarts = 0

    def ask(self, client: str, configs: Sequence[RunConfig], start: bool = True) -> Reply:
        self.asked += configs
        answer = self.answer if self.state == "working" else None
        return Reply(self.state, self.doing, (answer,) * len(configs))

    def restart(self) -> None:
        self.restarts += 1


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker = Worker()
    monkeypatch.setattr(previews, "ask", worker.ask)
    monkeypatch.setattr(previews, "restart", worker.restart)
    return worker


def metrics(test: AppTest) -> dict[str, tuple[str, str]]:
    return {metric.label: (metric.value, metric.delta) for metric in test.metric}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_is_drawn_from_its_link(paper_home: Path, section: str) -> None:
    test = page("votes", view=section)
    assert not test.exception and not test.error and not test.warning


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_can_do_with_one_neighbour(paper_home: Path, section: str) -> None:
    test = page("votes", view=section, k="1")
    assert not test.exception and not test.error and not test.warning


def test_the_trial_shows_accuracy_before_training_beside_chance(paper_home: Path, worker: Worker) -> None:
    test = page("votes", task="emoji-t02", k="3", keep="0.35", weighting="score", start="pretrained")
    assert not test.exception and not test.error
    assert metrics(test)["Accuracy before training"] == ("57 %", "guessing: 20 %")
    assert "**57 %** of validation images are right **before any training**" in words(test)
    first = worker.asked[0]
    assert (first.task, first.k, first.keep, first.weighting) == ("emoji-t02", 3, 0.35, "score")
    assert (first.weights, first.iterations, first.neighbours) == ("pretrained", 0, "nearest")
    assert worker.asked[1].method == "dense" and {0.1, 0.8} <= {config.keep for config in worker.asked[2:]}


def test_neighbours_chosen_by_hand_are_tried(paper_home: Path, worker: Worker) -> None:
    page("votes", chosen="emoji-z03,emoji-z07")
    assert set(worker.asked[0].chosen) == {"emoji-z03", "emoji-z07"}


def test_what_is_known_is_not_asked_again(paper_home: Path, worker: Worker) -> None:
    test = page("votes")
    asked = len(worker.asked)
    test.run()
    page("votes")
    assert len(worker.asked) == asked > 2


def test_sizes_are_told_ahead_while_the_accuracy_is_not_known_yet(
    home: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    worker.state, worker.doing = "starting", "Starting a process"
    test = page("votes")
    assert metrics(test) == {
        "Accuracy before training": ("…", "guessing: 20 %"),
        "Parameters": ("448 k", "of 11.2 M"),
        "MACs": ("1.89 M", "of 37 M"),
        "Size": ("1.8 MB", "of 44.8 MB"),
    }
    assert "Starting a process" in words(test) and "The first answer takes some ten seconds" in words(test)
    test.slider(key="keep").set_value(0.5).run()
    assert metrics(test)["Parameters"][0] == "2.8 M" and metrics(test)["MACs"][0] == "9.86 M"


@pytest.mark.parametrize("state", ["died", "failed"])
def test_a_worker_that_died_or_could_not_start_is_said_and_started_again(
    paper_home: Path, worker: Worker, state: previews.State
) -> None:
    worker.state, worker.doing = state, "Its process has ended unexpectedly."
    test = page("votes")
    assert "Its process has ended unexpectedly. Nothing is lost." in test.warning[0].value
    next(button for button in test.button if button.label == "Start it again").click().run()
    assert worker.restarts == 1


def test_what_cannot_be_tried_here_is_said_in_a_sentence(paper_home: Path, worker: Worker) -> None:
    worker.answer = {"error": "The zoo was made on another backbone: use what belongs together."}
    test = page("votes")
    assert "This cannot be tried here. The zoo was made on another backbone" in test.info[0].value
    assert metrics(test)["Accuracy before training"][0] == "…"


def test_while_a_run_trains_the_curve_waits(paper_home: Path, worker: Worker) -> None:
    store = Store()
    store.create(RunConfig("emoji-t01"))
    store.claim(this_worker())
    test = page("votes")
    assert len(worker.asked) == 2 and metrics(test)["Accuracy before training"][0] == "57 %"
    assert "the curve waits until it has ended" in words(test)


def test_a_channel_tells_who_voted_for_it_and_whether_it_is_kept(paper_home: Path) -> None:
    zoo = data.zoo()
    votes = votes_of(ballots(zoo, data.ranking(zoo, "emoji-t00", "leep")[:5], zoo.keep))
    selection = select(votes, zoo.keep)
    for kept in (True, False):
        channel = next(
            c for c in range(64) if selection.mask("layer4.0.conv1")[c] == kept and votes.table("layer4.0.conv1")[c]
        )
        test = page("votes", view="group", channel=str(channel))
        assert f"Channel {channel} is **{'kept' if kept else 'dropped'}**" in words(test)
        table = next(frame.value for frame in test.dataframe if "Importance" in frame.value)
        assert set(table["Task"]) == {voter.task for voter in votes.who("layer4.0.conv1", channel)}
        assert table["Rank"].is_monotonic_increasing


def test_a_channel_the_group_has_not_falls_back_with_a_sentence(paper_home: Path) -> None:
    test = page("votes", view="group", group="conv1", channel="40")
    assert "A channel of conv1 must be a whole number from 0 to 15, not '40'" in test.warning[0].value


def test_another_channel_is_written_to_the_link(paper_home: Path) -> None:
    test = page("votes", view="group")
    test.number_input(key="channel").set_value(3).run()
    assert linked(test, "channel") == "3"


def test_without_one_neighbour_the_others_vote_from_then_on(paper_home: Path) -> None:
    test = page("votes", view="what-if", out="emoji-z10", k="5")
    assert "Without emoji-z10," in words(test) and "a random selection would change" in words(test)
    before = [each.task.id for each in data.ranking(data.zoo(), "emoji-t00", "leep")[:5]]
    next(button for button in test.button if button.label == "Let these vote").click().run()
    assert "**4 neighbours, chosen by hand,** vote" in words(test)
    assert set(linked(test, "chosen").split(",")) == set(before) - {"emoji-z10"}


def test_one_neighbour_is_swapped_for_another(paper_home: Path, worker: Worker) -> None:
    test = page("votes", view="what-if", what="swap", out="emoji-z10", **{"in": "emoji-z05"})
    assert "With emoji-z05 instead of emoji-z10," in words(test)
    assert any("emoji-z05" in config.chosen and "emoji-z10" not in config.chosen for config in worker.asked)
    assert "**57 %** as it is, **57 %** then; guessing 20 %" in words(test)


def test_random_neighbours_are_those_that_a_run_would_draw(paper_home: Path) -> None:
    from core.voting import at_random

    ranked = data.ranking(data.zoo(), "emoji-t00", "leep")
    test = page("votes", view="what-if", what="random", draw="7")
    assert "5 neighbours drawn by chance" in words(test)
    assert all(each.task.id in words(test) for each in at_random(ranked, 5, 7))


def test_overlap_of_the_whole_zoo_is_shown_beside_chance(paper_home: Path) -> None:
    test = page("votes", view="overlap", scope="zoo")
    assert not test.exception and not test.error
    assert "two random selections would share 0.11" in words(test)
    assert "(22 each)" in words(test)


def test_votes_can_be_those_of_a_single_neighbour(paper_home: Path) -> None:
    test = page("votes", view="group", k="1")
    assert not test.exception and not test.error
    assert "votes alone" in words(test)


@pytest.mark.parametrize("weighting", ["count", "similarity", "score"])
@pytest.mark.parametrize("keep", ["0.1", "0.35", "1.0"])
def test_votes_are_drawn_at_any_keep_ratio_and_weighting(paper_home: Path, weighting: str, keep: str) -> None:
    test = page("votes", weighting=weighting, keep=keep)
    assert not test.exception and not test.error and not test.warning


def ties_are_by_number(test: AppTest) -> bool:
    return "the lower channel number wins here" in words(test)


def test_ties_between_votes_are_broken_as_in_a_run_where_the_zoo_says_how(
    paper_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard.figures import votes as figures

    shown: list[Selection] = []
    monkeypatch.setattr(figures, "vote_histogram", lambda votes, selection, group: shown.append(selection) or Figure())
    assert ties_are_by_number(page("votes", view="group", keep="0.3"))
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, tie_break=True))
    test = page("votes", view="group", keep="0.3")
    assert not test.exception and not test.error and not ties_are_by_number(test)
    assert "the backbone's own weights decide" in words(test)
    by_number, as_in_a_run = shown
    zoo = data.zoo()
    votes = votes_of(ballots(zoo, data.ranking(zoo, "emoji-t00", "leep")[:5], 0.3))
    assert as_in_a_run == select(votes, 0.3, zoo.tie_break()) != by_number == select(votes, 0.3)


def test_channels_of_all_groups_compete_where_that_is_chosen(worker: Worker, paper_home: Path) -> None:
    alike, unlike = (voted(Budget(0.3, allocation=how)) for how in ("uniform", "global"))
    assert alike.counts != unlike.counts
    assert sum(alike.counts.values()) == pytest.approx(sum(unlike.counts.values()), rel=0.04)
    test = page("votes", task="emoji-t01", keep="0.3", allocation="global")
    assert not test.exception and not test.error and linked(test, "allocation") == "global"
    asked = [config for config in worker.asked if config.method == "mvp"]
    assert {config.allocation for config in asked} == {"global"} and asked[0].keep == 0.3


def test_votes_are_shown_at_a_keep_ratio_that_no_run_may_have(worker: Worker, paper_home: Path) -> None:
    test = page("votes", keep="0.01")
    assert not test.exception and not test.error
    assert set(voted(Budget(0.01)).counts.values()) == {1}


def test_votes_keep_what_the_size_budget_of_the_run_says(worker: Worker, paper_home: Path) -> None:
    asked = Budget(0.4, least_width=4, multiple=8)
    test = page("votes", task="emoji-t01", keep="0.4", least_width="4", multiple="8")
    assert not test.exception and not test.error
    mvp = [config for config in worker.asked if config.method == "mvp"]
    dense = next(config for config in worker.asked if config.method == "dense")
    assert mvp[0].budget == asked and {config.multiple for config in mvp} == {8} and dense.budget == Budget(1.0)
    assert all(count % 8 == 0 for count in voted(asked).counts.values())


def test_votes_for_a_share_of_the_parameters_leave_that_share() -> None:
    zoo = open_zoo(DEFAULT)
    target, asked = zoo.targets[0], Budget(0.1, "params")
    near = zoo.neighbours(target, 5)
    chosen = counted(zoo, target, near, "count", asked)[1]
    assert zoo.layers is not None
    kept, whole = (zoo.layers.size(counts, len(target.classes)).params for counts in (chosen.counts, zoo.groups))
    assert kept / whole == pytest.approx(0.1, rel=0.02)


def test_a_share_of_the_parameters_needs_a_zoo_that_tells_them(paper_home: Path) -> None:
    with pytest.raises(BadValueError, match="cannot be told ahead here: build the zoo again"):
        voted(Budget(0.2, "params"))


def test_a_least_width_that_may_not_be_is_told_on_the_votes_page_too(worker: Worker, paper_home: Path) -> None:
    test = page("votes")
    test.number_input(key="least_width").set_value(0).run()
    assert not test.exception and "The least width must be a whole number from 1" in test.error[0].value


def voted(budget: Budget, target: str = "emoji-t01") -> Selection:
    """What the target's five nearest vote for, within a budget."""
    zoo = data.zoo()
    task = next(task for task in zoo.targets if task.id == target)
    return counted(zoo, task, data.ranking(zoo, target, "leep")[:5], "count", budget)[1]


def test_a_zoo_of_few_tasks_votes_and_says_how_to_build_a_larger_one(
    worker: Worker, paper_home: Path, tmp_path: Path
) -> None:
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, zoo_tasks=3))
    test = page("votes")
    assert not test.exception and not test.error
    assert "only 3 tasks" in test.info[0].value
    assert "zoo build" in test.code[0].value and "selected" in words(test)


def test_a_zoo_of_another_backbone_cannot_vote_and_the_page_says_so_once(
    worker: Worker, paper_home: Path, tmp_path: Path
) -> None:
    use_zoo(paper_home, write_foreign_zoo(tmp_path / DEFAULT))
    test = page("votes")
    assert not test.exception
    (said,) = test.error
    assert "of another backbone than its zoo" in said.value
    assert "zoo build" in test.code[0].value and worker.asked == []

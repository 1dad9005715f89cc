"""The Task map under AppTest: neighbours swapped by hand, colours, search, new targets, and its unusual states."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.pruning.config import SIMILARITIES
from core.runs.jobs import Progress, say
from core.targets import work
from core.targets.ranking import Ranking, keep_ranking
from core.targets.state import job_folder
from core.tasks.catalogue import named_task
from core.tasks.own import keep_task, own_task
from core.tasks.task import Task
from core.tasks.upload import uploads
from core.zoo.zoo import DEFAULT, Zoo, open_zoo
from dashboard import atlas, data
from dashboard.compose import title
from dashboard.new_targets import AWAITED
from tests.conftest import Sleepers
from tests.dashboard.pages import follow, linked, page, use_zoo, ways, words
from tests.dashboard.paper_zoo import write_foreign_zoo, write_paper_zoo


@pytest.fixture
def own(paper_home: Path, zoo: Zoo) -> Task:
    """A target of the user's own that the paper zoo has been ranked for."""
    task = named_task("my tools", "emoji", ("tool", "heart", "animal-bird"))
    keep_task(task)
    rng = np.random.default_rng(3)
    embedding = zoo.embedding()
    assert embedding is not None
    found = {kind: rng.normal(size=len(zoo.tasks)) for kind in SIMILARITIES}
    keep_ranking(task.id, zoo, Ranking(found, embedding[2].astype(np.float64)))
    return task


def press(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def who(test: AppTest) -> list[str]:
    return test.dataframe[0].value["Task"].tolist()


def nearest(zoo: Zoo, k: int) -> list[str]:
    return [each.task.id for each in zoo.neighbours(zoo.targets[0], k)]


def test_a_neighbour_is_swapped_for_another_and_back(paper_home: Path, zoo: Zoo) -> None:
    ranked = nearest(zoo, 9)
    test = page("task_map", detail=ranked[8])
    assert f"**{ranked[8]}** is rank 9 of 14 and does not vote" in words(test)
    press(test, f"Swap it in for {ranked[4]}")
    assert who(test) == [*ranked[:4], ranked[8]]
    assert set(linked(test, "chosen").split(",")) == {*ranked[:4], ranked[8]}
    assert test.dataframe[0].value["Rank"].tolist() == [1, 2, 3, 4, 9]
    press(test, "Back to the 5 nearest")
    assert who(test) == ranked[:5] and "chosen" not in test.query_params


def test_a_neighbour_is_taken_out_and_another_let_in(paper_home: Path, zoo: Zoo) -> None:
    ranked = nearest(zoo, 7)
    test = press(page("task_map", detail=ranked[0]), "Take it out of the vote")
    assert who(test) == ranked[1:5]
    test.selectbox(key="detail").select(ranked[6]).run()
    press(test, "Let it vote too")
    assert who(test) == [*ranked[1:5], ranked[6]]
    test.session_state["who votes open"] = True
    test.run()
    test.multiselect(key="who votes").set_value(ranked[:5]).run()
    assert "chosen" not in test.query_params  # by whatever way, the K nearest are nobody's choice


def test_the_last_neighbour_cannot_be_taken_out(paper_home: Path, zoo: Zoo) -> None:
    test = page("task_map", k="1", detail=nearest(zoo, 1)[0])
    assert next(button for button in test.button if button.label == "Take it out of the vote").disabled


@pytest.mark.parametrize("colour", ["similarity", "shared", "accuracy", "sparsity", "trust"])
def test_points_can_be_coloured_by_what_is_known_of_tasks(paper_home: Path, colour: str) -> None:
    test = page("task_map", colour=colour)
    assert not test.exception and not test.error and not test.warning
    assert test.selectbox(key="colour").value == colour


def test_a_zoo_without_embeddings_offers_no_trust(paper_home: Path, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Zoo, "embedding", lambda self: None)
    test = page("task_map", colour="trust")
    assert "There is no attribute to colour by 'trust'" in test.warning[0].value
    assert "trust in its place" not in words(test)


def test_a_search_says_which_classes_it_found_and_can_be_cleared(paper_home: Path, zoo: Zoo) -> None:
    test = page("task_map", search="heart")
    having = [task for task in [*zoo.tasks, *zoo.targets] if "heart" in task.classes]
    assert f"**{len(having)} tasks have a class like 'heart'**: hearts (heart)" in words(test)
    press(test, "Clear")
    assert "search" not in test.query_params and "a class like" not in words(test)


def test_a_search_that_finds_nothing_says_so_with_a_hint(paper_home: Path) -> None:
    assert "No task here has a class like 'haert'.** Did you mean heart?" in words(page("task_map", search="haert"))
    assert "Try a shorter word" in words(page("task_map", search="qqqqqq"))


def test_searches_find_titles_and_ids_in_any_case(zoo: Zoo) -> None:
    for text in ("HEART", "hearts", " heart "):
        found = atlas.search(text, zoo.tasks)
        assert found is not None and found.tasks == {task.id for task in zoo.tasks if "heart" in task.classes}
    assert atlas.search("  ", zoo.tasks) is None


def test_a_target_of_ones_own_is_one_like_any_other(own: Task, zoo: Zoo) -> None:
    for name in ("task_map", "votes", "run"):
        test = page(name, task=own.id)
        assert not test.exception and not test.error and not test.warning, name
        assert test.selectbox(key="task").value == own.id
    test = page("task_map", task=own.id, k="4")
    ranked = [each.task.id for each in data.ranking(data.zoo(), own.id, "leep")]
    assert who(test) == ranked[:4] and len(ranked) == len(zoo.tasks)
    assert test.dataframe[0].value["Similarity"].is_monotonic_decreasing


def test_it_stands_on_the_map_where_it_is_nearest_and_says_so(own: Task, zoo: Zoo) -> None:
    drawn = atlas.atlas(data.zoo(), "pca")
    place, same = drawn.places[own.id], zoo.coordinates("pca")[zoo.tasks[2].id]
    assert place == pytest.approx(same, abs=1e-3)  # its embedding is that of the third zoo task
    assert drawn.between[own.id][0] == zoo.tasks[2].id
    said = words(page("task_map", task=own.id))
    assert f"This map was made before {own.id}, which is therefore put between the 3 tasks nearest to it" in said


def test_it_is_chosen_as_soon_as_it_is_ready(own: Task) -> None:
    test = page("task_map", task="emoji-t01")
    test.session_state[AWAITED] = own.id
    test.run()
    assert test.selectbox(key="task").value == linked(test, "task") == own.id
    assert f"{own.id} is ready" in test.toast[0].value
    test.selectbox(key="task").select("emoji-t02").run()
    assert test.selectbox(key="task").value == "emoji-t02"  # once, not for ever


def test_it_can_be_removed(own: Task) -> None:
    test = press(page("task_map", task=own.id), "Remove it")
    assert test.selectbox(key="task").value == "emoji-t00" and "task" not in test.query_params
    assert own.id not in test.selectbox(key="task").options


def test_one_that_is_still_being_ranked_shows_how_far_it_is(
    paper_home: Path, zoo: Zoo, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)
    task = work.compose("mine", "emoji", ("tool", "heart"), zoo)
    assert "loading its images" in page("task_map").get("progress")[0].proto.text
    say(job_folder(task.id, zoo.path), Progress(7, 14, 100.0, 121.0))
    test = page("task_map", task=task.id)
    assert "7 of 14 zoo models have looked at its images, about 21 s left" in test.get("progress")[0].proto.text
    assert f"There is no stored target task '{task.id}'" in test.warning[0].value
    press(test, "Cancel")
    assert not test.get("progress") and not test.exception


def test_one_that_failed_says_why_and_can_be_removed(paper_home: Path, zoo: Zoo) -> None:
    task = named_task("mine", "emoji", ("tool", "heart"))
    keep_task(task)
    say(job_folder(task.id, zoo.path), Progress(error="The disk is full: free some space."))
    test = page("task_map")
    assert "The disk is full" in test.warning[0].value
    press(test, "Remove it")
    assert not test.warning and own_task(task.id) is None


def test_one_that_was_ranked_in_an_earlier_zoo_can_be_ranked_again(own: Task, tmp_path: Path, paper_home: Path) -> None:
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, zoo_tasks=10))
    test = page("task_map")
    assert "cannot be a target yet" in test.warning[0].value
    assert [button.label for button in test.button if button.label == "Rank again"]


def test_cancelling_in_one_zoo_keeps_a_target_that_is_ready_in_another(
    own: Task, paper_home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_paper_zoo(paper_home / "zoos" / "other", zoo_tasks=10)
    monkeypatch.setattr(work, "_spawn", sleepers)
    work.rank(own.id, open_zoo(other))
    test = press(page("task_map", zoo="other"), "Cancel")
    assert "has not been ranked for it" in test.warning[0].value and not test.exception
    assert page("task_map", task=own.id).selectbox(key="task").value == own.id


@pytest.mark.parametrize("tasks, said", [(1, "only one task"), (3, "only 3 tasks")])
def test_a_zoo_of_few_tasks_says_that_they_are_few(paper_home: Path, tmp_path: Path, tasks: int, said: str) -> None:
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, zoo_tasks=tasks))
    test = page("task_map")
    assert not test.exception and not test.error
    assert said in test.info[0].value and len(who(test)) == tasks
    assert ways(test)["Build a larger one"].startswith("zoos?") and "do=build" in ways(test)["Build a larger one"]
    # It stands above some of the choices, of which it would only know the ones before: so it takes none along.
    assert "layout=" not in ways(page("task_map", layout="pca"))["Build a larger one"]
    assert follow(test, "Build a larger one").title[0].value == "Zoos"


def test_a_zoo_whose_models_are_of_another_backbone_says_so(paper_home: Path, tmp_path: Path) -> None:
    use_zoo(paper_home, write_foreign_zoo(tmp_path / DEFAULT))
    test = page("task_map")
    assert "of another backbone than its zoo" in test.error[0].value and not test.exception
    assert "zoo build" in test.code[0].value and "do=build" in ways(test)["Build one that fits"]


def test_k_is_bounded_by_who_may_vote_not_by_the_size_of_the_zoo(paper_home: Path, tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / DEFAULT)
    zoo = open_zoo(folder)
    twin = named_task("twin", "emoji", zoo.tasks[0].classes)
    keep_task(twin)
    use_zoo(paper_home, folder)
    similarities = {kind: np.arange(14.0) for kind in SIMILARITIES}
    keep_ranking(twin.id, zoo, Ranking(similarities, np.ones(16)))
    test = page("task_map", task=twin.id, colour="similarity")
    assert test.slider(key="k").max == 13 and not test.exception
    assert page("task_map").slider(key="k").max == 14


def test_data_sets_have_names_that_people_read(home: Path) -> None:
    assert title("emoji") == "Emoji" and title("folder:/somewhere/my-pets") == "my-pets (folder)"
    assert title(f"folder:{uploads().absolute()}/my-pets-1a2b3c4d") == "my-pets (uploaded)"


def test_the_list_of_all_voters_is_drawn_once_its_box_is_opened_and_swaps_by_hand(paper_home: Path) -> None:
    test = page("task_map", k="3")
    assert not test.multiselect
    test.session_state["who votes open"] = True
    box = test.run().multiselect[0]
    assert len(box.value) == 3
    out, kept = box.value[0], box.value[1:]
    box.unselect(out).run()
    assert set(linked(test, "chosen").split(",")) == set(kept)
    assert who(test) == kept

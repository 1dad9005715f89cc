"""A copied link opens the same view: every name in links is kept, and what is shown is the same in another session."""

import shutil
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import previews
from core.runs.previews import Reply
from core.runs.store import Store
from core.zoo.zoo import Zoo
from dashboard import data, links, recordings
from tests.dashboard.pages import linked, page, words
from tests.dashboard.runs import finished_run

Link = Mapping[str, str]
VOTING = {"task": "emoji-t02", "k": "4", "similarity": "logme"}
NETWORK = {"keep": "0.35", "allocation": "global"}
VOTES = {**VOTING, **NETWORK, "weighting": "score", "start": "pretrained", "group": "layer2.0.conv1"}


def ids(zoo: Zoo) -> list[str]:
    """The zoo tasks by similarity to the target of VOTING, best first."""
    return [row.task.id for row in data.ranking(zoo, VOTING["task"], VOTING["similarity"])]


def of_map(zoo: Zoo, runs: list[str]) -> Link:
    here = {"layout": "pca", "colour": "trust", "search": "face", "detail": ids(zoo)[7]}
    return {**VOTING, "chosen": ",".join(sorted([ids(zoo)[0], ids(zoo)[6]])), **here}


def of_a_group(zoo: Zoo, runs: list[str]) -> Link:
    return {**VOTES, "view": "group", "channel": "3", "shade": "weight"}


def of_a_swap(zoo: Zoo, runs: list[str]) -> Link:
    return {**VOTES, "view": "what-if", "what": "swap", "out": ids(zoo)[1], "in": ids(zoo)[9]}


def of_a_draw(zoo: Zoo, runs: list[str]) -> Link:
    return {**VOTES, "view": "what-if", "what": "random", "draw": "7"}


def of_overlap(zoo: Zoo, runs: list[str]) -> Link:
    return {**VOTES, "view": "overlap", "scope": "zoo", "within": "all"}


def of_the_form(zoo: Zoo, runs: list[str]) -> Link:
    voting = {**VOTING, "weighting": "score", "neighbours": "random", "weights": "pretrained"}
    several = {"also": "taylor,dense", "seeds": "2", "tagged": "lesson,my own", "tag": "lesson"}
    return {**voting, "keep": "0.3", "iterations": "90", "seed": "3", "sampling": "balanced", **several}


def of_another_method(zoo: Zoo, runs: list[str]) -> Link:
    budget = {"of": "params", "allocation": "global", "least_width": "4", "multiple": "8"}
    return {"task": "emoji-t03", "method": "taylor", "keep": "0.5", **budget}


def of_a_run(zoo: Zoo, runs: list[str]) -> Link:
    return {"run": runs[0], "clock": "seconds"}


def of_a_recording(zoo: Zoo, runs: list[str]) -> Link:
    return {"replay": list(recordings.samples())[1], "speed": "0.25", "at": "3.2"}


def of_a_comparison(zoo: Zoo, runs: list[str]) -> Link:
    look = {"grouped": "task", "order": "best", "columns": "Status,Method,Notes"}
    return {"runs": ",".join(runs), "baseline": runs[1], "axis": "seconds", **look}


def of_all_filtered(zoo: Zoo, runs: list[str]) -> Link:
    filters = {"text": "emoji", "tasks": "emoji-t01", "methods": "mvp,magnitude", "statuses": "finished"}
    return {"every": "True", **filters, "tags": "lesson", "tab": "spread", "by": "variant"}


def of_masks(zoo: Zoo, runs: list[str]) -> Link:
    return {"runs": ",".join(runs), "tab": "layers", "with": runs[2]}


def of_another_zoo(zoo: Zoo, runs: list[str]) -> Link:
    return {"zoo": "emoji-resnet18-simclr-disjoint", "task": "emoji-dt01"}


def of_a_new_zoo(zoo: Zoo, runs: list[str]) -> Link:
    drawn = {"dataset": "fashion-mnist", "drawn": "8", "each": "3", "held": "2", "drawseed": "1", "apart": "yes"}
    how = {"backbone": "emoji-resnet18-supervised", "how": "magnitude", "share": "0.4", "steps": "30"}
    return {"zoo": "emoji-resnet18-simclr-disjoint", **drawn, **how, "zooseed": "2", "workers": "2"}


def of_zoos_to_merge(zoo: Zoo, runs: list[str]) -> Link:
    return {"zoo": "emoji-resnet18-simclr-disjoint", "do": "merge"}


def of_a_listed_zoo(zoo: Zoo, runs: list[str]) -> Link:
    return {"zoo": "emoji-resnet18-simclr-disjoint", "from": "file"}


VIEWS: dict[Callable[[Zoo, list[str]], Link], str] = {
    of_map: "task_map",
    of_a_group: "votes",
    of_a_swap: "votes",
    of_a_draw: "votes",
    of_overlap: "votes",
    of_the_form: "run",
    of_another_method: "run",
    of_a_run: "run",
    of_a_recording: "run",
    of_a_comparison: "compare",
    of_all_filtered: "compare",
    of_masks: "compare",
    of_another_zoo: "task_map",
    of_a_new_zoo: "zoos",
    of_a_listed_zoo: "zoos",
    of_zoos_to_merge: "zoos",
}


@pytest.fixture
def runs(store: Store, zoo: Zoo) -> list[str]:
    """A vote, magnitude and random channels, with slim models whose masks differ."""
    found = [
        finished_run(store, 0.7, tags=("lesson",)),
        finished_run(store, 0.6, method="magnitude", tags=("lesson",)),
        finished_run(store, 0.5, method="random"),
    ]
    for run, model in zip(found, sorted((zoo.path / "models").iterdir()), strict=False):
        store.run_folder(run).mkdir(parents=True)
        shutil.copy(model, store.model_path(run))
    return found


@pytest.fixture(autouse=True)
def no_previews(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(client: str, configs: list[Any], start: bool = True) -> Reply:
        return Reply("working", "Assembling the slim network", ({"accuracy": 0.5},) * len(configs))

    monkeypatch.setattr(previews, "ask", ask)


def choices(test: AppTest) -> dict[str, Any]:
    """What every widget with a key stands at."""
    kinds = (
        *(test.selectbox, test.multiselect, test.slider, test.number_input, test.text_input, test.toggle),
        test.segmented_control,
    )
    return {one.key: one.value for kind in kinds for one in kind if one.key}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_a_copied_link_opens_the_same_view(zoo: Zoo, runs: list[str], view: Callable[[Zoo, list[str]], Link]) -> None:
    link = view(zoo, runs)
    test = page(VIEWS[view], **link)
    assert not test.exception and not test.error and not test.warning
    kept = {name: linked(test, name) for name in test.query_params}
    pinned = {"baseline"} - set(link)  # which the link always holds, as the first run may be another one later
    assert {name: kept[name] for name in kept if name not in pinned} == dict(link)  # all else is at its default
    held = choices(test)
    assert {name: str(held[name]) for name in link if name in held and not isinstance(held[name], list)} == {
        name: link[name] for name in link if name in held and not isinstance(held[name], list)
    }
    again = page(VIEWS[view], **kept)
    assert (choices(again), words(again)) == (held, words(test))
    plain = page(VIEWS[view], **{name: link[name] for name in ("run", "runs", "replay") if name in link})
    assert words(plain) != words(test) or choices(plain) != held  # the link does matter


def test_every_name_that_a_link_may_hold_is_tried(zoo: Zoo, runs: list[str]) -> None:
    tried = {name for view in VIEWS for name in view(zoo, runs)}
    assert {*links.NAMES, *links.COMPARE, *links.RUN, *links.VOTES, *links.ZOOS} - tried == set()

"""Pages under AppTest, on a zoo in the real file format and a real run store; no browser, no worker."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plotly.graph_objects import Figure
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from core.channels.selection import Selection
from core.errors import StoreError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, Step
from core.runs import queue
from core.runs.processes import Worker, this_worker
from core.runs.slot import hold
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.voting import select
from core.zoo.zoo import DEFAULT
from dashboard import data
from tests.dashboard.paper_zoo import write_paper_zoo

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"start": "Meta-Vote Studio", "task_map": "Task map", "votes": "Votes", "run": "Run"}
HEAVY = ("torch", "torchvision", "torch_pruning", "captum", "umap", "numba", "sklearn")


def page(name: str, **link: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "dashboard" / "app_pages" / f"{name}.py"), default_timeout=60)
    for key, value in link.items():
        test.query_params[key] = value
    return test.run()


def linked(test: AppTest, key: str) -> str:
    value = test.query_params[key]
    return value[0] if isinstance(value, list) else value


def words(test: AppTest) -> str:
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(element.value) for element in elements)


def run_captions(test: AppTest) -> str:
    return "\n".join(str(caption.value) for caption in test.caption)


def hold_slot(store: Store) -> int:
    hold(store.database, this_worker())
    return this_worker().pid


def use_zoo(paper_home: Path, folder: Path) -> None:
    link = paper_home / "zoos" / DEFAULT
    link.unlink()
    link.symlink_to(folder)


def elements(block: Block) -> Iterator[Element]:
    for child in block.children.values():
        if isinstance(child, Block):
            yield from elements(child)
        else:
            yield child


@pytest.fixture
def store(paper_home: Path) -> Store:
    return Store()


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda store=None: 0)


def record_run(store: Store, *, end: bool = True, config: RunConfig | None = None, **settings: object) -> str:
    config = config or RunConfig("emoji-t01", iterations=4, **settings)
    run = store.create(config)
    store.claim(this_worker())
    events = [PhaseChanged("selecting", 0, 0.1), Pruned(0, {"a": 2}, {"a": 10}, 0.8, 40, 500, 0.2)]
    events += [PhaseChanged("fine-tuning", 0, 0.3)] + [Step(i, 1.0 / i, 0.02, float(i)) for i in (1, 2, 3, 4)]
    events.append(Evaluation(4, 0.7, 0.9, 4.5))
    store.append(run, events)
    if end:
        achieved = {"channel_sparsity": 0.8, "params": 40_000, "macs": 500_000}
        dense = {"params": 1_000_000, "macs": 9_000_000}
        cost = {"seconds": 5.0, "iterations": 4, "macs": 2_000_000, "energy_kwh": 0.0004}
        last = Finished(4, 0.68, cost, {"keep": 0.2}, achieved, dense, 5.0)
        store.append(run, last)
        store.finish(run, last.to_dict())
    return run


@pytest.mark.parametrize("name", PAGES)
def test_page_has_its_heading_and_no_error(paper_home: Path, name: str) -> None:
    test = page(name)
    assert not test.exception and not test.error
    assert test.title[0].value == PAGES[name]


@pytest.mark.parametrize("name", ["task_map", "votes", "run"])
def test_without_a_zoo_a_page_says_so_in_a_sentence(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import streamlit as st

    from core.zoo import zoo

    st.cache_resource.clear()
    monkeypatch.setattr(zoo, "ASSETS", tmp_path)
    test = AppTest.from_string(
        "from dashboard.errors import as_sentence\n"
        "import runpy\n"
        f"with as_sentence():\n    runpy.run_path({str(ROOT / 'dashboard' / 'app_pages' / f'{name}.py')!r})\n",
        default_timeout=60,
    ).run()
    assert not test.exception
    assert "There is no zoo" in test.error[0].value


@pytest.mark.parametrize(
    "link, sentence",
    [
        ({"task": "emoji-t99"}, "There is no stored target task 'emoji-t99'"),
        ({"k": "99"}, "K must be a whole number"),
        ({"k": "many"}, "K must be a whole number"),
        ({"similarity": "magic"}, "There is no similarity 'magic'"),
        ({"layout": "tsne"}, "There is no layout 'tsne'"),
    ],
)
def test_a_link_that_does_not_fit_falls_back_with_a_sentence(
    paper_home: Path, link: dict[str, str], sentence: str
) -> None:
    test = page("task_map", **link)
    assert not test.exception
    assert sentence in test.warning[0].value
    assert test.selectbox(key="task").value == "emoji-t00"
    assert test.slider(key="k").value == 5


def test_a_link_that_fits_is_followed(paper_home: Path) -> None:
    test = page("task_map", task="emoji-t02", k="3", similarity="logme")
    assert not test.warning
    assert test.selectbox(key="task").value == "emoji-t02"
    assert len(test.dataframe[0].value) == 3
    assert "LogME" in words(test)


def test_choices_are_written_to_the_link_and_defaults_left_out(paper_home: Path) -> None:
    test = page("task_map")
    test.selectbox(key="task").select("emoji-t03").run()
    assert linked(test, "task") == "emoji-t03"
    test.selectbox(key="task").select("emoji-t00").run()
    assert "task" not in test.query_params


def test_neighbours_in_the_table_are_in_order_of_true_similarity(paper_home: Path) -> None:
    shown = page("task_map", k="8").dataframe[0].value
    assert shown["Similarity"].is_monotonic_decreasing
    assert shown["Rank"].tolist() == [*range(1, 9)]


def test_votes_can_be_those_of_a_single_neighbour(paper_home: Path) -> None:
    test = page("votes", k="1")
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
    assert ties_are_by_number(page("votes", keep="0.3"))
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, tie_break=True))
    test = page("votes", keep="0.3")
    assert not test.exception and not test.error and not ties_are_by_number(test)
    assert "the backbone's own weights decide" in words(test)
    by_number, as_in_a_run = shown
    zoo = data.zoo()
    votes = data.votes_of(zoo, "emoji-t00", 5, "leep", "count", 0.3)
    assert as_in_a_run == select(votes, 0.3, zoo.tie_break()) != by_number == select(votes, 0.3)


def test_a_zoo_that_is_built_again_is_read_anew(paper_home: Path, tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / DEFAULT)
    use_zoo(paper_home, folder)
    kept = data.zoo(), data.votes_of(data.zoo(), "emoji-t00", 3, "leep", "count", 0.2)
    shown = page("task_map").dataframe[0].value["Similarity"].tolist()
    assert data.zoo() is kept[0]
    write_paper_zoo(folder, zoo_tasks=12, seed=1)
    assert len(data.zoo().tasks) == 12
    again = data.votes_of(data.zoo(), "emoji-t00", 3, "leep", "count", 0.2)
    assert again.tasks != kept[1].tasks
    assert page("task_map").dataframe[0].value["Similarity"].tolist() != shown
    assert data.coordinates(data.zoo(), "pca")[0] == data.zoo().coordinates("pca")


def test_start_queues_the_run_that_the_form_describes(store: Store) -> None:
    test = page("run", task="emoji-t02", keep="0.3")
    test.number_input(key="iterations").set_value(12).run()
    test.selectbox(key="weights").select("pretrained").run()
    next(button for button in test.button if button.label == "Start").click().run()
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
    next(button for button in test.button if button.label == "Start").click().run()
    assert store.list()[0].config.method == "magnitude"


def test_a_finished_run_shows_what_was_asked_for_and_reached(store: Store) -> None:
    test = page("run", run=record_run(store))
    assert not test.exception and not test.error
    assert {metric.label: (metric.value, metric.delta) for metric in test.metric} == {
        "Test accuracy": ("68.0 %", "guessing: 20 %"),
        "Channels kept": ("20.0 %", ""),
        "Parameters": ("40.0 k", "of 1.0 M"),
        "MACs": ("500 k", "of 9.0 M"),
    }
    assert [button.label for button in test.button if button.label == "Cancel"] == []


def test_a_finished_run_shows_its_result_then_its_curves_then_its_cost(store: Store) -> None:
    test = page("run", run=record_run(store))
    kinds = [element.type for element in elements(test.main)]
    places = [
        [place for place, kind in enumerate(kinds) if kind == wanted]
        for wanted in ("metric", "vega_lite_chart", "table")
    ]
    results, charts, costs = places
    assert len(results) == 4 and len(charts) == 3 and len(costs) == 1
    assert max(results) < min(charts) and max(charts) < costs[0]


def test_the_keep_ratio_asked_for_is_shown_where_another_was_reached(store: Store) -> None:
    test = page("run", run=record_run(store, keep=0.255))
    kept = next(metric for metric in test.metric if metric.label == "Channels kept")
    assert (kept.value, kept.delta) == ("20.0 %", "asked: 25.5 %")


def test_a_dense_run_shows_no_keep_ratio_anywhere(store: Store) -> None:
    run = record_run(store, method="dense")
    test = page("run", run=run)
    assert "keep" not in words(test).lower() and "asked" not in str([metric.delta for metric in test.metric])
    assert test.dataframe[0].value["Keep"].isna().all()
    start = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    assert run in [link.proto.label for link in start.get("page_link")] and "keep" not in run_captions(start)


def test_a_finished_run_of_a_folder_that_has_gone_is_shown_with_its_id(store: Store, tmp_path: Path) -> None:
    task = f"folder:{tmp_path / 'gone'}"
    config = RunConfig(task, iterations=4)
    test = page("run", run=record_run(store, config=config))
    assert not test.exception and not test.error
    assert f"Task: {task}, which is not on this machine any more" in words(test)
    assert len(test.metric) == 4


def test_a_folder_is_not_walked_again_each_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(data, "task_of", lambda id: looked.append(id) or task_of(id))
    record = store.get(record_run(store))
    assert [data.task_of_run(record) for _ in range(3)] == [task_of("emoji-t01")] * 3
    assert looked == ["emoji-t01"]


@pytest.mark.parametrize("number", [999_999, -5])
def test_iterations_that_may_not_be_are_refused_in_one_sentence(store: Store, number: int) -> None:
    test = page("run")
    test.number_input(key="iterations").set_value(number).run()
    next(button for button in test.button if button.label == "Start").click().run()
    assert [error.value for error in test.error] == [
        f"Iterations must be a whole number from 0 to 2,000, not '{number}'."
    ]
    assert store.list() == []


def test_a_store_that_is_busy_leaves_the_open_run_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    test = page("run", run=record_run(store))

    def busy(self: Store, id: str) -> None:
        raise StoreError("The run store is busy: try again in a moment.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", busy)
        test.run()
    test.run()
    assert test.metric and "run" in test.query_params


def test_an_empty_list_of_runs_says_how_long_one_takes(store: Store) -> None:
    assert "it takes about 15 seconds on an idle machine" in words(page("run"))


def test_classes_have_their_ids_beside_them_on_the_map(paper_home: Path) -> None:
    test = page("task_map")
    assert "hearts (heart)" in words(test)
    assert "tools (tool)" in ", ".join(test.dataframe[0].value["Classes"])


def test_a_link_with_a_name_nobody_knows_says_so(paper_home: Path) -> None:
    test = page("votes", sim="foo")
    (said,) = test.warning
    assert (
        "Nothing here is called 'sim': Votes reads task, k, similarity, chosen, group, keep, weighting." in said.value
    )
    assert "sim" not in test.query_params


def test_a_running_run_shows_its_phase_and_can_be_cancelled(store: Store) -> None:
    run = record_run(store, end=False)
    test = page("run", run=run)
    assert not test.exception and not test.error
    next(button for button in test.button if button.label == "Cancel").click().run()
    assert store.get(run).status == "cancelling"


def test_a_queued_run_tells_its_place(store: Store) -> None:
    store.create(RunConfig("emoji-t00"))
    test = page("run", run=store.create(RunConfig("emoji-t01")))
    assert "1 before it" in words(test)


def test_a_queued_run_says_where_nothing_works_on_the_queue_and_why(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(RunConfig("emoji-t01"))
    (store.folder / queue.LOG).write_text("The run store is damaged: move it away.\n")
    test = page("run", run=run)
    assert "no process works on the queue" in test.warning[0].value
    assert "is damaged" in test.code[0].value
    started: list[Store] = []
    monkeypatch.setattr(queue, "ensure_worker", lambda store: started.append(store) or hold_slot(store))
    next(button for button in test.button if button.label == "Start now").click().run()
    assert len(started) == 1 and "It starts by itself" in words(page("run", run=run))


def test_a_failed_run_shows_its_reason_its_log_and_a_way_on(store: Store) -> None:
    run = record_run(store, end=False)
    store.log_path(run).parent.mkdir(parents=True, exist_ok=True)
    store.log_path(run).write_text("first line\nlast line\n")
    store.fail(run, "The disk is full: free some space.")
    test = page("run", run=run)
    assert "The disk is full" in test.error[0].value
    assert "last line" in test.code[0].value
    next(button for button in test.button if button.label == "Run again").click().run()
    assert len(store.list()) == 2
    assert linked(test, "run") == store.list()[0].id


def test_a_lost_run_can_be_resumed(store: Store) -> None:
    run = store.create(RunConfig("emoji-t01"))
    gone = this_worker()
    store.claim(Worker(gone.machine, 2**22 - 1, 1.0))
    test = page("run", run=run)
    assert "Its process is gone" in test.warning[0].value
    next(button for button in test.button if button.label == "Resume").click().run()
    assert store.get(run).status == "queued"


def test_a_cancelled_run_says_how_far_it_came(store: Store) -> None:
    run = record_run(store, end=False)
    store.request_cancel(run)
    store.set_cancelled(run)
    assert "Stopped after 4 of 4 iterations" in words(page("run", run=run))


def test_an_unknown_run_leads_to_the_form_and_the_list(store: Store) -> None:
    known = record_run(store)
    test = page("run", run="mvp-emoji-t01-zzzz")
    assert "There is no run 'mvp-emoji-t01-zzzz'" in test.warning[0].value
    assert [button.label for button in test.button if button.label == "Start"]
    box = next(box for box in test.selectbox if box.label == "Open a run")
    box.select(known).run()
    assert linked(test, "run") == known
    assert test.metric


def test_start_page_lists_runs_in_progress_and_recent_ones(store: Store) -> None:
    done, waiting = record_run(store), store.create(RunConfig("emoji-t02"))
    test = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60).run()
    assert not test.exception
    headings = [heading.value for heading in test.subheader]
    assert "In progress" in headings and "Recent runs" in headings
    assert "68.0 % on test" in words(test)
    assert {done, waiting} <= {link.proto.label for link in test.get("page_link")}


def test_pages_load_no_heavy_library(paper_home: Path) -> None:
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
for name in {list(PAGES)!r}:
    test = AppTest.from_file({str(ROOT)!r} + f"/dashboard/app_pages/{{name}}.py", default_timeout=60).run()
    assert not test.exception, test.exception
print(",".join(sorted({{name.split(".")[0] for name in sys.modules}} & set({HEAVY!r}))))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1:] in ([], [""])

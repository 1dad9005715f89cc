"""Pages under AppTest, on a zoo in the real file format and a real run store; no browser, no worker."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, Step
from core.runs import queue
from core.runs.processes import Worker, this_worker
from core.runs.store import Store

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


@pytest.fixture
def store(paper_home: Path) -> Store:
    return Store()


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda store=None: 0)


def record_run(store: Store, *, end: bool = True, **settings: object) -> str:
    config = RunConfig("emoji-t01", iterations=4, **settings)
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
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["Test accuracy"] == "68.0 %"
    assert shown["Channels kept"] == "20.0 % (20 %)"
    assert shown["Parameters"] == "40.0 k of 1.0 M"
    assert shown["MACs"] == "500 k of 9.0 M"
    assert [button.label for button in test.button if button.label == "Cancel"] == []


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

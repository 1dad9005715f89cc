"""Every designed state as it comes about: one sentence, one action, light and dark, on a phone, without a serious
accessibility finding.

The states are real: a worker is killed, a run asks for a zoo that is not there, a store is opened for reading alone.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from core.pruning.config import RunConfig
from core.runs import queue
from core.runs.record import CANCELLED, FAILED, LOST, RUNNING
from core.runs.status import current
from core.runs.store import Store
from core.zoo.zoo import DEFAULT
from tests.browser.app import Server, opened, serving, settle
from tests.browser.test_accessibility import findings
from tests.browser.test_whole_job import tab_to
from tests.dashboard.paper_zoo import write_foreign_zoo, write_paper_zoo
from tests.dashboard.runs import finished_run

Visit = Callable[..., Page]
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 17, 23)"}
LONG = 200.0  # seconds: a busy machine takes its time to load torch


def told(page: Page, sentence: str, action: str, role: str = "button") -> None:
    """The page says so and offers that, in both themes, at both widths, readable for all."""
    wide = page.viewport_size
    assert wide is not None
    for scheme, width in (("light", wide["width"]), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": wide["height"]})
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUNDS[scheme])
        settle(page)
        expect(page.get_by_text(sentence).first).to_be_visible()
        expect(page.get_by_role(role, name=action).first).to_be_enabled()  # type: ignore[arg-type]
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert findings(page) == []
        main = "document.querySelector('[data-testid=stMain]')"
        assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0
    page.set_viewport_size(wide)


def press(page: Page, name: str) -> None:
    """Press a button without a mouse."""
    tab_to(page, "button", name)
    page.keyboard.press("Enter")


def await_status(store: Store, run: str, *wanted: str) -> None:
    """Until the run is in one of these states, as people see it."""
    end = time.monotonic() + LONG
    while (status := current(store.get(run))) not in wanted:
        assert time.monotonic() < end, f"{run} is {status}, not {wanted}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    """The store of the server's folder."""
    store = Store(folder=server.log.parent)
    yield store
    store.close()


@pytest.fixture(scope="module")
def one_run(store: Store) -> str:
    """A finished run."""
    return finished_run(store)


@pytest.fixture(scope="module")
def runs(store: Store, one_run: str) -> dict[str, str]:
    """Four runs given to a real worker, which is held as soon as it has taken up the first: it loads for ever."""
    names = ("broken", "long", "waiting", "last")
    configs = [
        RunConfig("emoji-t00", zoo="no-such-zoo", iterations=5),
        RunConfig("emoji-t01", iterations=50_000, threads=1),
        RunConfig("emoji-t02", method="magnitude", iterations=5),
        RunConfig("emoji-t03", method="random", iterations=5),
    ]
    found = dict(zip(names, queue.submit(configs, store), strict=True))
    await_status(store, found["broken"], RUNNING)
    _worker(store, found["broken"]).suspend()
    return found


@pytest.fixture(scope="module")
def failed(store: Store, runs: dict[str, str]) -> str:
    """The run that asks for a zoo that is not there, once the worker has gone on to it."""
    _worker(store, runs["broken"]).resume()
    await_status(store, runs["broken"], FAILED)
    return runs["broken"]


@pytest.fixture(scope="module")
def lost(store: Store, runs: dict[str, str], failed: str) -> str:
    """The long run, whose worker was killed after it had trained some."""
    await_status(store, runs["long"], RUNNING)
    end = time.monotonic() + LONG
    while not store.checkpoint_path(runs["long"]).exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    os.kill(_worker(store, runs["long"]).pid, signal.SIGKILL)
    await_status(store, runs["long"], LOST)
    return runs["long"]


def _worker(store: Store, run: str) -> psutil.Process:
    return psutil.Process(store.get(run).pid)


def test_nothing_yet(visit: Visit, store: Store) -> None:
    assert store.list() == []
    start = visit()
    expect(start.get_by_text("Nothing is running. Step 3 starts a run.")).to_be_visible()
    expect(start.get_by_role("link", name="Start pruning")).to_be_visible()
    told(visit("run"), "There is no run yet. Start one above", "Watch a sample run")
    told(visit("compare"), "There is no run yet. Start one, or bring", "Start a run", "link")


def test_one_run(visit: Visit, one_run: str) -> None:
    page = visit("compare")
    told(page, "There is one run so far.", "Prune its task with other methods", "link")
    page.get_by_role("link", name="Prune its task with other methods").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page.get_by_role("button", name="Start 8 runs")).to_be_visible()


@pytest.mark.parametrize(
    "address, action, role",
    [
        ("run?run=no-such-run", "Start", "button"),
        ("compare?runs=no-such-run", "Prune its task with other methods", "link"),
    ],
)
def test_unknown_id(visit: Visit, one_run: str, address: str, action: str, role: str) -> None:
    told(visit(address), "There is no run 'no-such-run'", action, role)


def test_loading(visit: Visit, runs: dict[str, str]) -> None:
    told(visit(f"run?run={runs['broken']}"), "Loading the network, which takes some seconds", "Cancel")


def test_queued_with_its_position_and_then_cancelled(visit: Visit, store: Store, runs: dict[str, str]) -> None:
    page = visit(f"run?run={runs['last']}")
    told(page, "Waiting in the queue. It is number 3, 2 before it. It starts by itself.", "Cancel")
    press(page, "Cancel")
    told(page, "Stopped after 0 of 5 iterations. Resume it to go on from where it stopped.", "Resume")
    assert store.get(runs["last"]).status == CANCELLED


def test_failed(visit: Visit, store: Store, failed: str) -> None:
    page = visit(f"run?run={failed}")
    told(page, "There is no zoo 'no-such-zoo'", "Run again")
    expect(page.get_by_test_id("stCode")).to_contain_text("failed: There is no zoo 'no-such-zoo'")
    press(page, "Run again")
    page.wait_for_url(lambda url: "run=" in url and failed not in url)
    expect(page.get_by_text("Waiting in the queue.")).to_be_visible()
    press(page, "Cancel")
    expect(page.get_by_text("Stopped after 0 of 5 iterations.")).to_be_visible()


def test_worker_died(visit: Visit, store: Store, runs: dict[str, str], lost: str) -> None:
    waiting = visit(f"run?run={runs['waiting']}")
    told(waiting, "It is next. But no process works on the queue: start one.", "Start now")
    queue.cancel(runs["waiting"], store)
    before = store.events(lost)[:5]
    page = visit(f"run?run={lost}")
    told(page, "Its process is gone: resume it where it stopped.", "Resume")
    press(page, "Resume")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    await_status(store, lost, RUNNING)
    expect(page.get_by_text("Fine-tuning · iteration")).to_be_visible(timeout=1000 * LONG)
    press(page, "Cancel")
    await_status(store, lost, CANCELLED)
    assert store.get(lost).attempt == 2 and store.events(lost)[:5] == before  # it went on, and did not start over
    told(page, "of 50000 iterations. Resume it to go on from where it stopped.", "Resume")


@pytest.fixture
def other_zoo(server: Server) -> Iterator[Path]:
    """Where a zoo of the user's own takes the place of the one that ships."""
    folder = server.log.parent / "zoos" / DEFAULT
    yield folder
    shutil.rmtree(folder)


def test_fewer_than_four_tasks(visit: Visit, other_zoo: Path) -> None:
    write_paper_zoo(other_zoo, zoo_tasks=3)
    page = visit("map")
    told(page, "This zoo has only 3 tasks", "How to build a larger one")
    page.get_by_role("button", name="How to build a larger one").click()
    expect(page.get_by_text("python -m core zoo build")).to_be_visible()


def test_a_zoo_of_another_backbone(visit: Visit, other_zoo: Path) -> None:
    write_foreign_zoo(other_zoo)
    told(visit("votes"), "is of another backbone than its zoo", "How to build one that fits")
    expect(visit("map").get_by_text("is of another backbone than its zoo")).to_be_visible()


def test_a_store_that_is_read_only(browser: Browser, tmp_path: Path) -> None:
    written = Store(folder=tmp_path)
    run = finished_run(written)
    written.close()
    with serving(tmp_path, store=f"sqlite:///file:{tmp_path / 'runs.db'}?mode=ro&uri=true") as server:
        page = opened(browser, f"{server.url}/run")
        told(page, "is read-only: runs can be looked at, but none can be started", "Look again")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
        page.goto(f"{server.url}/run?run={run}")
        settle(page)
        expect(page.get_by_test_id("stMetric").first).to_be_visible()
        expect(page.get_by_role("button", name="Run again")).to_be_disabled()
        page.context.close()

"""How fast the dashboard answers, in real Chromium against a real server, while one run trains.

    python -m benchmarks.dashboard [--rounds 20]

Prints p50 and p95 of each wait beside its goal. The last one, from a change of K to the accuracy before any training,
is taken with no run training, as its goal says. Needs `requirements-dev.txt` and the system's Chromium.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Step
from core.runs import queue
from core.runs.record import RUNNING
from core.runs.store import Store
from tests.browser.app import PAGES, PATIENCE, Server, launched, opened, serving, settle, stop_workers
from tests.browser.curves import axis, zoom_in

TELLS = "document.querySelector('[data-testid=stMain]').innerText.includes(a)"
LOOK = 10  # milliseconds between two looks at a page
LONG = 2000  # iterations of the run that trains meanwhile
HEADING = "document.querySelector('h1')?.innerText"
READY = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


def until(page: Page, condition: str, argument: object = None) -> float:
    """Seconds from now until a JavaScript expression of `a`, the argument, holds on the page."""
    began = time.perf_counter()
    page.wait_for_function(f"a => {condition}", arg=argument, polling=LOOK, timeout=PATIENCE)
    return time.perf_counter() - began


def first_headings(browser: Browser, server: Server, rounds: int) -> Iterator[float]:
    """A new session at each page's address in turn, until its heading is there."""
    names = list(PAGES.items())
    for number in range(rounds):
        address, title = names[number % len(names)]
        context = browser.new_context()
        page = context.new_page()
        began = time.perf_counter()
        page.goto(f"{server.url}/{address}", wait_until="commit")
        until(page, f"{HEADING} === a", title)
        yield time.perf_counter() - began
        context.close()


def page_switches(page: Page, rounds: int) -> Iterator[float]:
    """From a click in the navigation until the other page has been drawn, each page seen once before."""
    titles = [title for address, title in PAGES.items() if address]
    for number in range(-len(titles), rounds):
        title = titles[number % len(titles)]
        page.get_by_test_id("stTopNavLink").filter(has_text=title).first.click(no_wait_after=True)
        took = until(page, f"{HEADING} === a && {READY}", title)
        if number >= 0:
            yield took
        settle(page)


POINTS = """() => {
    const graph = document.querySelector('.js-plotly-plot'), box = graph.getBoundingClientRect();
    const {xaxis, yaxis} = graph._fullLayout;
    return graph._fullData.flatMap(trace => [...(trace.customdata ?? [])].map((id, i) => ({
        id: Array.isArray(id) ? id[0] : id,
        x: box.x + xaxis._offset + xaxis.l2p(trace.x[i]), y: box.y + yaxis._offset + yaxis.l2p(trace.y[i]),
    }))).filter(point => /-z\\d+$/.test(point.id) && Number.isFinite(point.x + point.y));
}"""


def map_clicks(page: Page, rounds: int) -> Iterator[float]:
    """From a click on a zoo task in the map until the page tells of that task."""
    points = page.evaluate(POINTS)
    for number in range(rounds):
        point = points[number * 7 % len(points)]
        page.mouse.click(point["x"], point["y"])
        yield until(page, TELLS, f"{point['id']} is rank")
        settle(page)


def metrics(page: Page, store: Store, run: str, rounds: int) -> Iterator[float]:
    """From when the worker has written an iteration until the page tells of it, or of a later one."""
    seen = store.last_seq(run)
    for _ in range(rounds):
        while not (fresh := store.events(run, after=seen, kinds=[Step.kind])):
            time.sleep(LOOK / 1000)
        seen, last = fresh[-1]
        assert isinstance(last, Step)
        yield until(page, SAYS, last.iteration)


SAYS = """Number(
    document.querySelector('[data-testid=stMain]').innerText.match(/After (\\d+) iterations/)?.[1] ?? -1) >= a"""
WATCH = """() => {
    window.remounts = 0;
    const chart = node => node instanceof Element
        && (node.matches('canvas, svg.marks, .vega-embed, [data-testid=stVegaLiteChart], .js-plotly-plot')
            || node.querySelector('canvas, svg.marks, .vega-embed'));
    new MutationObserver(found => found.forEach(one => one.removedNodes.forEach(node => {
        if (chart(node)) window.remounts += 1;
    }))).observe(document.querySelector('[data-testid=stMain]'), {childList: true, subtree: true});
}"""


@contextmanager
def training(home: Path) -> Iterator[tuple[Store, str]]:
    """A long run under way in that user folder, cancelled at the end."""
    store = Store(folder=home)
    (run,) = queue.submit(RunConfig("emoji-t03", method="taylor", iterations=LONG, threads=1), store)
    while not list(store.events(run, kinds=[Evaluation.kind])):
        time.sleep(0.2)
    assert store.get(run).status == RUNNING
    try:
        yield store, run
    finally:
        queue.cancel(run)
        while store.get(run).status not in ("cancelled", "finished", "failed"):
            time.sleep(0.2)


def row(name: str, goal: float, taken: list[float]) -> tuple[str, ...]:
    """A row of the table, in milliseconds."""
    p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    milliseconds = [f"{1000 * value:.0f}" for value in (statistics.median(taken), p95, goal)]
    return (name, str(len(taken)), *milliseconds, "met" if p95 <= goal else "NOT MET")


def untrained(browser: Browser, server: Server, rounds: int) -> Iterator[float]:
    """From a change of K until the accuracy before any training is there, its worker warm; no K is asked for twice."""
    for task in ("emoji-t03", "emoji-t07"):
        page = opened(browser, f"{server.url}/votes?task={task}&k=2")
        until(page, TELLS, "before any training, as 2 neighbours voted")
        slider = page.get_by_role("slider", name="Neighbours (K)")
        slider.focus()
        for k in range(3, 3 + rounds // 2):
            page.keyboard.press("ArrowRight")
            yield until(page, TELLS, f"before any training, as {k} neighbours voted")
            page.wait_for_timeout(1500)  # as people look before they go on
        page.context.close()


def keeps_zoom(page: Page, store: Store, run: str) -> bool:
    """Whether a chart that was zoomed into stays so while the run goes on."""
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.wait_for_timeout(1000)
    before = axis(page)
    zoom_in(page)
    zoomed = axis(page)
    assert zoomed != before, "dragging across the strip did not zoom"
    seen = store.last_seq(run)
    while store.last_seq(run) < seen + 40:
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)
    return axis(page) == zoomed


def measure(home: Path, rounds: int) -> tuple[list[tuple[str, ...]], int, bool]:
    """(rows of the table, charts taken off the page during a live run, whether zoom was kept)."""
    rows = []
    with serving(home) as server, sync_playwright() as playwright:
        browser = launched(playwright)
        opened(browser, server.url).context.close()  # the server's own first page
        with training(home) as (store, run):
            rows.append(row("first heading on a started server", 2.0, list(first_headings(browser, server, rounds))))
            page = opened(browser, f"{server.url}/map")
            rows.append(row("page switch", 0.7, list(page_switches(page, rounds))))
            page.goto(f"{server.url}/map")
            settle(page)
            page.wait_for_timeout(1500)
            rows.append(row("map click to details", 0.5, list(map_clicks(page, rounds))))
            page.goto(f"{server.url}/run?run={run}")
            settle(page)
            page.wait_for_timeout(1500)
            page.evaluate(WATCH)
            rows.append(row("metric written to metric on screen", 2.0, list(metrics(page, store, run, rounds))))
            remounts = int(page.evaluate("window.remounts"))
            zoom = keeps_zoom(page, store, run)
            page.context.close()
        rows.append(row("change of K to untrained accuracy", 1.5, list(untrained(browser, server, rounds))))
        browser.close()
    return rows, remounts, zoom


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["METAVOTE_HOME"] = folder
        try:
            rows, remounts, zoom = measure(Path(folder), rounds)
        finally:
            stop_workers(Path(folder))
    table = Table("wait", "n", "p50, ms", "p95, ms", "goal, ms", "")
    for each in rows:
        table.add_row(*each)
    table.add_row(
        "charts taken off the page during a live run", "", str(remounts), "", "0", "met" if not remounts else "NOT MET"
    )
    table.add_row("zoom kept during a live run", "", "yes" if zoom else "no", "", "yes", "met" if zoom else "NOT MET")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

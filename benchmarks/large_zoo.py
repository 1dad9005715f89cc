"""How fluent the task map is with a zoo of 1,000 tasks: `python -m benchmarks.large_zoo [--tasks N] [--rounds N]`.

The zoo is synthetic: its selections, similarities and places are drawn by chance, as only the page is measured. Drives
the system's Chromium against a real server and prints p50 and p95 in seconds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.dashboard import until
from core.zoo.zoo import DEFAULT
from tests.browser.app import PATIENCE, launched, serving, settle
from tests.dashboard.paper_zoo import write_paper_zoo

GOALS = {
    "open the map": 3.0,
    "move K": 0.5,
    "click to details": 0.5,
    "change the target": 0.5,
    "change the colour": 0.5,
}
NEIGHBOURS = "document.querySelectorAll('.scatterlayer .textpoint').length === a"
TARGET = "document.querySelector('[data-testid=stMain]').innerText.includes('The target, emoji-' + a)"
LEGEND = "document.querySelector('.infolayer')?.textContent.toLowerCase().includes(a)"
# Where the zoo tasks are on the screen that no other point stands near, so that a click cannot hit another one.
ALONE = """() => {
    const boxes = [...document.querySelectorAll('.js-plotly-plot .scatterlayer .point')].slice(0, 1100)
        .map(point => point.getBoundingClientRect()).map(box => [box.x + box.width / 2, box.y + box.height / 2]);
    return boxes.slice(0, 900).filter(([x, y]) =>
        y > 200 && y < 800 && boxes.filter(([a, b]) => Math.hypot(a - x, b - y) < 18).length === 1);
}"""
DETAIL = "(document.querySelector('[data-testid=stMain]').innerText.match(/(\\S+) is rank/)?.[1] ?? '')"


def measure(home: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each thing a person does on the map, once a round."""
    with serving(home) as server, sync_playwright() as playwright:
        browser = launched(playwright)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        _open(page, f"{server.url}/map")  # fills caches, as any earlier visit did
        times: dict[str, list[float]] = {name: [] for name in GOALS}
        for number in range(rounds):
            times["open the map"].append(_open(page, f"{server.url}/map"))
            times["move K"] += _keys(page)
            times["click to details"].append(_click(page, number))
            times["change the target"].append(_choose(page, "Target task", f"t{1 + number % 8:02d}", TARGET))
            times["change the colour"].append(_choose(page, "Colour by", ("accuracy", "trust")[number % 2], LEGEND))
        browser.close()
    return times


def _open(page: Page, url: str) -> float:
    """From a cold address to the map with all its points."""
    start = time.perf_counter()
    page.goto(url)
    _drawn(page)
    return time.perf_counter() - start


def _drawn(page: Page) -> None:
    expect(page.locator(".scatterlayer .point").nth(900)).to_be_attached(timeout=PATIENCE)
    settle_script(page)


def settle_script(page: Page) -> None:
    """Wait until the script has run."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible(timeout=PATIENCE)


def _keys(page: Page) -> list[float]:
    """K one up, four times, by keyboard: from the key to the map that shows the neighbours."""
    times: list[float] = []
    thumb = page.get_by_role("slider", name="Neighbours (K)")
    thumb.focus()
    shown = int(thumb.get_attribute("aria-valuenow") or 5)
    for number in range(shown + 1, shown + 5):
        page.keyboard.press("ArrowRight")
        times.append(until(page, NEIGHBOURS, number))
        settle(page)
    return times


def _click(page: Page, number: int) -> float:
    """From a click on a zoo task to its details."""
    alone = page.evaluate(ALONE)
    x, y = alone[7 * number % len(alone)]
    before = page.evaluate(DETAIL)
    page.mouse.click(x, y)
    took = until(page, f"{DETAIL} !== a", before)
    settle(page)
    return took


def _choose(page: Page, label: str, text: str, ready: str) -> float:
    """From Enter in a select box to what it changes."""
    page.get_by_role("combobox", name=label).focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    took = until(page, ready, text)
    settle(page)
    return took


def table(times: dict[str, list[float]]) -> str:
    """One line for each thing measured: p50, p95, and the goal."""
    lines = [f"{'':20}{'n':>4}{'p50 s':>9}{'p95 s':>9}{'goal s':>9}"]
    for name, values in times.items():
        half, most = np.percentile(values, [50, 95])
        lines.append(f"{name:20}{len(values):4d}{half:9.2f}{most:9.2f}{GOALS[name]:9.1f}")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000, help="tasks in the synthetic zoo (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is done (default: %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_paper_zoo(Path(folder) / "zoos" / DEFAULT, zoo_tasks=given.tasks, targets=12)
        print(f"A synthetic zoo of {given.tasks:,} tasks, {given.rounds} rounds")
        print(table(measure(Path(folder), given.rounds)))


if __name__ == "__main__":
    main()

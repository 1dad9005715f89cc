"""Pictures of every page, light and dark, wide and narrow: `python -m tests.browser.screenshots [--home FOLDER]`.

Without a user folder of one's own, the runs in the pictures are the recordings that ship.
"""

import argparse
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from core.runs.archive import unpack
from core.runs.record import FINISHED
from core.runs.store import Store
from dashboard.recordings import FILE as RECORDINGS
from tests.browser.app import PAGES, ROOT, launched, opened, serving, settle, stop_workers

MOST_RUNS = 8
WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
SCHEMES = ("light", "dark")


def shoot(folder: Path, home: Path) -> None:
    """Save every page as `<page>-<wide|narrow>-<light|dark>.png`, whole length; finished runs open and compared too."""
    runs = [record.id for record in Store(folder=home).list(status=FINISHED, limit=MOST_RUNS)]
    addresses = {name or "start": name for name in PAGES}
    if runs:
        addresses |= {"run-open": f"run?run={runs[-1]}", "compare": f"compare?runs={','.join(runs)}"}
    folder.mkdir(parents=True, exist_ok=True)
    with serving(home) as server, sync_playwright() as playwright:
        browser = launched(playwright)
        for scheme in SCHEMES:
            for width, (across, down) in WIDTHS.items():
                for name, address in addresses.items():
                    page = opened(browser, f"{server.url}/{address}", scheme, across, down)
                    _save(page, folder / f"{name}-{width}-{scheme}.png", across)
                    page.context.close()
        browser.close()


def _save(page: Page, file: Path, across: int) -> None:
    """The whole page, for which the window has to be as tall as what it holds."""
    page.wait_for_timeout(1500)  # charts draw after the script has run
    if "/votes" in page.url:
        expect(page.get_by_label(re.compile("80.% kept")).first).to_be_attached()  # the whole curve before training
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": across, "height": min(6000, height + 10)})
    settle(page)
    page.wait_for_timeout(600)
    page.screenshot(path=file)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screenshots", help="the folder to write to")
    parser.add_argument("--home", type=Path, help="a user folder with runs in it (default: an empty one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        home = given.home or Path(empty)
        if given.home is None:
            unpack(Store(folder=home), RECORDINGS)
        try:
            shoot(given.to, home)
        finally:
            stop_workers(home)


if __name__ == "__main__":
    main()

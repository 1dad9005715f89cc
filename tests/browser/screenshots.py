"""Pictures of every page, light and dark, wide and narrow: `python -m tests.browser.screenshots [--home FOLDER]`."""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.app import PAGES, ROOT, launched, opened, serving, settle

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
SCHEMES = ("light", "dark")


def shoot(folder: Path, home: Path, run: str | None) -> None:
    """Save every page as `<page>-<wide|narrow>-<light|dark>.png`, whole length; `run` is shown as an open run."""
    addresses = {name or "start": name for name in PAGES} | ({"run-open": f"run?run={run}"} if run else {})
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
    parser.add_argument("--run", help="a run of that user folder to show")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        shoot(given.to, given.home or Path(empty), given.run)


if __name__ == "__main__":
    main()

"""Whole jobs in the browser: by keyboard alone, and across a restart of the server."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import opened, serving, settle, sound
from tests.browser.conftest import stop_workers
from tests.browser.test_run import END, FINISHED, Visit, run_id_of, set_iterations

FOCUSED = """() => {
  const one = document.activeElement;
  const name = (one.getAttribute("aria-label") || one.innerText || "").replace(/\\s+/g, " ").trim();
  return `${one.tagName.toLowerCase()} ${name}`;
}"""
MOST_TABS = 60


def tab_to(page: Page, kind: str, name: str) -> None:
    """Press Tab until what is focused is of that kind and has a name that ends so."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused.startswith(kind) and focused.endswith(name):
            return
    raise AssertionError(f"Tab never reached {name!r}.")


@pytest.mark.timeout(500)
def test_keyboard_alone_gets_from_the_start_page_to_a_finished_run(visit: Visit) -> None:
    page = visit()
    tab_to(page, "a", "Start pruning")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    settle(page)
    tab_to(page, "input", "Iterations")
    page.keyboard.press("Control+A")
    page.keyboard.type("5")
    tab_to(page, "button", "Start")
    page.keyboard.press("Enter")
    run_id_of(page)
    expect(page.get_by_text(FINISHED).first).to_be_visible(timeout=END)
    assert "5 iterations" in page.get_by_text("Meta-Vote Pruning ·").first.inner_text()
    sound(page)


@pytest.mark.timeout(500)
def test_a_run_goes_on_and_is_followed_again_when_the_server_is_started_anew(browser: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        with serving(home) as server:
            page = opened(browser, f"{server.url}/run")
            set_iterations(page, 5)
            page.get_by_role("button", name="Start", exact=True).click()
            run, port = run_id_of(page), int(server.url.rsplit(":", 1)[1])
            expect(page.get_by_role("button", name="Cancel")).to_be_visible()
            settle(page)
            page.wait_for_load_state("networkidle")  # widgets whose code is on its way could not be had from nobody
        with serving(home, port) as server:
            for address in (f"{server.url}/run?run={run}", f"{server.url}/"):  # the link, and whoever comes anew
                other = opened(browser, address)
                expect(other.get_by_text(run).first).to_be_visible()
                other.context.close()
            expect(page.get_by_text(FINISHED).first).to_be_visible(timeout=END)  # the tab that stayed open
            settle(page)
            sound(page)
            assert run_id_of(page) == run
            page.context.close()
    finally:
        stop_workers(home)

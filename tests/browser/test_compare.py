"""Comparing runs as people do: by clicks in the table, by keyboard alone, from a run, and taking the report away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.runs.store import Store
from tests.browser.app import Server, settle, sound
from tests.dashboard.runs import finished_run

Visit = Callable[..., Page]
ROW = 35  # pixels of a row of a table, its heading too


@pytest.fixture(scope="module")
def runs(server: Server) -> list[str]:
    """A vote, magnitude and random channels, oldest first."""
    store = Store(folder=server.log.parent)
    ids = [
        finished_run(store, 0.7),
        finished_run(store, 0.6, method="magnitude"),
        finished_run(store, 0.65, method="random"),
    ]
    store.close()
    return ids


def tick(page: Page, row: int) -> None:
    """Click the box in front of a row of the table of all runs."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 20, box["y"] + ROW * (row + 1.5))
    settle(page)


def compares(page: Page, number: int) -> None:
    """The page shows the results of so many runs, beside a baseline."""
    expect(
        page.get_by_role("region", name=f"Results of {number} runs, with differences to the baseline")
    ).to_be_visible()
    settle(page)  # what was compared before goes when the script has ended
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()


def test_two_runs_are_compared_in_two_clicks_from_a_cold_address(visit: Visit, runs: list[str]) -> None:
    page = visit("compare")
    expect(page.get_by_text("Choose runs in the table")).to_be_visible()
    tick(page, 0)
    tick(page, 2)
    page.wait_for_url(f"**runs={runs[2]}%2C{runs[0]}**")
    compares(page, 2)
    sound(page)
    page.reload()
    settle(page)
    compares(page, 2)


def test_runs_are_chosen_and_looked_at_by_keyboard_alone(visit: Visit, runs: list[str]) -> None:
    page = visit("compare")
    box = page.get_by_role("combobox", name="Runs compared")
    for part in ("mvp", "random"):
        box.focus()
        page.keyboard.type(part)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")  # closes the list, which hides the rest from assistive tools
        settle(page)
    compares(page, 2)
    page.get_by_role("radio", name="Checklist").focus()
    page.keyboard.press("Space")
    page.wait_for_url("**tab=checklist**")
    expect(page.get_by_text("that a fair comparison has are there")).to_be_visible()


def test_a_finished_run_leads_to_its_comparison(visit: Visit, runs: list[str]) -> None:
    page = visit(f"run?run={runs[0]}")
    page.get_by_test_id("stMain").get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
    settle(page)
    assert f"runs={runs[0]}" in page.url
    page.get_by_role("button", name="Add the other methods on this task").click()
    compares(page, 3)


def test_the_report_opens_from_disk_and_asks_the_network_for_nothing(
    visit: Visit, browser: Browser, runs: list[str], tmp_path: Path
) -> None:
    page = visit(f"compare?runs={','.join(runs)}&tab=save")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report (HTML)").click()
    file = tmp_path / "comparison.html"
    waiting.value.save_as(file)
    context, asked, wrong = browser.new_context(), [], []
    report = context.new_page()
    report.on("request", lambda request: asked.append(request.url))
    report.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    report.goto(file.as_uri())
    expect(report.get_by_role("heading", level=1)).to_have_text("3 runs compared")
    expect(report.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["overview", "tradeoffs", "settings", "layers", "spread", "checklist", "save"])
def test_every_view_fits_a_phone(visit: Visit, runs: list[str], tab: str, scheme: str) -> None:
    page = visit(f"compare?runs={','.join(runs)}&tab={tab}", scheme, width=390, height=844)
    sound(page)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0

"""From a click on a map point to a finished run; runs when tabs close, reload, or people change their mind."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import PATIENCE, settle, sound

Visit = Callable[..., Page]
ITERATIONS = 20
END = 280_000  # milliseconds
ENDED = re.compile("(Finished|Failed|Lost)$")  # a badge's text begins with the name of its icon
FINISHED, CANCELLED = re.compile("Finished$"), re.compile("Cancelled$")


@pytest.fixture(scope="module")
def finished() -> dict[str, str]:
    """The id of the run that the first test finished, for those after it."""
    return {}


def click_point(page: Page, trace: int, point: int) -> None:
    """Click a marker of the map; `trace` counts the traces that have markers."""
    marks = page.locator(".scatterlayer .trace.scatter").nth(trace).locator(".point")
    page.locator(".nsewdrag").first.scroll_into_view_if_needed()
    box = marks.nth(point).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def set_iterations(page: Page, number: int) -> None:
    field = page.get_by_role("spinbutton", name="Iterations")
    field.fill(str(number))
    field.press("Enter")
    settle(page)


def run_id_of(page: Page) -> str:
    page.wait_for_url("**run=**")
    return page.url.split("run=")[1].split("&")[0]


@pytest.mark.timeout(400)
def test_from_a_click_on_the_map_to_a_finished_run(visit: Visit, finished: dict[str, str]) -> None:
    page = visit("map")
    expect(page.locator(".scatterlayer .point").first).to_be_visible()
    targets = page.locator(".scatterlayer .trace.scatter").filter(has=page.locator(".point"))
    assert targets.count() >= 4
    click_point(page, trace=2, point=3)  # lines, zoo tasks, other targets
    page.wait_for_url("**task=**")
    settle(page)
    chosen = page.url.split("task=")[1].split("&")[0]
    expect(page.get_by_text(f"The target, {chosen}")).to_be_visible()

    page.get_by_role("link", name="Look at votes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votes")
    expect(page.get_by_text("neighbours want")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Prune this task").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    set_iterations(page, ITERATIONS)
    page.get_by_role("button", name="Start", exact=True).click()
    run = finished["run"] = run_id_of(page)
    assert chosen in run

    expect(page.get_by_text(ENDED).first).to_be_visible(timeout=END)
    expect(page.get_by_text(FINISHED).first).to_be_visible(timeout=5_000)
    settle(page)
    sound(page)
    for label in ("Test accuracy", "Channels kept", "Parameters", "MACs"):
        expect(page.get_by_test_id("stMetric").filter(has_text=label)).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)

    page.reload()
    settle(page)
    assert run_id_of(page) == run
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    second = visit(f"run?run={run}")
    expect(second.get_by_text(run).first).to_be_visible()
    expect(second.get_by_test_id("stMetric").first).to_be_visible()


def test_finished_run_is_on_the_start_page_and_opens_from_there(visit: Visit, finished: dict[str, str]) -> None:
    page = visit()
    page.get_by_role("link", name=finished["run"]).click()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()


def test_the_lists_of_runs_open_a_run(visit: Visit, finished: dict[str, str]) -> None:
    page = visit("run")
    box = page.get_by_role("combobox", name="Open a run")
    box.focus()
    page.keyboard.type(finished["run"][-4:])
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=PATIENCE)


@pytest.mark.timeout(400)
def test_a_run_can_be_cancelled_and_resumed(visit: Visit) -> None:
    page = visit("run")
    set_iterations(page, 400)
    page.get_by_role("button", name="Start", exact=True).click()
    run = run_id_of(page)
    other = visit(f"run?run={run}")  # reattaches while it is under way
    expect(other.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text("Fine-tuning", exact=False).first).to_be_visible(timeout=END)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(CANCELLED).first).to_be_visible(timeout=60_000)
    expect(other.get_by_text(CANCELLED).first).to_be_visible(timeout=60_000)
    sound(page)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(CANCELLED).first).to_be_visible(timeout=60_000)

"""Every page, as a person opens it: light and dark, wide and narrow, and with a link that does not fit."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import PAGES, PATIENCE, Server, settle, sound

Visit = Callable[..., Page]
HEAVY = ("libtorch", "/torch/", "llvmlite", "numba", "/umap/", "/captum/", "/sklearn/")
FIRST_PAINT_GOAL, FIRST_PAINT_LIMIT = 2.0, 10.0  # seconds; the limit allows for a busy machine


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
def test_page_opens_with_its_heading_and_without_an_error(visit: Visit, address: str, scheme: str) -> None:
    page = visit(address, scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[address])
    sound(page)


@pytest.mark.parametrize("address", PAGES)
def test_page_fits_a_phone(visit: Visit, address: str) -> None:
    page = visit(address, width=390, height=844)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[address])
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0


@pytest.mark.parametrize("address", ["map", "votes"])
def test_every_chart_says_in_words_what_it_shows(visit: Visit, address: str) -> None:
    page = visit(address)
    charts = page.get_by_test_id("stPlotlyChart")
    expect(charts.first).to_be_visible()
    names = page.locator("[data-testid=stPlotlyChart] [role=figure], [data-testid=stPlotlyChart][role=figure]")
    assert names.count() == charts.count()
    assert all(len(name.get_attribute("aria-label") or "") > 20 for name in names.all())


@pytest.mark.parametrize(
    "address, sentence",
    [
        ("map?task=emoji-t99", "There is no stored target task 'emoji-t99'"),
        ("map?k=0", "K must be a whole number"),
        ("map?similarity=magic", "There is no similarity 'magic'"),
        ("votes?group=layer9", "There is no channel group 'layer9'"),
        ("votes?keep=7", "The keep ratio must be"),
        ("run?run=no-such-run", "There is no run 'no-such-run'"),
    ],
)
def test_a_link_that_does_not_fit_falls_back_and_says_so(visit: Visit, address: str, sentence: str) -> None:
    page = visit(address)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "?" not in page.url


def test_choices_are_in_the_link_and_follow_to_the_next_page(visit: Visit) -> None:
    page = visit("map?task=emoji-t03&k=3&similarity=prototypes")
    expect(page.get_by_text("Its 3 neighbours")).to_be_visible()
    page.get_by_role("link", name="Look at votes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votes")
    settle(page)
    assert all(part in page.url for part in ("task=emoji-t03", "k=3", "similarity=prototypes"))
    page.reload()
    settle(page)
    expect(page.get_by_text("3 neighbours want")).to_be_visible()


SLOW_LINE = """
  const late = call => event => setTimeout(() => call(event), 700);
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    set onmessage(call) { super.onmessage = late(call) }
    addEventListener(kind, call) { super.addEventListener(kind, kind === "message" ? late(call) : call) }
  }
"""


def test_a_page_that_is_left_while_a_part_of_it_is_kept_up_to_date_does_not_empty_the_next(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context()
    context.add_init_script(SLOW_LINE)  # the browser learns late that another page has begun
    page = context.new_page()
    page.goto(
        f"{server.url}/votes?keep=0.37"
    )  # which nobody has asked for yet, so that the trial looks again and again
    page.get_by_role("link", name="Prune this task").click(timeout=PATIENCE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Run", timeout=PATIENCE)
    page.wait_for_timeout(4_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    context.close()


def go_to(page: Page, title: str) -> None:
    """Another page by the navigation at the top, as people get there."""
    page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    settle(page)


def sliders(page: Page) -> dict[str, str]:
    """What the sliders in sight stand at, by their labels."""
    shown = [one.inner_text().split("\n") for one in page.get_by_test_id("stSlider").all() if one.is_visible()]
    return {lines[0]: next(line for line in lines[1:] if line[:1].isdigit()) for lines in shown}


def test_choices_nobody_touched_stay_as_they_are_from_page_to_page(visit: Visit) -> None:
    page = visit()
    for title in ("Task map", "Votes", "Run", "Votes", "Task map"):
        go_to(page, title)
        assert "?" not in page.url, title
        shown = sliders(page)
        assert shown.get("Neighbours (K)", "5") == "5" and shown.get("Keep ratio", "0.20") == "0.20", title


def test_choices_made_go_along_by_the_navigation_at_the_top(visit: Visit) -> None:
    page = visit("map?task=emoji-t03&k=3&similarity=logme")
    go_to(page, "Votes")
    page.get_by_role("combobox", name="Channel group").focus()
    page.keyboard.type("layer1.0")
    page.keyboard.press("Enter")
    page.wait_for_url("**group=layer1.0**")
    for title in ("Run", "Task map", "Votes"):
        go_to(page, title)
        task = page.get_by_role("combobox", name="Target task")
        assert task.input_value().startswith("emoji-t03"), title
        assert all(part in page.url for part in ("task=emoji-t03", "k=3", "similarity=logme")), title
    assert sliders(page) == {"Neighbours (K)": "3", "Keep ratio": "0.20"}
    assert "group=layer1.0" in page.url


def test_a_link_with_a_name_nobody_knows_says_so_above_the_page(visit: Visit) -> None:
    page = visit("map?sim=foo&k=0")
    said = page.get_by_test_id("stAlert")
    expect(said).to_have_count(1)
    expect(said).to_contain_text("Nothing here is called 'sim': Task map reads task, k, similarity, chosen, layout,")
    expect(said).to_contain_text("K must be a whole number from 1 to 24")
    box, title = said.bounding_box(), page.get_by_role("heading", level=1).bounding_box()
    assert box is not None and title is not None and box["y"] + box["height"] <= title["y"]
    assert "?" not in page.url


def test_the_list_of_tasks_works_from_the_keyboard(visit: Visit) -> None:
    page = visit("map")
    page.get_by_role("combobox", name="Target task").focus()
    page.keyboard.type("t04")
    page.keyboard.press("Enter")
    settle(page)
    page.wait_for_url("**task=emoji-t04**")
    expect(page.get_by_text("The target, emoji-t04")).to_be_visible()


def test_heading_and_picker_are_there_soon_after_opening(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/map")  # fills the browser's cache, as any earlier visit did
    settle(page)
    start = time.perf_counter()
    page.goto(f"{server.url}/map")
    page.get_by_role("heading", level=1, name="Task map").wait_for(timeout=PATIENCE)
    page.get_by_role("combobox", name="Target task").wait_for(timeout=PATIENCE)
    took = time.perf_counter() - start
    context.close()
    print(f"\nheading and task picker after {took:.2f} s (goal {FIRST_PAINT_GOAL} s)")
    assert took < FIRST_PAINT_LIMIT


def test_no_heavy_library_is_in_the_server_process(visit: Visit, server: Server) -> None:
    for address in PAGES:
        visit(address)
    loaded = Path(f"/proc/{server.pid}/maps").read_text()
    assert [name for name in HEAVY if name in loaded] == []

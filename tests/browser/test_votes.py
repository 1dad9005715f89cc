"""The Votes page in the browser: accuracy before training comes by itself, and charts can be clicked."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.app import settle, sound


def plot(page: Page) -> dict[str, float]:
    """Where the first Plotly chart draws, once it is in view."""
    area: Locator = page.locator(".js-plotly-plot .draglayer .nsewdrag").first
    area.scroll_into_view_if_needed()
    settle(page)
    box = area.bounding_box()
    assert box is not None
    return dict(box)


def test_accuracy_before_training_comes_and_follows_k(visit: Callable[..., Page]) -> None:
    page = visit("votes?task=emoji-t05")
    said = page.get_by_text("of validation images are right before any training")
    expect(said).to_be_visible(timeout=180_000)
    whole_curve = page.get_by_label(re.compile("80.% kept")).first
    expect(whole_curve).to_be_attached(timeout=180_000)
    page.get_by_role("slider", name="Neighbours (K)").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**k=6**")
    settle(page)
    expect(said).to_be_visible(timeout=60_000)
    sound(page)


def test_a_click_on_a_bar_opens_the_group_and_one_on_a_column_its_channel(visit: Callable[..., Page]) -> None:
    page = visit("votes")
    box = plot(page)
    page.mouse.click(box["x"] + 2.5 / 12 * box["width"], box["y"] + 0.95 * box["height"])
    page.wait_for_url("**group=layer1.1.conv1**")
    settle(page)
    box = plot(page)
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.wait_for_url("**channel=**")
    expect(page.get_by_role("heading", name="Who voted for channel")).to_be_visible()
    sound(page)


def test_what_is_looked_at_is_in_the_link_that_somebody_else_opens(visit: Callable[..., Page]) -> None:
    page = visit("votes?view=overlap")
    for choice, name in (("The whole zoo", "scope=zoo"), ("All groups together", "within=all")):
        page.get_by_role("radio", name=choice).click()
        page.wait_for_url(f"**{name}**")
        settle(page)
    other = visit(page.url.split("/", 3)[3])
    expect(other.get_by_role("heading", name="Overlap in all groups")).to_be_visible()
    expect(other.get_by_text("the target's neighbours marked")).to_be_visible()
    sound(other)

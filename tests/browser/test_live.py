"""What only a browser shows of the Run and Start pages: charts that stay, zoom that is kept, the theme of a link."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from core.numbers import percent
from core.paths import ASSETS
from core.runs.archive import recorded
from tests.browser.app import settle, sound
from tests.browser.curves import CHART, axis, zoom_in

Visit = Callable[..., Page]
COUNT_REPLACED = """() => {
  window.replaced = 0;
  const drawn = node => node.nodeType === 1 && (node.matches("svg.marks, canvas.marks")
    || node.querySelector("svg.marks, canvas.marks"));
  new MutationObserver(changes => changes.forEach(change =>
    change.removedNodes.forEach(node => { if (drawn(node)) window.replaced += 1; })
  )).observe(document.body, {subtree: true, childList: true});
}"""


def test_charts_stay_and_keep_their_zoom_while_a_run_goes_on(visit: Visit) -> None:
    page = visit("run?replay=taylor-emoji-t03-28cf&speed=0.25", height=1600)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(CHART)).to_have_count(2)
    expect(page.get_by_text("Drag across the strip")).to_be_visible()
    page.wait_for_timeout(500)
    before = axis(page)
    page.evaluate(COUNT_REPLACED)
    zoom_in(page)
    zoomed = axis(page)
    seen = page.get_by_text("After ").first.inner_text()
    assert zoomed != before
    page.wait_for_timeout(3500)
    assert page.get_by_text("After ").first.inner_text() != seen  # it has gone on
    assert axis(page) == zoomed
    assert page.evaluate("window.replaced") == 0
    sound(page)


def test_one_click_on_the_start_page_plays_a_recording(visit: Visit) -> None:
    page = visit("", width=390, height=844)
    page.get_by_role("link", name="Watch a sample run").click()
    expect(page.get_by_text("This is a recording of a real run")).to_be_visible()
    page.wait_for_url("**replay=**")
    reached = recorded(ASSETS / "sample-runs.zip")[0][0].result["test_accuracy"]  # type: ignore[index]
    expect(page.get_by_text(percent(reached, 1))).to_be_visible()
    settle(page)
    sound(page)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0


def test_a_link_opens_in_the_theme_that_it_names(visit: Visit) -> None:
    for theme, scheme, background in (("dark", "light", "rgb(14, 17, 23)"), ("light", "dark", "rgb(255, 255, 255)")):
        page = visit(f"votes?theme={theme}", scheme)
        page.wait_for_url(f"**embed_options={theme}_theme**")
        settle(page)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        page.get_by_test_id("stTopNavLink").filter(has_text="Run").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Run")
        settle(page)
        assert f"theme={theme}" in page.url
        sound(page)


def test_a_link_opens_the_form_filled_in(visit: Visit) -> None:
    page = visit("run?task=emoji-t05&method=taylor&keep=0.35&iterations=90&seed=3&also=random")
    assert page.get_by_role("combobox", name="Target task").input_value().startswith("emoji-t05")
    assert page.get_by_role("combobox", name="Method").input_value() == "Taylor, iterative"
    assert page.get_by_role("spinbutton", name="Iterations").input_value() == "90"
    assert page.get_by_role("spinbutton", name="Seed", exact=True).input_value() == "3"
    expect(page.get_by_role("button", name="Start 2 runs")).to_be_visible()

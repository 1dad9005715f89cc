"""The live curves of a run in a browser: where their strip is, how one zooms with it, what their axis says."""

from playwright.sync_api import Page

CHART = "[data-testid=stVegaLiteChart]"


def axis(page: Page) -> bytes:
    """A picture of the numbers on the x-axis of the curves, which stand between the last panel and the strip.

    Taken until two are alike: while the script runs, Streamlit may fade what it has drawn, or move it by a line.
    """
    pictures: list[bytes] = []
    while len(pictures) < 2 or (pictures[-1] != pictures[-2] and len(pictures) < 40):
        x, y, width = strip(page)
        pictures.append(page.screenshot(clip={"x": x, "y": y - 62, "width": width, "height": 20}))
        page.wait_for_timeout(150)
    return pictures[-1]


def strip(page: Page) -> tuple[float, float, float]:
    """Where the strip below the curves is: left, middle, width."""
    box = page.locator(CHART).first.locator("canvas.marks").bounding_box()
    assert box is not None
    return box["x"] + 70, box["y"] + box["height"] - 31, box["width"] - 80


def zoom_in(page: Page) -> None:
    """Drag across a third of the strip, as people zoom in."""
    left, middle, width = strip(page)
    page.mouse.move(left + 0.3 * width, middle)
    page.mouse.down()
    page.mouse.move(left + 0.6 * width, middle, steps=6)
    page.mouse.up()
    page.mouse.move(left, middle - 400)
    page.wait_for_timeout(700)

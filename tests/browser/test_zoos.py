"""The Zoos page in the browser, with real processes: a zoo file is taken in and used, a build is stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.zoo.archive import pack
from core.zoo.zoo import open_zoo
from tests.browser.app import settle, sound
from tests.cli.test_zoos import write_part

Visit = Callable[..., Page]
END = 240_000  # milliseconds: a process that loads torch on a busy machine


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole zoo as one file."""
    folder = tmp_path_factory.mktemp("zoos")
    pack(open_zoo(write_part(open_zoo(), folder / "part")), folder / "part.zip")
    return folder / "part.zip"


@pytest.mark.timeout(500)
def test_a_zoo_file_is_taken_in_and_then_used_on_every_page(visit: Visit, packed: Path) -> None:
    page = visit("zoos?do=import")
    page.locator("input[type=file]").set_input_files(packed)
    settle(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("part is imported.")).to_be_visible(timeout=END)
    settle(page)  # the whole page follows what its part has seen
    page.get_by_role("button", name="Use it").click()
    page.wait_for_url("**zoo=part**")
    settle(page)
    expect(page.get_by_text("part holds 4 pruned models")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download it as one file").click()
    assert Path(waiting.value.path()).read_bytes() == packed.read_bytes()
    sound(page)
    page.get_by_role("link", name="Open its map").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Task map")
    settle(page)
    expect(page.get_by_text("Zoo part, on the backbone")).to_be_visible()
    assert "zoo=part" in page.url
    page.get_by_role("link", name="Votes", exact=True).click()  # the way between pages that knows nothing of links
    expect(page.get_by_role("heading", level=1)).to_have_text("Votes")
    page.wait_for_url("**zoo=part**")
    settle(page)
    sound(page)


@pytest.mark.timeout(500)
def test_a_build_is_begun_stopped_and_removed(visit: Visit) -> None:
    page = visit("zoos?drawn=3&each=2&held=1&steps=5000")
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.get_by_text("Building emoji-3x2").first).to_be_visible()
    expect(page.get_by_text("Loading the backbone and the images")).to_be_visible(timeout=END)
    settle(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("was cancelled.")).to_be_visible()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("was cancelled.")).to_have_count(0)
    sound(page)

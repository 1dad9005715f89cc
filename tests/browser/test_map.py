"""The Task map in the browser: a click and a swap that the votes follow, and the dialog that composes a new target."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.app import settle, sound
from tests.tasks.test_upload import folders, zipped

Visit = Callable[..., Page]


def test_a_zoo_task_is_clicked_swapped_in_and_votes(visit: Visit) -> None:
    page = visit("map")
    marks = page.locator(".scatterlayer .trace.scatter").filter(has=page.locator(".point")).nth(0).locator(".point")
    expect(marks.nth(0)).to_be_visible()
    box = marks.nth(0).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**detail=**")
    settle(page)
    id = page.url.split("detail=")[1].split("&")[0]
    expect(page.get_by_text("and does not vote")).to_be_visible()
    swap = page.get_by_role("button", name="Swap it in for")
    swap.focus()
    page.keyboard.press("Enter")  # the whole swap works without a mouse: the list of zoo tasks is one too
    page.wait_for_url("**chosen=**")
    settle(page)
    assert id in page.url.split("chosen=")[1].split("&")[0]
    page.get_by_role("link", name="Look at votes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votes")
    expect(page.get_by_text("5 neighbours, chosen by hand,")).to_be_visible()
    sound(page)


def test_the_dialog_of_a_new_target_says_what_is_wrong_and_takes_a_zip_in(visit: Visit) -> None:
    page = visit("map")
    page.get_by_role("button", name="New target").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("0 of 2 to 20 classes chosen")).to_be_visible()
    dialog.get_by_role("button", name="Rank the zoo for it").click()
    expect(dialog.get_by_text("No class is chosen: choose 2 to 20.")).to_be_visible()
    chooser = dialog.locator("input[type=file]")
    chooser.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": b"no zip at all"})
    expect(dialog.get_by_text("pets.zip is not a whole zip file")).to_be_visible()
    pets = folders("cat", "dog", "emu")
    content = zipped({**pets, "emu/same.png": pets["cat/0.png"], "emu/0.heic": b"x", "notes.txt": b"x"})
    chooser.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": content})
    expect(dialog.get_by_role("combobox", name="Data set")).to_have_value("pets (uploaded)")
    expect(dialog.get_by_text("of each class for test")).to_be_visible()
    expect(dialog.get_by_text("1 unsupported format (emu/0.heic)")).to_be_visible()
    expect(dialog.get_by_text("1 image is in more than one class, such as cat/0.png = emu/same.png")).to_be_visible()
    for name in ("cat", "emu"):
        dialog.get_by_role("button", name=name, exact=True).click()
    expect(dialog.get_by_text("2 of 2 to 20 classes chosen")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)

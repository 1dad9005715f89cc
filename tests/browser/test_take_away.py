"""Taking a finished run away from its page, with real processes: files are made and downloaded, latency measured."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.channels.files import load_pruned, save_pruned
from core.runs.store import Store
from tests.browser.app import Server, settle, sound
from tests.dashboard.runs import finished_run
from tests.reports.test_export import slim_model

Visit = Callable[..., Page]
END = 240_000  # milliseconds: a process that loads torch on a busy machine


@pytest.fixture(scope="module")
def run_id(server: Server) -> str:
    """A finished run with its model."""
    store = Store(folder=server.log.parent)
    run_id = finished_run(store, task="emoji-t00")
    save_pruned(slim_model("resnet18"), store.model_path(run_id))
    store.close()
    return run_id


@pytest.mark.timeout(600)
def test_files_are_made_downloaded_and_latency_is_measured(visit: Visit, server: Server, run_id: str) -> None:
    page = visit(f"run?run={run_id}")
    page.get_by_role("button", name="Prepare files").click()
    expect(page.get_by_text("Writing and checking:")).to_be_visible()
    for title in ("safetensors", "torch.export", "Model card"):
        expect(page.get_by_role("button", name=title, exact=True)).to_be_visible(timeout=END)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="safetensors", exact=True).click()
    assert waiting.value.suggested_filename == f"{run_id}.safetensors"
    mine = Store(folder=server.log.parent).model_path(run_id)
    assert Path(waiting.value.path()).read_bytes() == mine.read_bytes() and load_pruned(mine).size == 32
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Model card", exact=True).click()
    assert f'torch.export.load("{run_id}.pt2")' in Path(waiting.value.path()).read_text()
    sound(page)

    page.get_by_role("button", name="Measure latency").click()
    expect(page.get_by_text("Measuring:")).to_be_visible()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible(timeout=END)
    settle(page)
    expect(page.get_by_text("Measured speed-up: up to").first).to_be_visible()
    rows = page.get_by_role("table").filter(has_text="Measured speed-up").get_by_role("row")
    assert [text.split()[0] for text in rows.all_inner_texts()[1:]] == ["1", "8", "32"]
    sound(page)
    page.reload()
    settle(page)
    expect(page.get_by_role("button", name="Measure again")).to_be_enabled()
    expect(page.get_by_role("button", name="torch.export", exact=True)).to_be_visible()
    sound(page)

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.app import Server, launched, opened, serving, stop_workers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard on a user folder of this module's own; its worker is stopped at the end."""
    home = tmp_path_factory.mktemp("home")
    with serving(home) as server:
        yield server
    stop_workers(home)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open an address of the dashboard in a browser session of its own."""
    pages = []

    def visit(address: str = "", scheme: str = "light", width: int = 1280, height: int = 900) -> Page:
        pages.append(opened(browser, f"{server.url}/{address}", scheme, width, height))
        return pages[-1]

    yield visit
    for page in pages:
        page.context.close()

"""Every page, in both themes, against axe-core's rules: nothing serious, nothing critical."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.app import PAGES

WORST = ("serious", "critical")


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical, one line an element."""
    serious = [one for one in Axe().run(page).response["violations"] if one["impact"] in WORST]
    return [
        f"{one['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for one in serious
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", [*PAGES, "run?replay=sample&speed=8"])
def test_page_has_no_serious_accessibility_finding(visit: Callable[..., Page], address: str, scheme: str) -> None:
    page = visit(address, scheme)
    page.wait_for_timeout(1000)  # charts draw after the script has run
    assert findings(page) == []

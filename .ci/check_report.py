"""Fail where pytest's report (JUnit XML, the only argument) says less was tested than should have been.

A skipped test is a promise not kept, unless its reason starts with one of `ALLOWED_SKIPS`; browser tests must have run.
"""

import sys
from collections.abc import Iterator
from xml.etree import ElementTree

ALLOWED_SKIPS = ("no CUDA device",)
BROWSER_TESTS = "tests.browser"


def complaints(report: ElementTree.Element) -> Iterator[str]:
    """One sentence for each thing that was not tested."""
    executed = 0
    for case in report.iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        skipped = case.find("skipped")
        if skipped is None:
            executed += name.startswith(BROWSER_TESTS)
            continue
        reason = skipped.get("message", "")
        if name.startswith(BROWSER_TESTS) or not reason.startswith(ALLOWED_SKIPS):
            yield f"{name} did not run: {reason}"
    if not executed:
        yield "no browser test ran: is Chromium there, and are they collected?"


if __name__ == "__main__":
    found = list(complaints(ElementTree.parse(sys.argv[1]).getroot()))
    print(*(found or ["Every test ran, in the browser too."]), sep="\n")
    sys.exit(bool(found))

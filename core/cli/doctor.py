"""`doctor`: whether everything is here, and what to do where it is not."""

import argparse
from typing import TYPE_CHECKING

from core.cli.answer import Answer, say
from core.cli.parser import Verbs

if TYPE_CHECKING:
    from rich.console import Console

    from core.cli.checks import Check


def add(verbs: Verbs) -> None:
    """Add the verb."""
    line = "Check that everything needed is here, and say what to do where it is not."
    verbs.add("doctor", doctor, line, "doctor\ndoctor --json")


def doctor(args: argparse.Namespace) -> Answer:
    """{"ready", "checks": [...], "versions": {...}}; exit 1 where the main job cannot run."""
    from core.cli import checks as looks

    found = list(looks.all_checks())
    ready = looks.ready(found)
    document = {"ready": ready, "checks": [one.to_dict() for one in found], "versions": looks.versions()}

    def show(out: "Console") -> None:
        _show(out, found)
        say(out, "Ready to prune." if ready else "Not ready: mend what is marked above, then run doctor again.")

    return Answer(document, show, code=0 if ready else 1)


def _show(out: "Console", found: "list[Check]") -> None:
    width = max(len(one.name) for one in found)
    for one in found:
        mark = "ok" if one.state == "ok" else one.state if one.needed else f"{one.state} (optional)"
        say(out, f"{one.name:<{width}}  {mark}: {one.found}")
        if one.remedy:
            say(out, f"{'':<{width}}  -> {one.remedy}")

"""Fixtures that every part's tests share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.tasks import allowed

MAIN = sys.modules["__main__"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder (`METAVOTE_HOME`) of this test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("METAVOTE_HOME", str(folder))
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before fixtures of any scope: a page of an earlier test may have restricted this process when that had ended."""
    os.environ.pop(allowed.RESTRICTED, None)


@pytest.fixture(autouse=True)
def unrestricted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as the command line does, whatever pages and workers ran in this process before."""
    monkeypatch.setenv(allowed.RESTRICTED, "")
    # Streamlit puts the app in its place, and a spawned process would run all of that first
    monkeypatch.setitem(sys.modules, "__main__", MAIN)
    monkeypatch.delenv(allowed.FOLDERS, raising=False)


@dataclass
class Sleepers:
    """Called in place of what starts a worker: starts a process that does nothing for a minute.

    asked: what it was called with, time by time. What a worker would be given as its log says "a word".
    """

    asked: list[tuple[object, ...]] = field(default_factory=list)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, *arguments: object, log: Path | None = None, **settings: object) -> subprocess.Popen[bytes]:
        self.asked.append(arguments)
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("a word")
        self.started.append(subprocess.Popen(["sleep", "60"]))
        return self.started[-1]


@pytest.fixture
def sleepers() -> Iterator[Sleepers]:
    """Sleeping processes for workers; none is left."""
    made = Sleepers()
    yield made
    for child in made.started:
        child.kill()
        child.wait()

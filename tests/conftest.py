"""Fixtures that every part's tests share."""

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder (`METAVOTE_HOME`) of this test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("METAVOTE_HOME", str(folder))
    return folder

import subprocess
from pathlib import Path

import pytest
import streamlit as st

from core.runs import previews, queue
from core.runs.store import Store
from core.zoo.zoo import DEFAULT, Zoo, open_zoo
from tests.dashboard.paper_zoo import write_paper_zoo


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_paper_zoo(tmp_path_factory.mktemp("zoos") / DEFAULT)


@pytest.fixture
def zoo(zoo_folder: Path) -> Zoo:
    return open_zoo(zoo_folder)


def _no_process() -> "subprocess.Popen[bytes]":
    """Stands for the process that tries networks before training: one that ends at once, without a word."""
    return subprocess.Popen(["true"])


@pytest.fixture
def paper_home(home: Path, zoo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user folder whose zoo is the paper zoo, and no cached read of another one."""
    (home / "zoos").mkdir(parents=True)
    (home / "zoos" / DEFAULT).symlink_to(zoo_folder)
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    monkeypatch.setattr(previews, "_spawn", _no_process)
    st.cache_data.clear()
    st.cache_resource.clear()
    return home


@pytest.fixture
def store(paper_home: Path) -> Store:
    return Store()


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda store=None: 0)

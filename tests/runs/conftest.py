from collections.abc import Iterator
from pathlib import Path

import pytest

from core.pruning.config import RunConfig
from core.runs.processes import Worker, this_worker
from core.runs.store import Store


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of this test's own."""
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    store = Store()
    yield store
    store.close()


@pytest.fixture
def config() -> RunConfig:
    return RunConfig("emoji-t03", iterations=24, threads=1)


@pytest.fixture
def me() -> Worker:
    return this_worker()


@pytest.fixture
def dead() -> Worker:
    """A worker of this machine that lived at another time under this process's number."""
    me = this_worker()
    return Worker(me.machine, me.pid, me.process_started - 3600)

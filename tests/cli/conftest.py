import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Evaluation, Finished, Pruned
from core.runs.processes import this_worker
from core.runs.store import Store


@dataclass(frozen=True)
class Said:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything beside it breaks this."""
        return json.loads(self.out)

    def refused(self, code: int, *words: str) -> None:
        """One sentence on stderr with these words, nothing on stdout, this exit code."""
        assert self.code == code, self
        assert self.out == ""
        assert len(self.err.strip().splitlines()) == 1, self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, self.err


Run = Callable[..., Said]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for a busy machine's cores make small networks slower, not faster."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, on an empty user folder: run("tasks", "--json")."""
    monkeypatch.delenv("METAVOTE_STORE", raising=False)

    def call(*arguments: str) -> Said:
        code = main(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def store(run: Run) -> Iterator[Store]:
    """The store that the commands use."""
    store = Store()
    yield store
    store.close()


def add_finished(
    store: Store,
    config: RunConfig,
    accuracy: float,
    curve: Sequence[float] = (),
    tags: Sequence[str] = (),
    cpu_seconds: float = 18.0,
    **more: Any,
) -> str:
    """A run written into the store as its worker would have written it."""
    run_id = store.create(config, tags=tags)
    store.claim(this_worker(), run_id)
    sizes = {"stem": 64, "layer1": 64}
    kept = {name: round(config.keep * size) for name, size in sizes.items()}
    store.append(run_id, Pruned(0, kept, sizes, 1 - config.keep, 450_000, 2_000_000, 0.5))
    for number, value in enumerate(curve, 1):
        store.append(run_id, Evaluation(10 * number, value, 1 - value, float(number)))
    cost = {"seconds": 9.5, "cpu_seconds": cpu_seconds, "iterations": config.iterations, "macs": 10**9}
    achieved = {"channel_sparsity": 1 - config.keep, "params": 450_000, "macs": 2_000_000}
    requested = {"keep": config.keep, "iterations": config.iterations}
    dense = {"params": 11_000_000, "macs": 37_000_000}
    finished = Finished(config.iterations, accuracy, cost, requested, achieved, dense, 9.5, **{"engine": ENGINE} | more)
    store.append(run_id, finished)
    store.finish(run_id, {name: value for name, value in finished.to_dict().items() if name != "kind"})
    return run_id

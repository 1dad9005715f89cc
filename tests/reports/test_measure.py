"""Latency: both networks in turns, kept with the run, shown where runs are compared; never while a run trains."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.reports import measure as measuring
from core.reports.measure import measure, measured, timed, timing
from core.reports.records import rows, run_document
from core.runs.latency import Latency, Timing
from core.runs.processes import this_worker
from core.runs.store import Store
from tests.reports.test_export import CONFIG, finished, slim_model
from tests.runs.test_latency import FOUND


@pytest.fixture
def store(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'runs.db'}")


class Slow(nn.Module):
    """Takes so many seconds, every other time `jump` more."""

    def __init__(self, seconds: float, jump: float = 0.0) -> None:
        super().__init__()
        self.seconds, self.jump, self.calls = seconds, jump, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        time.sleep(self.seconds + (self.calls % 2) * self.jump)
        return images


def test_the_faster_network_is_found_faster_by_about_as_much_as_it_is() -> None:
    found = timed(Slow(0.012), Slow(0.004), torch.zeros(8, 3, 4, 4), seconds=0.01)
    assert found.batch == 8 and found.rounds == measuring.FEWEST
    assert found.dense.low <= found.dense.median <= found.dense.high
    assert 1.5 < found.speed_up < 4 and found.dense.median > found.slim.median


def test_both_networks_take_the_same_number_of_turns_and_warm_up_uncounted() -> None:
    dense, slim = Slow(0), Slow(0)
    found = timed(dense, slim, torch.zeros(1, 3, 4, 4), seconds=0)
    assert dense.calls == slim.calls == found.rounds + measuring.WARM_UP


def test_the_median_and_the_quartiles_are_those_of_the_passes() -> None:
    assert timing([5.0, 1.0, 2.0, 4.0, 3.0]) == Timing(3.0, 2.0, 4.0)


def test_a_model_is_measured_beside_its_unpruned_architecture_and_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    heard: list[int] = []
    found = measure(slim_model("resnet18"), threads=1, batches=(1, 2), seconds=0, doing=heard.append)
    assert heard == [0, 1] and [one.batch for one in found.batches] == [1, 2]
    assert found.threads == 1 and torch.get_num_threads() == before
    assert found.macs_ratio > 10 and found.image == 32
    assert all(one.rounds == measuring.FEWEST and one.slim.median > 0 for one in found.batches)


def test_it_is_kept_with_the_run_and_stands_in_its_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "measure", lambda model, threads, batches, doing: FOUND)
    run_id, other = finished(store, slim_model("resnet18")), store.create(CONFIG)
    mark = store.mark()
    assert measured(store, [run_id, run_id]) == {run_id: FOUND}
    assert store.mark() != mark  # so that pages read it anew
    (first, second), _ = rows(store, [store.get(run_id), store.get(other)])
    assert (first.latency, first.dense_latency, first.measured_on) == (0.001, 0.004, "desk, 1 thread")
    assert second.latency is None and second.measured_on is None
    assert run_document(store, run_id)["latency"]["macs_ratio"] == 20
    assert run_document(store, other)["latency"] is None
    store.delete(run_id)
    assert store.latencies() == {}


def test_nothing_is_measured_while_a_run_trains(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = finished(store, slim_model("resnet18"))
    busy = store.create(RunConfig("emoji-t01"))

    def begins_meanwhile(model: object, threads: int, batches: object, doing: object) -> Latency:
        store.claim(this_worker(), busy)
        return FOUND

    monkeypatch.setattr(measuring, "measure", begins_meanwhile)
    for _ in range(2):  # it begins during the first, and goes on before the second
        with pytest.raises(BadValueError, match=f"Run {busy} trains on this machine"):
            measured(store, [run_id])
    assert store.latencies() == {}


def test_a_run_that_is_deleted_meanwhile_is_passed_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (finished(store, slim_model("resnet18")) for _ in range(3))
    begun: list[str] = []

    def deletes(model: object, threads: int, batches: object, doing: Callable[[int], None]) -> Latency:
        doing(0)
        begun.append("one")
        if len(begun) == 1:
            store.delete(first)
            store.delete(second)
        return FOUND

    monkeypatch.setattr(measuring, "measure", deletes)
    assert set(measured(store, [first, second, third])) == set(store.latencies()) == {third}
    assert len(begun) == 2  # of the second not even one batch size

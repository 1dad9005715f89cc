"""Measuring latency: a run's slim network and the unpruned one take turns on this machine.

As both take turns, a busy moment falls on both: the ratio holds where the machine drifts. Timed is one forward pass in
eval mode and inference mode, float32, channels-last, at the size of the task's images.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from core.channels.files import PrunedModel, load_pruned
from core.channels.groups import parameters_and_macs
from core.channels.rebuild import dense_like, rebuild
from core.errors import UnknownNameError
from core.reports.away import check_quiet, finished_model
from core.runs.latency import BATCHES, THREADS, Batch, Latency, Timing
from core.runs.store import Store

Network: TypeAlias = Callable[[Tensor], object]
WARM_UP, FEWEST, MOST = 3, 12, 300  # passes before, and rounds of, a measurement
SECONDS = 3.0  # to spend on one batch size, once the fewest rounds are there


class _DeletedError(Exception):
    """A run that was to be measured is no longer in the store."""


def measured(
    store: Store,
    run_ids: Sequence[str],
    threads: int = THREADS,
    batches: Sequence[int] = BATCHES,
    told: Callable[[int, int, str], None] = lambda done, total, note: None,
) -> dict[str, Latency]:
    """Measure the latency of runs, one after the other, and keep it with each. `told`: (done, total, what is next).

    A run that is deleted meanwhile is passed over.
    Raises BadValueError where a run trains on this machine, before or meanwhile; else as `finished_model`.
    """
    ids = list(dict.fromkeys(run_ids))
    models = {run_id: load_pruned(finished_model(store, run_id)) for run_id in ids}
    found: dict[str, Latency] = {}
    total = len(ids) * len(batches)
    for number, (run_id, model) in enumerate(models.items()):
        check_quiet(store)

        def doing(position: int, number: int = number, run_id: str = run_id) -> None:
            _check_there(store, run_id)
            told(number * len(batches) + position, total, f"{run_id}, batch {batches[position]}")

        with suppress(_DeletedError):
            latency = measure(model, threads, batches, doing=doing)
            check_quiet(store)
            _check_there(store, run_id)
            store.set_latency(run_id, latency.to_dict())
            found[run_id] = latency
    told(total, total, "")
    return found


def _check_there(store: Store, run_id: str) -> None:
    try:
        store.get(run_id)
    except UnknownNameError as error:
        raise _DeletedError from error


def measure(
    model: PrunedModel,
    threads: int = THREADS,
    batches: Sequence[int] = BATCHES,
    seconds: float = SECONDS,
    doing: Callable[[int], None] = lambda _: None,
) -> Latency:
    """The latency of a pruned model and of its architecture unpruned, with as many classes; weights do not matter.

    doing: hears the number of the batch size that is next.
    """
    load, before = os.getloadavg()[0], torch.get_num_threads()
    dense, slim = ready(dense_like(model)), ready(rebuild(model))
    macs = [parameters_and_macs(network, model.size)[1] for network in (dense, slim)]
    found = []
    try:
        torch.set_num_threads(threads)
        for number, batch in enumerate(batches):
            doing(number)
            images = torch.randn(batch, 3, model.size, model.size, generator=torch.Generator().manual_seed(0))
            found.append(timed(dense, slim, images, seconds))
        used = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    return Latency(
        machine=platform.node(),
        processor=processor(),
        torch=torch.__version__,
        threads=used,
        image=model.size,
        layout="channels-last",
        dense_macs=macs[0],
        slim_macs=macs[1],
        load=load,
        measured=time.time(),
        batches=tuple(found),
    )


def ready(network: nn.Module) -> nn.Module:
    """The network as it is timed: eval mode, channels-last."""
    return network.eval().to(memory_format=torch.channels_last)


def timed(dense: Network, slim: Network, images: Tensor, seconds: float = SECONDS, fewest: int = FEWEST) -> Batch:
    """Passes of both networks in turns, each first every other time, until the time is spent, at least the fewest."""
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(WARM_UP):
            dense(images), slim(images)
        rounds = list(_rounds(lambda: dense(images), lambda: slim(images), seconds, fewest))
    of_dense, of_slim = (timing([one[which] for one in rounds]) for which in (0, 1))
    ratio = statistics.median(dense_s / slim_s for dense_s, slim_s in rounds)
    return Batch(len(images), len(rounds), of_dense, of_slim, ratio)


def _rounds(
    dense: Callable[[], object], slim: Callable[[], object], seconds: float, fewest: int
) -> Iterator[tuple[float, float]]:
    """(seconds of dense, seconds of slim), round by round."""
    began, number = time.perf_counter(), 0
    while number < fewest or (number < MOST and time.perf_counter() - began < seconds):
        if number % 2:
            late = _once(slim)
            yield _once(dense), late
        else:
            yield _once(dense), _once(slim)
        number += 1


def _once(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def timing(seconds: Sequence[float]) -> Timing:
    """Median and quartiles of at least two passes."""
    low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(middle, low, high)


def processor() -> str:
    """What the processor calls itself, where the system says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

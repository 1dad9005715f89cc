"""Runs as a store has them, without training: for pages that read many."""

from typing import Any

from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Evaluation, Finished, Pruned
from core.runs.processes import this_worker
from core.runs.store import Store

SIZES = {"conv1": 10, "layer1.0.conv1": 20}
DENSE = {"params": 1_000_000, "macs": 9_000_000}


def finished_run(
    store: Store,
    accuracy: float = 0.7,
    kept: int = 2,
    tags: tuple[str, ...] = (),
    more: dict[str, Any] | None = None,
    **settings: object,
) -> str:
    """A finished run with a curve of three points that ends just above its test accuracy; `more`: what its end adds."""
    config = RunConfig(**({"task": "emoji-t01", "iterations": 4} | settings))  # type: ignore[arg-type]
    run = store.create(config, tags=tags)
    store.claim(this_worker(), run)
    slim = {"params": 40_000, "macs": 500_000} if config.method != "dense" else DENSE
    if config.method != "dense":
        counts = {group: kept * size // 10 for group, size in SIZES.items()}
        store.append(run, Pruned(0, counts, SIZES, 1 - kept / 10, slim["params"], slim["macs"], 0.2))
    for iteration in (0, 2, 4):
        store.append(run, Evaluation(iteration, accuracy - 0.1 + 0.03 * iteration, 1.0, 0.5 + iteration))
    total = 10**9 + 3 * config.batch * config.iterations * slim["macs"]
    cost = {"seconds": 5.0, "cpu_seconds": 4.0, "iterations": config.iterations, "macs": total}
    achieved = {"channel_sparsity": 1 - kept / 10, **slim}
    last = Finished(
        config.iterations,
        accuracy,
        cost,
        {"keep": config.keep},
        achieved,
        DENSE,
        5.0,
        **{"engine": ENGINE} | (more or {}),
    )
    store.append(run, last)
    store.finish(run, last.to_dict())
    return run

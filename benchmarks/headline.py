"""The headline comparison: `mvp` beside what a user would do instead, and beside controls able to refute the vote.

    python -m benchmarks.headline [--iterations 20 60] [--seeds 0 1 2] [--workers 2] [--targets ...]

Every run is stored (tag `headline`) and done once: a stopped benchmark goes on where it was. Then
`python -m core compare --tag headline` shows the table. Each finished run looks at its target's test split once.
"""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from rich.progress import track

from core.pruning.config import RunConfig
from core.runs.record import FINISHED
from core.runs.store import Store
from core.tasks.catalogue import tasks

TAG = "headline"
VARIANTS: dict[str, dict[str, Any]] = {
    "mvp": {},
    "nearest alone": {"k": 1},
    "random neighbours": {"neighbours": "random"},
    "farthest neighbours": {"neighbours": "farthest"},
    "whole zoo": {"neighbours": "all", "k": None},
    "same mask, pretrained weights": {"weights": "pretrained"},
    "taylor-oneshot": {"method": "taylor-oneshot"},
    "magnitude": {"method": "magnitude"},
    "bn-scale": {"method": "bn-scale"},
    "random": {"method": "random"},
}
LONG = {"dense": {"method": "dense", "iterations": 60}, "taylor, full length": {"method": "taylor", "iterations": 240}}


def grid(targets: Sequence[str], iterations: Sequence[int], seeds: Sequence[int], long: bool) -> list[RunConfig]:
    """Every run of the comparison, cheap ones first."""
    short = [
        RunConfig(target, iterations=count, seed=seed, threads=1, **variant)
        for count in iterations
        for seed in seeds
        for variant in VARIANTS.values()
        for target in targets
    ]
    full = [
        RunConfig(target, seed=seed, threads=1, **variant)
        for seed in seeds
        for variant in LONG.values()
        for target in targets
    ]
    return short + (full if long else [])


def done(run_id: str) -> str:
    """Work on one stored run in this process; returns its status."""
    from core.runs.worker import work

    store = Store()
    work(store, only=run_id, linger=0)
    return store.get(run_id).status


def main() -> None:
    """Create what is missing, work on it, say what failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", default=[task.id for task in tasks("targets")])
    parser.add_argument("--iterations", nargs="+", type=int, default=[20, 60])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-long", action="store_true", help="leave out the dense and the full-length runs")
    given = parser.parse_args()
    store = Store()
    stored = {record.config: record for record in store.list(tag=TAG, limit=None)}
    wanted = grid(given.targets, given.iterations, given.seeds, not given.no_long)
    missing = []
    for config in wanted:
        record = stored.get(config)
        if record is None:
            missing.append(store.create(config, tags=[TAG]))
        elif record.status != FINISHED:
            store.requeue(record.id)
            missing.append(record.id)
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} already finished")
    os.environ["OMP_NUM_THREADS"] = "1"  # one thread a process, so that processes do not get in each other's way
    with ProcessPoolExecutor(given.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(track(pool.map(done, missing), total=len(missing), description="runs"))
    failed = [run for run, status in zip(missing, found, strict=True) if status != FINISHED]
    print(f"not finished: {', '.join(failed)}" if failed else "all finished")


if __name__ == "__main__":
    main()

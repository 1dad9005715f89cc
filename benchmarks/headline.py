"""The headline comparison: `mvp` beside what a user would do instead, and beside controls able to refute the vote.

    python -m benchmarks.headline [--iterations 20 60] [--seeds 0 1 2] [--control-seeds 0] [--workers 2]

Every run is stored (tag `headline`) and done once: a stopped benchmark goes on where it was. Then
`python -m core compare --tag headline` shows the table. Each finished run looks at its target's test split once.
"""

import argparse
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from rich.progress import track

from core.pruning.config import RunConfig
from core.runs.record import FINISHED
from core.runs.store import Store
from core.tasks.catalogue import tasks

TAG = "headline"
METHODS: dict[str, dict[str, Any]] = {
    "mvp": {},
    "taylor-oneshot": {"method": "taylor-oneshot"},
    "magnitude": {"method": "magnitude"},
    "random": {"method": "random"},
}
CONTROLS: dict[str, dict[str, Any]] = {
    "nearest alone": {"k": 1},
    "random neighbours": {"neighbours": "random"},
    "farthest neighbours": {"neighbours": "farthest"},
    "whole zoo": {"neighbours": "all", "k": None},
    "same mask, pretrained weights": {"weights": "pretrained"},
    "bn-scale": {"method": "bn-scale"},
}
LONG: dict[str, dict[str, Any]] = {
    "dense": {"method": "dense", "iterations": 60},
    "taylor, full length": {"method": "taylor", "iterations": 240},
}


def grid(
    targets: Sequence[str], iterations: Sequence[int], seeds: Sequence[int], variants: Mapping[str, dict[str, Any]]
) -> list[RunConfig]:
    """Every run of some variants; one that names its own iterations is run with those alone."""
    return [
        RunConfig(target, seed=seed, threads=1, **({"iterations": count} | settings))
        for count in iterations
        for seed in seeds
        for settings in variants.values()
        for target in targets
        if "iterations" not in settings or count == iterations[0]
    ]


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
    parser.add_argument("--control-seeds", nargs="*", type=int, default=[0, 1, 2], help="of the controls")
    parser.add_argument("--long-seeds", nargs="*", type=int, default=[0], help="of the dense and the full-length runs")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    store = Store()
    stored = {record.config: record for record in store.list(tag=TAG, limit=None)}
    parts = ((METHODS, given.seeds), (CONTROLS, given.control_seeds), (LONG, given.long_seeds))
    wanted = [config for variants, seeds in parts for config in grid(given.targets, given.iterations, seeds, variants)]
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

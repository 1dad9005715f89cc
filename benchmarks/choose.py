"""How defaults were chosen: variants of `mvp` on zoo tasks, each left out of its own neighbours, on validation data.

    python -m benchmarks.choose [--tasks 12] [--iterations 20 60] [--seeds 0] [--only NAME ...]

No target task is looked at, and of no task the test split counts.
"""

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation
from core.zoo.zoo import open_zoo

RATE = 0.01  # of all variants that do not name another
VARIANTS: dict[str, dict[str, Any]] = {
    "K=1": {"k": 1},
    "K=3": {"k": 3},
    "K=5": {"k": 5},
    "K=9": {"k": 9},
    "K=5, similarity": {"k": 5, "weighting": "similarity"},
    "K=5, score": {"k": 5, "weighting": "score"},
    "K=5, dynamic": {"k": 5, "dynamic": True},
    "K=5, pretrained weights": {"k": 5, "weights": "pretrained"},
    "K=5, LogME": {"k": 5, "similarity": "logme"},
    "K=5, prototypes": {"k": 5, "similarity": "prototypes"},
    "K=5 random": {"k": 5, "neighbours": "random"},
    "magnitude": {"method": "magnitude"},
    "taylor-oneshot": {"method": "taylor-oneshot"},
    "random": {"method": "random"},
}
BASES = ("K=5", "K=5, dynamic", "magnitude", "taylor-oneshot", "random")
VARIANTS |= {
    f"{name}, rate {rate}": VARIANTS[name] | {"learning_rate": rate} for name in BASES for rate in (0.005, 0.02, 0.04)
}


def curve(config: RunConfig) -> list[tuple[int, float]]:
    """(iteration, validation accuracy) of one run."""
    from core.runs.execute import events_of

    return [(event.iteration, event.accuracy) for event in events_of(config) if isinstance(event, Evaluation)]


def main() -> None:
    """Run the grid and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--iterations", nargs="+", type=int, default=[20, 60])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write every curve as JSON")
    given = parser.parse_args()
    tasks = open_zoo().tasks
    chosen = tasks[:: max(1, len(tasks) // given.tasks)][: given.tasks]
    runs = [
        (
            name,
            count,
            RunConfig(task.id, iterations=count, seed=seed, threads=1, **{"learning_rate": RATE, **VARIANTS[name]}),
        )
        for count in given.iterations
        for name in given.only
        for seed in given.seeds
        for task in chosen
    ]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(given.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        curves = list(track(pool.map(curve, [config for *_, config in runs]), total=len(runs), description="runs"))
    found: dict[tuple[str, int], list[list[tuple[int, float]]]] = {}
    for (name, count, _), points in zip(runs, curves, strict=True):
        found.setdefault((name, count), []).append(points)
    table = Table("variant", "iterations", "n", "untrained", "at the end", "standard error")
    for (name, count), several in found.items():
        first, last = [points[0][1] for points in several], [points[-1][1] for points in several]
        error = stdev(last) / len(last) ** 0.5 if len(last) > 1 else float("nan")
        table.add_row(name, str(count), str(len(last)), f"{mean(first):.3f}", f"{mean(last):.3f}", f"{error:.3f}")
    Console(width=120).print(table)
    if given.out:
        rows = [{"variant": n, "config": c.to_dict(), "curve": p} for (n, _, c), p in zip(runs, curves, strict=True)]
        given.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

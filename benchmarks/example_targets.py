"""The main job on every example target: test accuracy by method, and how far the last evaluation moves.

    python -m benchmarks.example_targets [--iterations 60] [--workers 2]

The learning rate is 0 at the end of a run, so its last evaluation should repeat the one before. The jump between them
says how well the statistics that BatchNorm ends with fit the network. Runs are stored in METAVOTE_HOME and done once.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from statistics import mean, median

from rich.console import Console
from rich.table import Table

from benchmarks.runner import finished_runs, run_all
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation
from core.runs.store import Store
from core.tasks.catalogue import tasks

METHODS = ("mvp", "magnitude", "random", "taylor-oneshot")
TAG = "example-targets"


def configs(iterations: int, seed: int = 0) -> list[RunConfig]:
    """One run per example target and method, each on one thread."""
    return [
        RunConfig(task.id, method, iterations=iterations, seed=seed, threads=1)
        for method in METHODS
        for task in tasks("targets")
    ]


def last_jump(curve: list[Evaluation]) -> tuple[float, float]:
    """(validation loss, accuracy) of the last evaluation minus those of the one before."""
    before, last = curve[-2:]
    return last.loss - before.loss, last.accuracy - before.accuracy


def report(wanted: Iterable[RunConfig]) -> Table:
    """A row per method: mean test accuracy, and the median and largest last-step jump of validation loss."""
    store = Store()
    finished = finished_runs(store, TAG)
    tests, jumps = defaultdict(list), defaultdict(list)
    for config in wanted:
        if config in finished:
            record = finished[config]
            curve = [event for _, event in store.events(record.id) if isinstance(event, Evaluation)]
            tests[config.method].append(float((record.result or {})["test_accuracy"]))
            jumps[config.method].append(last_jump(curve))
    table = Table(
        "method", "targets", "test accuracy", "last loss jump, median", "largest", "last accuracy jump, median"
    )
    for method, found in tests.items():
        losses, accuracies = zip(*jumps[method], strict=True)
        table.add_row(
            method, str(len(found)), f"{mean(found):.1%}",
            f"{median(losses):+.4f}", f"{max(losses, key=abs):+.4f}", f"{median(accuracies):+.1%}",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = configs(arguments.iterations)
    run_all(chosen, TAG, arguments.workers, "example targets")
    Console(width=120).print(report(chosen))

"""How defaults were chosen: variants on zoo tasks, each left out of its own neighbours, on validation data alone.

    python -m benchmarks.choose [--iterations 20 60] [--seeds 0] [--only NAME ...] [--stride 1]

No target task is looked at, nor any test split. Differences are paired, by task, to the first variant.
"""

import argparse
import importlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation
from core.tasks.task import Task
from core.workers import in_processes
from core.zoo.zoo import Zoo, open_zoo


@dataclass(frozen=True)
class Variant:
    """Settings of a run; constants of modules to change for it; whether only tasks that share no class may vote."""

    settings: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    apart: bool = False


# What keep ratio 0.2 of every channel group leaves of the shipped backbone with a head of 5 classes.
PARAMS, MACS = 0.0401, 0.0511
SCALE, AUGMENT = "core.pruning.readout.SCALE", "core.pruning.images.AUGMENT_FROM"
VARIANTS: dict[str, Variant] = {
    "as it is": Variant(),
    "head scale 10": Variant(constants={SCALE: 10.0}),
    "head scale 3": Variant(constants={SCALE: 3.0}),
    "augmented": Variant(constants={AUGMENT: 0.0}),
    "head scale 10, augmented": Variant(constants={SCALE: 10.0, AUGMENT: 0.0}),
    "rate 0.005": Variant({"learning_rate": 0.005}),
    "rate 0.02": Variant({"learning_rate": 0.02}),
    "K = 1": Variant({"k": 1}),
    "K = 3": Variant({"k": 3}),
    "K = 9": Variant({"k": 9}),
    "whole zoo": Variant({"neighbours": "all"}),
    "5 random": Variant({"neighbours": "random"}),
    "similarity": Variant({"weighting": "similarity"}),
    "score": Variant({"weighting": "score"}),
    "dynamic": Variant({"dynamic": True}),
    "LogME": Variant({"similarity": "logme"}),
    "prototypes": Variant({"similarity": "prototypes"}),
    "no class shared": Variant(apart=True),
    "no class shared, K = 1": Variant({"k": 1}, apart=True),
    "no class shared, K = 9": Variant({"k": 9}, apart=True),
    "same parameters": Variant({"keep": PARAMS, "of": "params"}),
    "global, same channels": Variant({"allocation": "global"}),
    "global, same parameters": Variant({"keep": PARAMS, "of": "params", "allocation": "global"}),
    "global, same MACs": Variant({"keep": MACS, "of": "macs", "allocation": "global"}),
    "magnitude": Variant({"method": "magnitude"}),
    "taylor-oneshot": Variant({"method": "taylor-oneshot"}),
    "random": Variant({"method": "random"}),
}


def config_of(variant: Variant, zoo: Zoo, task: Task, iterations: int, seed: int) -> RunConfig:
    """The run of a variant on a zoo task."""
    settings = dict(variant.settings)
    if variant.apart:
        ranked = zoo.neighbours(task, len(zoo.voters(task)), settings.get("similarity", "leep"))
        strangers = [near.task.id for near in ranked if not set(near.task.classes) & set(task.classes)]
        settings["chosen"] = tuple(strangers[: settings.pop("k", RunConfig.k)])
    return RunConfig(task.id, iterations=iterations, seed=seed, threads=1, **settings)


def curve(given: tuple[str, RunConfig]) -> list[tuple[int, float, float]]:
    """(iteration, validation accuracy, validation loss) of one run of a variant."""
    from core.runs.execute import events_of

    name, config = given
    before = {}
    for place, value in VARIANTS[name].constants.items():
        module, _, constant = place.rpartition(".")
        before[place] = getattr(importlib.import_module(module), constant)
        setattr(importlib.import_module(module), constant, value)
    try:
        return [(e.iteration, e.accuracy, e.loss) for e in events_of(config) if isinstance(e, Evaluation)]
    finally:
        for place, value in before.items():
            module, _, constant = place.rpartition(".")
            setattr(importlib.import_module(module), constant, value)


def main() -> None:
    """Run the grid and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stride", type=int, default=1, help="every so many zoo tasks")
    parser.add_argument("--iterations", nargs="+", type=int, default=[20, 60])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write every curve as JSON")
    given = parser.parse_args()
    zoo = open_zoo()
    runs = [
        (name, config_of(VARIANTS[name], zoo, task, count, seed))
        for count in given.iterations
        for name in given.only
        for seed in given.seeds
        for task in zoo.tasks[:: given.stride]
    ]
    found: dict[tuple[str, int], dict[tuple[str, int], list[tuple[int, float, float]]]] = defaultdict(dict)
    for (name, config), points in track(in_processes(curve, runs, given.workers), total=len(runs), description="runs"):
        found[name, config.iterations][config.task, config.seed] = points
    show(found, given.only, given.iterations)
    if given.out:
        rows = [
            {"variant": name, "iterations": count, "task": task, "seed": seed, "curve": points}
            for (name, count), curves in found.items()
            for (task, seed), points in curves.items()
        ]
        given.out.write_text(json.dumps(rows, indent=1) + "\n")


def show(
    found: dict[tuple[str, int], dict[tuple[str, int], list[tuple[int, float, float]]]],
    names: list[str],
    iterations: list[int],
) -> None:
    """One row a variant and number of iterations, with the paired difference to the first variant."""
    table = Table("variant", "iterations", "n", "untrained", "at the end", "minus the first", "loss at the end")
    for count in iterations:
        base = found[names[0], count]
        for name in names:
            curves = found[name, count]
            gaps = [curves[cell][-1][1] - base[cell][-1][1] for cell in curves]
            error = stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
            table.add_row(
                name, str(count), str(len(curves)), f"{fmean(points[0][1] for points in curves.values()):.3f}",
                f"{fmean(points[-1][1] for points in curves.values()):.3f}", f"{fmean(gaps):+.3f} ± {error:.3f}",
                f"{fmean(points[-1][2] for points in curves.values()):.3f}",
            )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

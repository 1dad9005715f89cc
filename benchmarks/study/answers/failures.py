"""Question 9: where it fails, by name."""

import statistics

from benchmarks.study import figures
from benchmarks.study.grid import DISJOINT_ZOO, KEEPS, LONG
from benchmarks.study.stats import Values, by_target, summary
from benchmarks.study.tables import Study, table
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import Zoo, open_zoo, zoo_ids


def answer(study: Study) -> str:
    """Where it fails, by name."""
    own, long, wide = study.of("1", "mvp", 60), study.of("1", "taylor", LONG), study.of("1", "dense", 60)
    rows = []
    for target, values in by_target(own).items():
        against = by_target(long).get(target), by_target(wide).get(target)
        gaps = [f"{100 * (statistics.fmean(values) - statistics.fmean(v)):+.1f}" if v else "–" for v in against]
        rows.append([target, ", ".join(task_of(target).classes), f"{100 * statistics.fmean(values):.1f}", *gaps])
    rows.sort(key=lambda row: float(row[2]))
    _draw(study, [row[0] for row in rows], own, long, wide)
    worst = []
    for zoo_id in [each for each in (open_zoo().id, DISJOINT_ZOO) if each in zoo_ids()]:
        zoo = open_zoo(zoo_id)
        for task in sorted(zoo.tasks, key=lambda task: zoo.accuracy(task.id))[:3]:
            start = _dense_start(zoo, task.id)
            worst.append([zoo.id, task.id, ", ".join(task.classes), f"{100 * zoo.accuracy(task.id):.1f}", start])
    return f"""## 9. Where it fails

![accuracy by target](targets.svg)

Targets, worst first (`mvp`, 60 iterations):

{table(("target", "classes", "accuracy, %", f"minus taylor {LONG}", "minus dense 60"), rows)}

{_smallest(study)}

The zoos' weakest models. The builder prunes again with another seed, and refuses after three, where a model has lost
over half of what the untrained dense backbone with a prototype head knows beyond chance; none had.

{table(("zoo", "task", "classes", "validation accuracy, %", "dense, untrained, %"), worst)}"""


def _dense_start(zoo: Zoo, task: str) -> str:
    curve = next(entry for entry in zoo.about["tasks"] if entry["task"]["id"] == task)["curve"]
    return f"{100 * curve[0]['accuracy']:.1f}"


def _smallest(study: Study) -> str:
    """What the largest sparsity costs."""
    keep = min(KEEPS)
    seed = study.grid.seeds[0]
    small, usual = study.of("1", "mvp", 60, keep), study.of("1", "mvp", 60)
    usual = {cell: value for cell, value in usual.items() if cell[1] == seed}
    if not small or not usual:
        return "The largest sparsity has not been run."
    low, high = summary(small), summary(usual)
    worst = min(small, key=lambda cell: small[cell])
    return (
        f"The largest sparsity: at keep ratio {keep:g} `mvp` ends at {100 * low.mean:.1f} ± {100 * low.sd:.1f} % after "
        f"60 iterations (seed {seed}), {100 * (high.mean - low.mean):.1f} points below keep ratio 0.2; its worst "
        f"target is {worst[0]} with {100 * small[worst]:.1f} %."
    )


def _draw(study: Study, order: list[str], mvp: Values, taylor: Values, dense: Values) -> None:
    """Every target's accuracy by three methods, worst first."""
    named = {"mvp, 60 iterations": mvp, f"taylor, {LONG} iterations": taylor, "dense, 60 iterations": dense}
    series = {}
    for name, values in named.items():
        found = by_target(values)
        series[name] = [
            (float(place), statistics.fmean(found[target]), 0.0)
            for place, target in enumerate(order, 1)
            if target in found
        ]
    if order:
        figures.lines(study.folder / "targets.svg", series, "target, worst first", "test accuracy, %")

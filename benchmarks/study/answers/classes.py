"""Question 4: is it only shared classes?"""

import statistics

from benchmarks.study import figures
from benchmarks.study.answers.domains import elsewhere
from benchmarks.study.grid import LONG
from benchmarks.study.stats import difference
from benchmarks.study.tables import Study, table
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import open_zoo


def answer(study: Study) -> str:
    """Is it only shared classes?"""
    zoo, points, rows = open_zoo(), [], []
    for target in study.grid.targets:
        task = task_of(target)
        shared = statistics.fmean(len(set(n.task.classes) & set(task.classes)) for n in zoo.neighbours(task, 5))
        gaps = {
            name: difference(
                *({c: v for c, v in study.of("2", n, 20).items() if c[0] == target} for n in ("mvp", name))
            )
            for name in ("nearest alone", "5 random", "whole zoo")
        }
        if gaps["5 random"].targets:
            points.append((shared, gaps["5 random"].mean, target))
            rows.append([target, f"{shared:.1f}", *(f"{100 * gap.mean:+.1f}" for gap in gaps.values())])
    if points:
        figures.dots(study.folder / "shared.svg", points, "classes shared with the 5 neighbours, mean",
                     "mvp minus 5 random, points")  # fmt: skip
    rows.sort(key=lambda row: float(row[1]))
    return f"""## 4. Is it only shared classes?

![advantage by shared classes](shared.svg)

{table(("target", "shared classes", "mvp minus nearest alone", "minus 5 random", "minus whole zoo"), rows)}

### A zoo that shares no class with the targets

8 targets over 16 classes that none of the 20 zoo tasks has. Methods with {LONG} iterations are held against `mvp` with
60.

{elsewhere(study, "4", "disjoint.svg")}"""

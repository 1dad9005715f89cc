"""Question 2: is it the neighbours, and is it the vote?"""

import statistics

from scipy import stats as scipy_stats

from benchmarks.study import figures
from benchmarks.study.grid import SHORT, K
from benchmarks.study.stats import difference, summary
from benchmarks.study.tables import Study, error, figures_of, said, table, verdict
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import open_zoo


def answer(study: Study) -> str:
    """Is it the neighbours, and is it the vote?"""
    rows, gaps = [], {}
    names = list(dict.fromkeys(key[1] for key in study.accuracy if key[0] == "2" and key[1] not in ("mvp", "alone")))
    for count in SHORT:
        own = study.of("2", "mvp", count)
        if own:
            rows.append([str(count), "**mvp** (K = 5, LEEP, count)", *figures_of(own), ""])
        for name in names:
            values = study.of("2", name, count)
            if values:
                gap = difference(values, own)
                rows.append([str(count), name, *figures_of(values), said(gap)])
                gaps[f"{name} ({count})"] = gap
    if gaps:
        figures.gaps(study.folder / "controls.svg", gaps, "minus mvp at the same iterations, points")
    numbers = [(k, study.of("2", f"K = {k}", 20)) for k in K]
    numbers += [(1, study.of("2", "nearest alone", 20)), (5, study.of("2", "mvp", 20))]
    points = [
        (float(k), summary(values).mean, error(values))
        for k, values in sorted(numbers, key=lambda one: one[0])
        if values
    ]
    if points:
        figures.lines(study.folder / "k.svg", {"20 iterations": points}, "K", "test accuracy, %")
    return f"""## 2. Is it the neighbours, and is it the vote?

{verdict(gaps)} "oracle": the five zoo tasks that are best alone on the target's own validation images.

![differences to mvp](controls.svg)
![accuracy by K](k.svg)

{table(("iterations", "voters", "n", "accuracy, %", "minus mvp, points"), rows)}

{_ranks(study)}"""


def _ranks(study: Study) -> str:
    """Similarity rank against the accuracy of that neighbour alone, without training."""
    zoo = open_zoo()
    correlations: dict[str, list[float]] = {"leep": [], "logme": [], "prototypes": []}
    by_rank: dict[int, list[float]] = {}
    for target in study.grid.targets:
        alone = {
            config.chosen[0]: float(record.result["test_accuracy"])
            for config, record in study.finished.items()
            if config.task == target and config.neighbours == "chosen" and len(config.chosen) == 1 and record.result
        }
        if len(alone) < len(zoo.tasks):
            continue
        for kind, found in correlations.items():
            ranked = zoo.neighbours(task_of(target), len(zoo.tasks), kind)
            values = [alone[near.task.id] for near in ranked]
            rho = scipy_stats.spearmanr([near.similarity for near in ranked], values).statistic
            found.append(float(rho))
            if kind == "leep":
                for rank, value in enumerate(values, 1):
                    by_rank.setdefault(rank, []).append(value)
    if len(correlations["leep"]) < 2:
        return "Similarity rank against the accuracy of each zoo task alone: not run yet (stages `alone` and `oracle`)."
    points = [(float(rank), statistics.fmean(v), statistics.stdev(v) / len(v) ** 0.5) for rank, v in by_rank.items()]
    figures.lines(study.folder / "ranks.svg", {"one neighbour, untrained": points}, "LEEP rank", "test accuracy, %")
    rows = [[kind, str(len(v)), f"{statistics.fmean(v):.2f} ± {statistics.stdev(v):.2f}", f"{min(v):.2f}"]
            for kind, v in correlations.items()]  # fmt: skip
    return f"""### Similarity rank against accuracy

Each of the {len(zoo.tasks)} zoo tasks as the only voter, its weights, a prototype head, no training.

![accuracy by rank](ranks.svg)

{table(("similarity", "targets", "rank correlation with accuracy, mean ± sd", "lowest"), rows)}"""

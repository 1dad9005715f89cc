"""Question 5: overlap of masks."""

import statistics
from itertools import combinations

import numpy as np
from scipy import stats as scipy_stats

from benchmarks.study import figures
from benchmarks.study.tables import Study, table
from core.channels.selection import chance_overlap, overlap_by_group
from core.zoo.zoo import open_zoo


def answer(study: Study) -> str:
    """Overlap of masks by depth and by shared classes."""
    zoo = open_zoo()
    groups = list(zoo.groups)
    selections = {task.id: zoo.selection(task.id) for task in zoo.tasks}
    chance = {g: chance_overlap(selections[zoo.tasks[0].id].keep_ratio(g)) for g in groups}
    pairs: dict[int, list[list[float]]] = {}
    _, leep = zoo.similarity("leep")
    similar, late = [], []
    for a, b in combinations(zoo.tasks, 2):
        found = overlap_by_group(selections[a.id], selections[b.id])
        shared = len(set(a.classes) & set(b.classes))
        pairs.setdefault(shared, []).append([found[g] - chance[g] for g in groups])
        similar.append(float(leep[zoo.rows[a.id], zoo.rows[b.id]] + leep[zoo.rows[b.id], zoo.rows[a.id]]) / 2)
        late.append(statistics.fmean(found[g] for g in groups if g.startswith("layer4")))
    series = {
        f"{shared} shared ({len(found)} pairs)": [
            (float(depth), float(np.mean(column)), float(np.std(column) / len(column) ** 0.5))
            for depth, column in enumerate(np.array(found).T, 1)
        ]
        for shared, found in sorted(pairs.items())
    }
    figures.lines(study.folder / "overlap.svg", series, "channel group, by depth", "IoU minus chance",
                  {"chance": 0.0}, percent=False)  # fmt: skip
    rows = [
        [str(shared), str(len(found)), *(f"{np.mean(np.array(found)[:, i]):+.3f}" for i in (0, len(groups) // 2, -1))]
        for shared, found in sorted(pairs.items())
    ]
    rho = scipy_stats.spearmanr(similar, late)
    return f"""## 5. Overlap of masks

IoU of two zoo tasks' selections, minus the chance level {next(iter(chance.values())):.3f}.

![overlap by depth](overlap.svg)

{table(("shared classes", "pairs", groups[0], groups[len(groups) // 2], groups[-1]), rows)}

Rank correlation of LEEP (both ways averaged) with the overlap in the last stage: {rho.statistic:.2f} over
{len(late):,} pairs (pairs share tasks, so no p value)."""

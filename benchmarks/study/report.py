"""The report: tables and figures of the study's runs, question by question, as Markdown and SVG."""

import math
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from scipy import stats as scipy_stats

from benchmarks.runner import finished_runs
from benchmarks.study import figures
from benchmarks.study.grid import DISJOINT_ZOO, KEEPS, LONG, MASKS, SHORT, Finished, Grid, K, places
from benchmarks.study.stats import Difference, Values, by_target, collect, difference, summary
from core.channels.selection import chance_overlap, overlap_by_group
from core.pruning.footprint import footprint
from core.reports.cost import pays_off_after
from core.runs.store import Store
from core.tasks.catalogue import task as task_of
from core.zoo.zoo import Zoo, open_zoo, zoo_ids

KEEP = 0.2
Table = Sequence[Sequence[str]]


class Study:
    """The finished runs by question and variant, and the folder that the report goes to."""

    def __init__(self, store: Store, grid: Grid, folder: Path) -> None:
        self.grid, self.folder = grid, folder
        self.finished: Finished = finished_runs(store, "study")
        self.places = places(grid, self.finished)
        self.accuracy = collect(self.places, self.finished)
        self.seconds = collect(self.places, self.finished, "cpu_seconds")
        self.macs = collect(self.places, self.finished, "macs")

    def of(self, question: str, variant: str, iterations: int, keep: float = KEEP) -> Values:
        """(target, seed) -> test accuracy."""
        return self.accuracy.get((question, variant, keep, iterations), {})

    def counts(self, question: str, variant: str, keep: float = KEEP) -> list[int]:
        """The numbers of iterations at which a variant was run."""
        return sorted(key[3] for key in self.accuracy if key[:3] == (question, variant, keep))

    def missing(self) -> int:
        """Runs of the grid that are not there."""
        return sum(place.config not in self.finished for place in self.places)


def write_report(store: Store, grid: Grid, folder: Path) -> Path:
    """Write `README.md` and its figures into a folder; returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(store, grid, folder)
    parts = [head(study), *(answer(study) for answer in ANSWERS)]
    file = folder / "README.md"
    file.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")
    return file


def head(study: Study) -> str:
    """What was run, where, when, and how to run it again."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    cut = "" if not study.missing() else f" {study.missing()} runs of the grid are missing: the study was stopped."
    return f"""# Does the vote help, when, and what does it cost?

`python -m benchmarks.study`, then `python -m benchmarks.study --report {study.folder}`. Commit
{commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d}, torch {torch.__version__}, {platform.machine()}, two processes of
one thread each. {len(study.finished):,} runs.{cut} They are in `benchmarks/study-runs.zip`:
`python -m core runs import benchmarks/study-runs.zip`, then `python -m core compare --tag study`.

Accuracies are of the test split, which each run looked at once, at its end. Keep ratio 0.2 of every channel group
unless said. "n" counts runs; means, spreads and tests are over target means (a target counts once, whatever its seeds).
± is a standard deviation over targets; in brackets stands a 95 % interval of a paired difference, p is of a paired t
test over targets, not corrected for how many tests there are. Nothing was chosen by looking at these targets."""


# Question 1


def rivals(study: Study) -> str:
    """Does the vote beat what a user would do instead?"""
    names = ("mvp", "magnitude", "taylor-oneshot", "random", "bn-scale", "taylor")
    long, dense = study.of("1", "taylor", LONG), study.of("1", "dense", 60)
    levels = {f"taylor, {LONG} iterations": summary(long).mean, "dense, 60 iterations": summary(dense).mean}
    curves = {name: _curve(study, "1", name) for name in names if study.counts("1", name)}
    figures.lines(study.folder / "iterations.svg", curves, "training iterations", "test accuracy, %", levels)
    for file, spent, unit, words in (
        ("macs.svg", study.macs, 1e9, "MACs spent, billions"),
        ("seconds.svg", study.seconds, 1.0, "CPU seconds of a run"),
    ):
        against = {
            name: [
                (_mean(spent["1", name, KEEP, int(count)].values()) / unit, mean, half) for count, mean, half in points
            ]
            for name, points in curves.items()
        }
        figures.lines(study.folder / file, against, words, "test accuracy, %", levels, log=True)
    rows = []
    for count in sorted({n for name in names for n in study.counts("1", name)}):
        own = study.of("1", "mvp", count)
        for name in names:
            values = study.of("1", name, count)
            if values:
                rows.append([str(count), name, *_figures(values), _gap(values, own) if name != "mvp" else ""])
    for count in study.counts("1", "dense"):
        values = study.of("1", "dense", count)
        rows.append([str(count), "dense (unpruned)", *_figures(values), _gap(values, study.of("1", "mvp", count))])
    return f"""## 1. Does the vote beat what a user would do instead?

{_headline(study)}

![accuracy by iterations](iterations.svg)
![accuracy by MACs](macs.svg)
![accuracy by seconds](seconds.svg)

{_table(("iterations", "method", "n", "accuracy, %", "minus mvp, points"), rows)}

{_by_keep(study)}"""


def _headline(study: Study) -> str:
    long = study.of("1", "taylor", LONG)
    if not long:
        return "The full-length method has not been run."
    goal, costs, rows = summary(long).mean, study.macs["1", "taylor", KEEP, LONG], []
    seconds = study.seconds["1", "taylor", KEEP, LONG]
    reached = level = None
    for count in study.counts("1", "mvp"):
        own = study.of("1", "mvp", count)
        macs, cpu = (_mean(table["1", "mvp", KEEP, count].values()) for table in (study.macs, study.seconds))
        rows.append([
            str(count), f"{100 * summary(own).mean:.1f}", _gap(own, long), f"1/{LONG / count:.0f}" if count else "0",
            f"1/{_mean(seconds.values()) / cpu:.0f}", f"1/{_mean(costs.values()) / macs:.0f}",
        ])  # fmt: skip
        gap = difference(own, long)
        if reached is None and gap.mean >= 0:
            reached = (count, _mean(seconds.values()) / cpu, _mean(costs.values()) / macs)
        if level is None and gap.low <= 0 <= gap.high:  # NaN with one target
            level = count
    says = (
        f"`mvp` holds it after **{reached[0]} iterations** (1/{LONG / max(1, reached[0]):.1f} of them), "
        f"1/{reached[1]:.0f} of the CPU seconds and 1/{reached[2]:.0f} of the MACs"
        if reached
        else "`mvp` does not hold it at any number of iterations that was run"
    )
    near = (
        f" From {level} iterations on its paired difference can no longer be told from zero (95 % interval)."
        if level is not None
        else ""
    )
    met = "met" if reached and reached[0] <= LONG / 10 and reached[1] >= 10 else "not met"
    return f"""The full-length iterative method ({LONG} iterations) ends at **{100 * goal:.1f} %**. {says}.{near}
Goal, at most 1/10 of both iterations and seconds: **{met}**.

{
        _table(
            (
                "mvp iterations",
                "accuracy, %",
                f"minus taylor {LONG}, points",
                "of its iterations",
                "of its seconds",
                "of its MACs",
            ),
            rows,
        )
    }"""


def _by_keep(study: Study) -> str:
    names, rows = ("mvp", "magnitude", "taylor-oneshot", "random"), []
    for count in SHORT:
        series = {}
        for name in names:
            points = []
            for keep in sorted((*KEEPS, KEEP)):
                # one seed at the other keep ratios, so one seed here
                values = {
                    cell: v for cell, v in study.of("1", name, count, keep).items() if cell[1] == study.grid.seeds[0]
                }
                own = study.of("1", "mvp", count, keep)
                if values:
                    points.append((keep, summary(values).mean, _error(values)))
                    gap = _gap(values, own) if name != "mvp" else ""
                    rows.append([f"{keep:g}", str(count), name, *_figures(values), gap])
            if points:
                series[name] = points
        if series:
            figures.lines(study.folder / f"keep-{count}.svg", series, "keep ratio", "test accuracy, %", log=True)
    rows.sort(key=lambda row: (-float(row[0]), int(row[1])))
    return f"""### At other keep ratios (one seed)

![accuracy by keep ratio, 20 iterations](keep-20.svg)
![accuracy by keep ratio, 60 iterations](keep-60.svg)

{_table(("keep ratio", "iterations", "method", "n", "accuracy, %", "minus mvp, points"), rows)}"""


# Question 2


def controls(study: Study) -> str:
    """Is it the neighbours, and is it the vote?"""
    rows, drawn = [], []
    names = list(dict.fromkeys(key[1] for key in study.accuracy if key[0] == "2" and key[1] not in ("mvp", "alone")))
    for count in SHORT:
        own = study.of("2", "mvp", count)
        if own:
            rows.append([str(count), "**mvp** (K = 5, LEEP, count)", *_figures(own), ""])
        for name in names:
            values = study.of("2", name, count)
            if values:
                gap = difference(values, own)
                rows.append([str(count), name, *_figures(values), _said(gap)])
                drawn.append((f"{name}, {count} it.", gap.mean, gap.low, gap.high))
    if drawn:
        figures.gaps(study.folder / "controls.svg", drawn, "minus mvp at the same iterations, points")
    numbers = [(k, study.of("2", f"K = {k}", 20)) for k in K]
    numbers += [(1, study.of("2", "nearest alone", 20)), (5, study.of("2", "mvp", 20))]
    points = [
        (float(k), summary(values).mean, _error(values))
        for k, values in sorted(numbers, key=lambda one: one[0])
        if values
    ]
    if points:
        figures.lines(study.folder / "k.svg", {"20 iterations": points}, "K", "test accuracy, %")
    return f"""## 2. Is it the neighbours, and is it the vote?

![differences to mvp](controls.svg)
![accuracy by K](k.svg)

{_table(("iterations", "voters", "n", "accuracy, %", "minus mvp, points"), rows)}

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

{_table(("similarity", "targets", "rank correlation with accuracy, mean ± sd", "lowest"), rows)}"""


# Question 3


def weights(study: Study) -> str:
    """Mask or weights?"""
    rows = []
    for count in SHORT:
        for mask in (*MASKS, "own, iterative"):
            lent, own = (study.of("3", f"{mask} | {source}", count) for source in ("neighbours", "pretrained"))
            none = study.of("3", f"{mask} | reinitialised", count)
            if lent and own:
                rows.append([str(count), mask, str(len(lent)), *(f"{100 * summary(v).mean:.1f}" if v else "–"
                             for v in (lent, own, none)), _gap(lent, own)])  # fmt: skip
    return f"""## 3. Mask or weights?

{
        _table(
            (
                "iterations",
                "mask",
                "n",
                "neighbours' weights, %",
                "backbone's weights, %",
                "reinitialised, %",
                "neighbours' minus backbone's, points",
            ),
            rows,
        )
    }

"own, iterative" is the mask that {LONG} iterations of iterative Taylor found on the target itself."""


# Question 4


def classes(study: Study) -> str:
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

{_table(("target", "shared classes", "mvp minus nearest alone", "minus 5 random", "minus whole zoo"), rows)}

### A zoo that shares no class with the targets

8 targets over 16 classes that none of the 20 zoo tasks has. Methods with {LONG} iterations are held against `mvp` with
60.

{_elsewhere(study, "4")}"""


def _elsewhere(study: Study, question: str) -> str:
    """Every variant on another zoo's targets, against `mvp`."""
    rows = []
    names = list(dict.fromkeys(key[1] for key in study.accuracy if key[0] == question))
    for count in (*SHORT, LONG):
        against = study.of(question, "mvp", count) or study.of(question, "mvp", 60)
        for name in names:
            values = study.of(question, name, count)
            if values:
                rows.append([str(count), name, *_figures(values), _gap(values, against) if name != "mvp" else ""])
    if not rows:
        return "Not run yet."
    return _table(("iterations", "variant", "n", "accuracy, %", "minus mvp, points"), rows)


# Question 5


def overlap(study: Study) -> str:
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

{_table(("shared classes", "pairs", groups[0], groups[len(groups) // 2], groups[-1]), rows)}

Rank correlation of LEEP (both ways averaged) with the overlap in the last stage: {rho.statistic:.2f} over
{len(late):,} pairs (pairs share tasks, so no p value)."""


# Questions 6 and 7


def backbones(study: Study) -> str:
    """Self-supervised, supervised, random backbone."""
    return """## 6. Self-supervised, supervised, random backbone

Not measured: the twin of the backbone that is trained with labels is not made yet (50 minutes on two idle cores)."""


def fashion(study: Study) -> str:
    """A second domain."""
    return f"""## 7. Second domain: Fashion-MNIST

Original files, three classes a task, 20 zoo tasks, 6 targets, the emoji backbone, which never saw such images. Methods
with {LONG} iterations are held against `mvp` with 60.

{_elsewhere(study, "7")}"""


# Question 8


def cost(study: Study) -> str:
    """What the zoo costs, and after how many tasks it has paid for itself."""
    zoo = open_zoo()
    account = dict(zoo.about["cost"])
    rows = []
    for count in study.counts("1", "mvp"):
        own, long = study.of("1", "mvp", count), study.of("1", "taylor", LONG)
        if not own or not long:
            continue
        line = [str(count), _gap(own, long)]
        for name, table in (("cpu_seconds", study.seconds), ("macs", study.macs)):
            each, rival = (_mean(table["1", *key].values()) for key in (("mvp", KEEP, count), ("taylor", KEEP, LONG)))
            after = pays_off_after(float(account[name]), each, rival)
            line += [_short(each), _short(rival), "never" if after is None else str(after)]
        rows.append(line)
    energy = footprint(float(account["cpu_seconds"]))
    return f"""## 8. Cost

The zoo of {len(zoo.tasks)} models took {account["cpu_seconds"] / 60:.1f} CPU minutes and {account["macs"] / 1e12:.1f} T
MACs: {1000 * energy.energy_kwh:.1f} Wh, {energy.co2e_grams:.1f} g CO2e. {energy.assumptions.sentence()}

It is paid for when enough tasks were pruned by `mvp` rather than by {LONG} iterations of `taylor`. The comparison means
something where accuracy is equal (second column).

{
        _table(
            (
                "mvp iterations",
                f"accuracy minus taylor {LONG}, points",
                "CPU seconds a task",
                "taylor's",
                "tasks to pay off",
                "MACs a task",
                "taylor's",
                "tasks to pay off (MACs)",
            ),
            rows,
        )
    }"""


# Question 9


def failures(study: Study) -> str:
    """Where it fails, by name."""
    own, long, wide = study.of("1", "mvp", 60), study.of("1", "taylor", LONG), study.of("1", "dense", 60)
    rows = []
    for target, values in by_target(own).items():
        against = by_target(long).get(target), by_target(wide).get(target)
        gaps = [f"{100 * (statistics.fmean(values) - statistics.fmean(v)):+.1f}" if v else "–" for v in against]
        rows.append([target, ", ".join(task_of(target).classes), f"{100 * statistics.fmean(values):.1f}", *gaps])
    rows.sort(key=lambda row: float(row[2]))
    worst = []
    for zoo_id in [each for each in (open_zoo().id, DISJOINT_ZOO) if each in zoo_ids()]:
        zoo = open_zoo(zoo_id)
        for task in sorted(zoo.tasks, key=lambda task: zoo.accuracy(task.id))[:3]:
            start = _dense_start(zoo, task.id)
            worst.append([zoo.id, task.id, ", ".join(task.classes), f"{100 * zoo.accuracy(task.id):.1f}", start])
    return f"""## 9. Where it fails

Targets, worst first (`mvp`, 60 iterations):

{_table(("target", "classes", "accuracy, %", f"minus taylor {LONG}", "minus dense 60"), rows)}

The zoo's weakest models. The builder prunes again with another seed, and refuses after three, where a model has lost
over half of what the untrained dense backbone with a prototype head knows beyond chance; none had.

{_table(("zoo", "task", "classes", "validation accuracy, %", "dense, untrained, %"), worst)}"""


def _dense_start(zoo: Zoo, task: str) -> str:
    curve = next(entry for entry in zoo.about["tasks"] if entry["task"]["id"] == task)["curve"]
    return f"{100 * curve[0]['accuracy']:.1f}"


ANSWERS: tuple[Callable[[Study], str], ...] = (
    rivals, controls, weights, classes, overlap, backbones, fashion, cost, failures,
)  # fmt: skip


# What the sections share


def _curve(study: Study, question: str, variant: str) -> list[tuple[float, float, float]]:
    found = [(count, study.of(question, variant, count)) for count in study.counts(question, variant)]
    return [(float(count), summary(values).mean, _error(values)) for count, values in found if values]


def _error(values: Values) -> float:
    """Standard error over targets, 0 where there is one."""
    found = summary(values)
    return found.sd / math.sqrt(found.targets) if found.targets > 1 else 0.0


def _figures(values: Values) -> list[str]:
    found = summary(values)
    return [str(found.n), f"{100 * found.mean:.1f} ± {100 * found.sd:.1f}"]


def _gap(a: Values, b: Values) -> str:
    return _said(difference(a, b)) if a and b else "–"


def _said(gap: Difference) -> str:
    if not gap.targets:
        return "–"
    if math.isnan(gap.p):
        return f"{100 * gap.mean:+.1f}"
    p = "p < 0.001" if gap.p < 0.001 else f"p = {gap.p:.3f}"
    return f"{100 * gap.mean:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}], {p}"


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def _short(value: float) -> str:
    for unit, name in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if value >= unit:
            return f"{value / unit:.1f}{name}"
    return f"{value:.1f}"


def _table(titles: Sequence[str], rows: Table) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

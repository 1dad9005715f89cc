"""Question 1: does the vote beat what a user would do instead?"""

from benchmarks.study import figures
from benchmarks.study.grid import KEEPS, LONG, SHORT
from benchmarks.study.stats import difference, summary
from benchmarks.study.tables import KEEP, Study, curve, error, figures_of, gap_of, mean_of, table, verdict


def answer(study: Study) -> str:
    """Does the vote beat what a user would do instead?"""
    names = ("mvp", "magnitude", "taylor-oneshot", "random", "bn-scale", "taylor")
    long, dense = study.of("1", "taylor", LONG), study.of("1", "dense", 60)
    levels = {f"taylor, {LONG} iterations": summary(long).mean, "dense, 60 iterations": summary(dense).mean}
    curves = {name: curve(study, "1", name) for name in names if study.counts("1", name)}
    figures.lines(study.folder / "iterations.svg", curves, "training iterations", "test accuracy, %", levels)
    for file, spent, unit, words in (
        ("macs.svg", study.macs, 1e9, "MACs spent, billions"),
        ("seconds.svg", study.seconds, 1.0, "CPU seconds of a run"),
    ):
        against = {
            name: [
                (mean_of(spent["1", name, KEEP, int(count)].values()) / unit, mean, half)
                for count, mean, half in points
            ]
            for name, points in curves.items()
        }
        figures.lines(study.folder / file, against, words, "test accuracy, %", levels, log=True)
    rows, gaps = [], {}
    for count in sorted({n for name in names for n in study.counts("1", name)}):
        own = study.of("1", "mvp", count)
        for name in names:
            values = study.of("1", name, count)
            if values:
                rows.append([str(count), name, *figures_of(values), gap_of(values, own) if name != "mvp" else ""])
                if name != "mvp" and count in SHORT:
                    gaps[f"{name} ({count})"] = difference(values, own)
    for count in study.counts("1", "dense"):
        values = study.of("1", "dense", count)
        rows.append([str(count), "dense (unpruned)", *figures_of(values), gap_of(values, study.of("1", "mvp", count))])
    return f"""## 1. Does the vote beat what a user would do instead?

{_headline(study)}

At 20 and 60 iterations: {verdict(gaps)}

![accuracy by iterations](iterations.svg)
![accuracy by MACs](macs.svg)
![accuracy by seconds](seconds.svg)

{table(("iterations", "method", "n", "accuracy, %", "minus mvp, points"), rows)}

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
        macs, cpu = (mean_of(spent["1", "mvp", KEEP, count].values()) for spent in (study.macs, study.seconds))
        rows.append([
            str(count), f"{100 * summary(own).mean:.1f}", gap_of(own, long), f"1/{LONG / count:.0f}" if count else "0",
            f"1/{mean_of(seconds.values()) / cpu:.0f}", f"1/{mean_of(costs.values()) / macs:.0f}",
        ])  # fmt: skip
        gap = difference(own, long)
        if reached is None and gap.mean >= 0:
            reached = (count, mean_of(seconds.values()) / cpu, mean_of(costs.values()) / macs)
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
        table(
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
                    points.append((keep, summary(values).mean, error(values)))
                    gap = gap_of(values, own) if name != "mvp" else ""
                    rows.append([f"{keep:g}", str(count), name, *figures_of(values), gap])
            if points:
                series[name] = points
        if series:
            figures.lines(study.folder / f"keep-{count}.svg", series, "keep ratio", "test accuracy, %", log=True)
    rows.sort(key=lambda row: (-float(row[0]), int(row[1])))
    return f"""### At other keep ratios (one seed)

![accuracy by keep ratio, 20 iterations](keep-20.svg)
![accuracy by keep ratio, 60 iterations](keep-60.svg)

{table(("keep ratio", "iterations", "method", "n", "accuracy, %", "minus mvp, points"), rows)}"""

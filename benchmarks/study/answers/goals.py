"""The goals that were set before, and whether they are met."""

from benchmarks.study.grid import LONG
from benchmarks.study.stats import Difference, difference, summary
from benchmarks.study.tables import KEEP, Study, mean_of, said, table

WITHIN = 24  # iterations
PART = 10  # of the full-length method's iterations and seconds


def answer(study: Study) -> str:
    """Goal by goal: what was reached. How fast runs are is measured elsewhere, on an idle machine."""
    long = study.of("1", "taylor", LONG)
    if not long:
        return ""
    rows = [_part(study), _level(study), *_controls(study)]
    return f"""## The goals, met and not met

{table(("goal", "reached", ""), rows)}

What was tried to do better, on zoo tasks and validation data, and the goals of speed, met and not met, are in
[what else was measured](../results.md)."""


def _part(study: Study) -> list[str]:
    """The full-length method's accuracy at a tenth of its iterations and seconds."""
    long, seconds = study.of("1", "taylor", LONG), study.seconds["1", "taylor", KEEP, LONG]
    goal = f"`mvp` holds the accuracy of {LONG} iterations of taylor after 1/{PART} of the iterations and CPU seconds"
    for count in study.counts("1", "mvp"):
        if count and (gap := difference(study.of("1", "mvp", count), long)).mean >= 0:
            times = mean_of(seconds.values()) / mean_of(study.seconds["1", "mvp", KEEP, count].values())
            met = LONG / count >= PART and times >= PART
            return [goal, f"after 1/{LONG / count:.0f} and 1/{times:.0f}: {said(gap)}", _met(met)]
    return [goal, "at no number of iterations that was run", _met(False)]


def _level(study: Study) -> list[str]:
    """That level within so many iterations."""
    counts = [count for count in study.counts("1", "mvp") if count <= WITHIN]
    goal = f"that level within {WITHIN} iterations"
    if not counts:
        return [goal, "not run", _met(False)]
    gap = difference(study.of("1", "mvp", counts[-1]), study.of("1", "taylor", LONG))
    return [goal, f"after {counts[-1]}: {said(gap)}", _met(gap.mean >= 0)]


def _controls(study: Study) -> list[list[str]]:
    """More than the nearest alone and than random neighbours, with and without shared classes."""
    rows = []
    for question, where in (("2", ""), ("4", ", no class shared")):
        for name in ("nearest alone", "5 random"):
            own, other = study.of(question, "mvp", 20), study.of(question, name, 20)
            if own and other:
                gap = difference(own, other)
                goal = f"five neighbours beat {name}{where} (20 iterations, {100 * summary(own).mean:.1f} %)"
                rows.append([goal, said(gap), _met(_beyond_chance(gap))])
    return rows


def _beyond_chance(gap: Difference) -> bool:
    return gap.low > 0


def _met(yes: bool) -> str:
    return "met" if yes else "**not met**"

"""What all sections of the report share: the finished runs by question and variant, and how figures are written."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.runner import finished_runs
from benchmarks.study.grid import Finished, Grid, places
from benchmarks.study.stats import Difference, Values, collect, difference, summary
from core.runs.store import Store

KEEP = 0.2
Table = Sequence[Sequence[str]]


class Study:
    """The finished runs by question and variant, and the folder that the report goes to."""

    def __init__(self, store: Store, grid: Grid, folder: Path) -> None:
        self.grid, self.folder = grid, folder
        self.finished: Finished = finished_runs(store, "study")
        self.places = places(grid, self.finished)
        self.accuracy = collect(self.places, self.finished)
        first = [place for place in self.places if place.config.seed == grid.seeds[0]]  # timed again as code changes
        self.seconds = collect(first, self.finished, "cpu_seconds")
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


def curve(study: Study, question: str, variant: str) -> list[tuple[float, float, float]]:
    """(iterations, mean, standard error) at each number of iterations a variant was run with."""
    found = [(count, study.of(question, variant, count)) for count in study.counts(question, variant)]
    return [(float(count), summary(values).mean, error(values)) for count, values in found if values]


def error(values: Values) -> float:
    """Standard error over targets, 0 where there is one."""
    found = summary(values)
    return found.sd / math.sqrt(found.targets) if found.targets > 1 else 0.0


def figures_of(values: Values) -> list[str]:
    """[n, "mean ± sd over targets / over seeds, in per cent"] for a table row."""
    found = summary(values)
    spreads = " / ".join(f"{100 * spread:.1f}" for spread in (found.sd, found.seed_sd) if not math.isnan(spread))
    return [str(found.n), f"{100 * found.mean:.1f}" + (f" ± {spreads}" if spreads else "")]


def gap_of(a: Values, b: Values) -> str:
    """A minus B with its interval and test, in words; a dash where one was not run."""
    return said(difference(a, b)) if a and b else "–"


def said(gap: Difference) -> str:
    """A difference with its interval and test, in points."""
    if not gap.targets:
        return "–"
    if math.isnan(gap.p):
        return f"{100 * gap.mean:+.1f}"
    p = "p < 0.001" if gap.p < 0.001 else f"p = {gap.p:.3f}"
    return f"{100 * gap.mean:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}], {p}"


def verdict(gaps: Mapping[str, Difference], baseline: str = "`mvp`") -> str:
    """Which variants differ from the baseline by more than chance (95 % interval), and which do not, by name."""
    known = {name: gap for name, gap in gaps.items() if not math.isnan(gap.low)}
    parts = {
        f"Worse than {baseline} beyond chance": [name for name, gap in known.items() if gap.high < 0],
        "Better beyond chance": [name for name, gap in known.items() if gap.low > 0],
        "Not to be told apart from it": [name for name, gap in known.items() if gap.low <= 0 <= gap.high],
    }
    return " ".join(f"{words}: {'; '.join(names)}." for words, names in parts.items() if names)


def mean_of(values: Iterable[float]) -> float:
    """Plain mean."""
    return statistics.fmean(values)


def short(value: float) -> str:
    """A large number with its unit."""
    for unit, name in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if value >= unit:
            return f"{value / unit:.1f}{name}"
    return f"{value:.1f}"


def table(titles: Sequence[str], rows: Table) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

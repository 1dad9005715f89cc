"""The report's figures: data to SVG file, the same bytes for the same data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({
    "svg.hashsalt": "meta-vote-studio", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "figure.dpi": 100, "svg.fonttype": "none",
})  # fmt: skip

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from benchmarks.study.stats import Difference  # noqa: E402

Points = Sequence[tuple[float, float, float]]  # x, mean, half width of its band
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#999933")


def _save(axes: Axes, file: Path) -> None:
    figure = axes.figure
    figure.tight_layout()  # type: ignore[union-attr]
    figure.savefig(file, metadata={"Date": None})  # type: ignore[union-attr]
    plt.close(figure)  # type: ignore[arg-type]


def lines(
    file: Path,
    series: Mapping[str, Points],
    x: str,
    y: str,
    levels: Mapping[str, float] | None = None,
    log: bool = False,
    percent: bool = True,
) -> None:
    """Means with bands, one line a name; `levels` are horizontal reference lines."""
    _, axes = plt.subplots(figsize=(7.2, 4.2))
    scale = 100 if percent else 1
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        xs, means, halves = ([point[i] for point in points] for i in range(3))
        axes.plot(xs, [m * scale for m in means], marker="o", ms=3.5, label=name, color=colour)
        axes.fill_between(
            xs, [(m - h) * scale for m, h in zip(means, halves, strict=True)],
            [(m + h) * scale for m, h in zip(means, halves, strict=True)], color=colour, alpha=0.12, lw=0,
        )  # fmt: skip
    for number, (name, level) in enumerate((levels or {}).items()):
        axes.axhline(level * scale, ls=("--", ":", "-.")[number % 3], color="#222222", lw=1, label=name)
    if log:
        axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    _save(axes, file)


def gaps(file: Path, found: Mapping[str, Difference], x: str) -> None:
    """Differences with intervals, one row a name, best on top; zero is the baseline. Without intervals: nothing."""
    rows = sorted((gap.mean, gap.low, gap.high, name) for name, gap in found.items() if gap.targets > 1)
    if not rows:
        return
    _, axes = plt.subplots(figsize=(7.2, 0.9 + 0.34 * len(rows)))
    for place, (mean, low, high, _) in enumerate(rows):
        colour = "#0072b2" if low > 0 else "#d55e00" if high < 0 else "#555555"
        axes.plot([low * 100, high * 100], [place, place], color=colour, lw=2)
        axes.plot([mean * 100], [place], "o", color=colour)
    axes.axvline(0, color="#222222", lw=1)
    axes.set_yticks(range(len(rows)), [name for *_, name in rows])
    axes.set_xlabel(x)
    _save(axes, file)


def dots(file: Path, points: Sequence[tuple[float, float, str]], x: str, y: str) -> None:
    """Named points."""
    _, axes = plt.subplots(figsize=(7.2, 4.2))
    for a, b, name in points:
        axes.plot([a], [b * 100], "o", color=COLOURS[0])
        axes.annotate(name, (a, b * 100), textcoords="offset points", xytext=(4, 4), fontsize=7)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _save(axes, file)

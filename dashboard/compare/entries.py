"""What is drawn, one mark each: the runs themselves, or the means of runs that differ in task and seed alone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.reports.compare import Row, Summary
from core.reports.curves import Point, mean_curve
from dashboard import theme
from dashboard.compare.compared import Compared
from dashboard.figures.overlays import Line, lines_of_means, lines_of_runs
from dashboard.figures.spreads import Bundle
from dashboard.figures.tradeoffs import Spot
from dashboard.theme import Style

COSTS = {
    "params": "Parameters",
    "macs": "MACs for one image",
    "latency": "Latency of one image, ms",
    "iterations": "Training iterations",
}
Key = tuple[str, float | None, int, str]  # variant, keep, iterations, setup


@dataclass(frozen=True)
class Kind:
    """Runs that differ in task and seed alone, with their common name and style."""

    id: str
    name: str
    style: Style
    rows: Sequence[Row]
    accuracies: Sequence[float]
    mean: float
    sd: float | None


def kinds_of(compared: Compared) -> list[Kind]:
    """The finished runs by what they have in common, best mean first."""
    rows: dict[Key, list[Row]] = defaultdict(list)
    for row in compared.finished:
        rows[key_of(row)].append(row)
    summaries = {key_of(one): one for one in compared.comparison.summaries}
    names = names_of_kinds(compared, list(rows))
    styles = theme.run_styles({names[key]: members[0].method for key, members in rows.items()})
    found = [
        Kind(
            id=names[key],
            name=names[key],
            style=styles[names[key]],
            rows=members,
            accuracies=[row.test_accuracy or 0.0 for row in members],
            mean=summaries[key].mean,
            sd=summaries[key].sd,
        )
        for key, members in rows.items()
    ]
    return sorted(found, key=lambda kind: -kind.mean)


def settings_of(kinds: Sequence[Kind], held: str) -> tuple[dict[str, str], dict[str, str]]:
    """(run -> the setting that it stands for, one for each kind; run -> the run that stands for its kind).

    The run that is held stands for its own kind, so that it stays the one that is chosen.
    """
    names: dict[str, str] = {}
    stands_for: dict[str, str] = {}
    for kind in kinds:
        runs = [row.run for row in kind.rows]
        first = held if held in runs else runs[0]
        names[first] = kind.name
        stands_for |= dict.fromkeys(runs, first)
    return names, stands_for


def is_of(row: Row, kind: Kind) -> bool:
    """Whether a run is of a kind."""
    return any(one.run == row.run for one in kind.rows)


def key_of(one: Row | Summary) -> Key:
    """What the runs of a kind have in common."""
    return one.variant, one.keep, one.iterations, one.setup


def names_of_kinds(compared: Compared, keys: Sequence[Key]) -> dict[Key, str]:
    """What people read for each kind: the variant, and keep ratio, iterations and inputs if kinds differ in them."""
    keeps = {keep for _, keep, _, _ in keys if keep is not None}
    budgets = {iterations for _, _, iterations, _ in keys}
    names = {}
    for variant, keep, iterations, setup in keys:
        parts = [compared.variants.get(variant, variant)]
        if keep is not None and len(keeps) > 1:
            parts.append(f"keep {theme.ratio(keep)}")
        if len(budgets) > 1:
            parts.append(f"{theme.count(iterations)} iterations")
        if setup:
            parts.append(setup)
        names[variant, keep, iterations, setup] = " · ".join(parts)
    return names


def lines(compared: Compared, by: str, axis: str) -> list[Line]:
    """The curves to draw."""
    if by == "run":
        return lines_of_runs(compared.curves, compared.names, compared.styles, axis)
    kinds = kinds_of(compared)
    means = {kind.id: mean_curve([_measured(compared, row) for row in kind.rows]) for kind in kinds}
    names, styles = {kind.id: kind.name for kind in kinds}, {kind.id: kind.style for kind in kinds}
    return lines_of_means(means, names, styles)


def _measured(compared: Compared, row: Row) -> Sequence[Point]:
    return compared.curves[row.run]


def spots(compared: Compared, by: str, cost: str) -> list[Spot]:
    """The marks of a trade-off with one of COSTS; what has no such figure is left out.

    There are none of latencies that were measured on different machines or numbers of threads.
    """
    found: list[Spot] = []
    if cost == "latency" and len(measured_on(compared)) > 1:
        return found
    if by == "run":
        for row in compared.finished:
            value = _cost(row, cost)
            if value is not None and row.test_accuracy is not None:
                style, name = compared.styles[row.run], compared.names[row.run]
                found.append(Spot(row.run, name, style, row.test_accuracy, None, float(value)))
        return found
    for kind in kinds_of(compared):
        values = [value for row in kind.rows if (value := _cost(row, cost)) is not None]
        if values:
            found.append(Spot(kind.id, kind.name, kind.style, kind.mean, kind.sd, sum(values) / len(values)))
    return found


def _cost(row: Row, cost: str) -> float | None:
    value: float | None = getattr(row, cost)
    return 1000 * value if cost == "latency" and value is not None else value


def measured_on(compared: Compared) -> set[str]:
    """The machines and numbers of threads on which latencies of the finished runs were measured."""
    return {row.measured_on for row in compared.finished if row.measured_on is not None}


def not_measured(compared: Compared) -> list[str]:
    """Ids of the finished runs without a latency that can be held against the others'."""
    mixed = len(measured_on(compared)) > 1
    return [row.run for row in compared.finished if row.latency is None or mixed]


def comparable(compared: Compared, by: str) -> bool:
    """Whether accuracies may be held against each other: on equal inputs, one task, or means over the same tasks."""
    if len({row.setup for row in compared.finished}) > 1:
        return False
    if by == "run":
        return len(compared.tasks) == 1
    return len({frozenset(row.task for row in kind.rows) for kind in kinds_of(compared)}) <= 1


def bundles(compared: Compared) -> list[Bundle]:
    """The rows of the figure of spread."""
    return [Bundle(kind.name, kind.style, kind.accuracies, kind.mean, kind.sd) for kind in kinds_of(compared)]

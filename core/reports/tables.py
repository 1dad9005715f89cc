"""Comparisons as text: one description of the columns, and CSV and Markdown made from it."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from core import numbers
from core.channels.budget import WORDS, Budget
from core.reports.by_class import balanced_where_uneven
from core.reports.compare import Row, Summary
from core.reports.cost import PayOff

T = TypeVar("T")
NONE = "-"


def known(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """A number format that has a dash for None."""
    return lambda value: NONE if value is None else write(value)


share = known(partial(numbers.percent, digits=1))
finely = known(partial(numbers.percent, digits=2))  # for what is held against what was asked for
points = known(numbers.points)
short = known(numbers.short)
times = known(numbers.times)
duration = known(partial(numbers.duration, digits=1))
milliseconds = known(numbers.milliseconds)
megabytes = known(numbers.megabytes)


def reached(kept: float | None, off: float | None) -> str:
    """The share kept, and where the digits shown tell, how far that is off what was asked for: "5.03 %, +0.6 % off"."""
    if kept is None or off is None:
        return NONE
    told = numbers.deviation(off)
    return numbers.percent(kept, 2) + ("" if told == numbers.deviation(0) else f", {told} off")


def kept_of(keep: float | None, of: str | None) -> str:
    """A keep ratio and, where that is not the channels, what it is of: "20 %", "5 % of the parameters"."""
    if keep is None:
        return NONE
    return numbers.ratio(keep) + (f" of the {WORDS[of]}" if of and of != Budget.of else "")


def asked_for(requested: Mapping[str, Any]) -> str:
    """A size budget as `requested` names it: "5 % of the parameters, global"; old runs name the keep ratio alone."""
    if requested.get("keep") is None:
        return NONE
    names = [name for name in Budget.__dataclass_fields__ if name in requested]
    return Budget(**{name: requested[name] for name in names}).in_words(whole="of" in names)


def text(value: object) -> str:
    """Anything else; None is a dash."""
    return NONE if value is None or value == "" else f"{value}"


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column: its heading, the value of an item, how people read it, and whether it is a number.

    setting: whether it says what was asked for, and so need not be repeated where it is the same for all.
    """

    title: str
    value: Callable[[T], Any]
    format: Callable[[Any], str] = text
    numeric: bool = True
    setting: bool = False

    def cell(self, item: T) -> str:
        """The value as people read it."""
        return self.format(self.value(item))


RUN_COLUMNS: tuple[Column[Row], ...] = (
    Column("run", lambda row: row.run, numeric=False),
    Column("status", lambda row: row.status, numeric=False, setting=True),
    Column("task", lambda row: row.task, numeric=False, setting=True),
    Column("variant", lambda row: row.variant, numeric=False, setting=True),
    Column("keep", lambda row: kept_of(row.keep, row.of), setting=True),
    Column("iterations", lambda row: row.iterations, setting=True),
    Column("seed", lambda row: row.seed, setting=True),
    Column("reached", lambda row: reached(row.share, row.deviation)),
    Column("test accuracy", lambda row: row.test_accuracy, share),
    Column("balanced accuracy", lambda row: balanced_where_uneven(row.test_balanced_accuracy, row.imbalance), share),
    Column("top-5 accuracy", lambda row: row.test_top5_accuracy, share),
    Column("validation accuracy", lambda row: row.validation_accuracy, share),
    Column("params", lambda row: row.params, short),
    Column("MACs", lambda row: row.macs, short),
    Column("latency", lambda row: row.latency, milliseconds),
    Column("channel sparsity", lambda row: row.channel_sparsity, share),
    Column("time", lambda row: row.seconds, duration),
    Column("difference (points)", lambda row: row.difference, points),
    Column("not compared", lambda row: row.not_compared, numeric=False),
    Column("setup", lambda row: row.setup, numeric=False),
)

SUMMARY_COLUMNS: tuple[Column[Summary], ...] = (
    Column("variant", lambda one: one.variant, numeric=False, setting=True),
    Column("keep", lambda one: kept_of(one.keep, one.of), setting=True),
    Column("iterations", lambda one: one.iterations, setting=True),
    Column("setup", lambda one: one.setup, numeric=False),
    Column("reached", lambda one: one.share, finely),
    Column("n", lambda one: one.n),
    Column("tasks", lambda one: one.tasks),
    Column("test accuracy", lambda one: one.mean, share),
    Column("balanced accuracy", lambda one: balanced_where_uneven(one.balanced, one.imbalance), share),
    Column("top-5 accuracy", lambda one: one.top5, share),
    Column("sd", lambda one: one.sd, share),
    Column("sd over seeds", lambda one: one.seed_sd, share),
    Column("difference (points)", lambda one: one.difference, points),
    Column("standard error", lambda one: one.difference_se, lambda value: points(value).lstrip("+")),
    Column("pairs", lambda one: one.pairs if one.baseline and not one.is_baseline else None),
    Column("not compared", lambda one: one.not_compared, numeric=False),
    Column("compression", lambda one: one.compression, times),
    Column("MACs reduction", lambda one: one.macs_reduction, times),
    Column("mean time", lambda one: one.seconds, duration),
)

PAY_OFF_COLUMNS: tuple[Column[PayOff], ...] = (
    Column("variant", lambda one: f"{one.variant}, {one.iterations} iterations", numeric=False),
    Column("against", lambda one: f"{one.against}, {one.against_iterations} iterations", numeric=False),
    Column("keep", lambda one: kept_of(one.keep, one.of)),
    Column("difference (points)", lambda one: one.difference, points),
    Column("pairs", lambda one: one.pairs),
    Column("CPU time", lambda one: one.cost, duration),
    Column("without a zoo", lambda one: one.against_cost, duration),
    Column("the zoo's own", lambda one: one.zoo_cost, duration),
    Column(
        "pays off after",
        lambda one: one.tasks,
        lambda tasks: "never" if tasks is None else numbers.counted(tasks, "task"),
    ),
)


def to_csv(items: Sequence[Row] | Sequence[Summary], kind: type[Row] | type[Summary]) -> str:
    """CSV with every field in full precision; options are `name=value` and tags are words, both apart by spaces."""
    out = io.StringIO()
    writer = csv.DictWriter(out, kind.__dataclass_fields__, lineterminator="\n")
    writer.writeheader()
    for item in items:
        writer.writerow({name: _flat(value) for name, value in item.to_dict().items()})
    return out.getvalue()


def to_markdown(columns: Sequence[Column[T]], items: Sequence[T]) -> str:
    """A Markdown table, figures as people read them; columns that are empty in every row are left out."""
    shown = filled(columns, items)
    lines = [[column.title for column in shown], ["---:" if column.numeric else "---" for column in shown]]
    lines += [[column.cell(item).replace("|", "\\|") for column in shown] for item in items]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def apart(columns: Sequence[Column[T]], items: Sequence[T]) -> tuple[list[Column[T]], str]:
    """The columns that tell items apart or say what came of them, and in words the settings that all of them share."""
    same = [one for one in columns if one.setting and len(items) > 1 and len({one.cell(item) for item in items}) == 1]
    said = [f"{one.title} {cell}" for one in same if (cell := one.cell(items[0])) != NONE]
    return [one for one in columns if one not in same], ", ".join(said)


def filled(columns: Sequence[Column[T]], items: Sequence[T]) -> list[Column[T]]:
    """The columns that say something in at least one row; all of them when there is no row."""
    return [column for column in columns if not items or any(column.cell(item) != NONE for item in items)]


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{name}={item}" for name, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else value

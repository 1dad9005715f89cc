"""All runs as a table: one row a run, the filters that narrow it, and one row a group. Pure: no page, no store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.reports.records import reached
from core.runs.latency import Latency
from core.runs.record import FINISHED, RunRecord
from dashboard import theme
from dashboard.compare.names import shown

ALWAYS = "Run"
# Column -> what it holds, in the order in which columns can be chosen.
COLUMNS = {
    "Status": "where the run is",
    "Test accuracy": "on the test split, touched once, at the end",
    "Balanced accuracy": "mean of the classes' own accuracies on the test split",
    "Top-5 accuracy": "on the test split, of tasks with more than 10 classes",
    "Method": "how the channels to keep were found",
    "Task": "the target task",
    "Keep": "keep ratio asked for",
    "Of": "what that is a share of",
    "Size budget": "the keep ratio with what it is of and how it is shared out",
    "Reached": "what came of the keep ratio",
    "Off by": "how far that is off the keep ratio, relative to it",
    "Iterations": "iterations of training it may spend",
    "Seed": "of every draw",
    "K": "neighbours that vote",
    "Neighbours": "who votes",
    "Weights": "where the first weights come from",
    "Parameters": "of the slim model",
    "MACs": "of the slim model, for one image",
    "Latency": "of one image through the slim model, where that was measured",
    "Time": "from start to end",
    "Tags": "words given to it",
    "Notes": "what was noted",
    "Started": "when it was asked for",
}
ACCURACIES = {
    "Test accuracy": "test_accuracy",
    "Balanced accuracy": "test_balanced_accuracy",
    "Top-5 accuracy": "test_top5_accuracy",
}
DEFAULT_COLUMNS = ("Status", "Test accuracy", "Method", "Task", "Keep", "Iterations", "Seed", "Started")
ORDERS = {"newest": "Newest first", "oldest": "Oldest first", "best": "Most accurate first", "small": "Smallest first"}
GROUPS = {"none": "No", "task": "Task", "method": "Method"}
_HAY, _TASK, _METHOD, _TAGS = "_hay", "_task", "_method", "_tags"


@dataclass(frozen=True)
class Filters:
    """What a run must have to be shown; nothing chosen means anything goes."""

    text: str = ""
    tasks: Sequence[str] = field(default_factory=tuple)
    methods: Sequence[str] = field(default_factory=tuple)
    statuses: Sequence[str] = field(default_factory=tuple)
    tags: Sequence[str] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.text.split() or self.tasks or self.methods or self.statuses or self.tags)


def frame_of(
    records: Sequence[RunRecord], statuses: Sequence[str], latencies: Mapping[str, Latency] | None = None
) -> pd.DataFrame:
    """One row a run, in their order; columns that start with _ are for filters only."""
    timed = latencies or {}
    rows = [_row(record, status, timed.get(record.id)) for record, status in zip(records, statuses, strict=True)]
    frame = pd.DataFrame(rows, columns=[ALWAYS, *COLUMNS, _HAY, _TASK, _METHOD, _TAGS])
    for name in (*ACCURACIES, "Keep", "Reached", "Off by", "K", "Parameters", "MACs", "Latency", "Time"):
        frame[name] = frame[name].astype(float)
    frame["Started"] = pd.to_datetime(frame["Started"], unit="s", utc=True)
    return frame


def _row(record: RunRecord, status: str, latency: Latency | None) -> dict[str, Any]:
    config, result = record.config, record.result or {}
    achieved, (share, off) = result.get("achieved") or {}, reached(config, record.result)
    method, look = theme.method_title(config.method), theme.STATUSES[status].title
    hay = (record.id, config.task, config.method, method, look, " ".join(record.tags), record.notes)
    return {
        ALWAYS: record.id,
        "Status": look,
        **{name: _percent(result.get(key)) if record.status == FINISHED else None for name, key in ACCURACIES.items()},
        "Method": method,
        "Task": config.task,
        "Keep": 100 * config.keep if METHODS[config.method].removes else None,
        "Of": theme.share_of(config),
        "Size budget": config.budget.in_words(whole=True) if METHODS[config.method].removes else "",
        "Reached": _percent(share),
        "Off by": None if off is None else 100 * off,
        "Iterations": config.iterations,
        "Seed": config.seed,
        "K": config.k if config.needs_zoo else None,
        "Neighbours": shown("neighbours", config.neighbours) if config.needs_zoo else "",
        "Weights": shown("weights", config.weights),
        "Parameters": achieved.get("params"),
        "MACs": achieved.get("macs"),
        "Latency": None if latency is None or (one := latency.at(1)) is None else 1000 * one.slim.median,
        "Time": (result.get("cost") or {}).get("seconds"),
        "Tags": ", ".join(record.tags),
        "Notes": record.notes,
        "Started": record.created,
        _HAY: " ".join(hay).lower(),
        _TASK: config.task,
        _METHOD: config.method,
        _TAGS: record.tags,
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def with_of(columns: Sequence[str], shown: pd.DataFrame) -> list[str]:
    """The columns, and beside a keep ratio what it is of, where that is not the channels for every run shown."""
    if "Keep" not in columns or "Of" in columns or shown["Of"].isin(["", theme.SHARES_OF[RunConfig.of]]).all():
        return list(columns)
    place = list(columns).index("Keep") + 1
    return [*columns[:place], "Of", *columns[place:]]


def narrowed(frame: pd.DataFrame, filters: Filters, order: str = "newest", grouped: str = "none") -> pd.DataFrame:
    """The rows that pass, in the order asked for; grouped, those of one task or method stand together."""
    keep = pd.Series(True, index=frame.index)
    for word in filters.text.lower().split():
        keep &= frame[_HAY].str.contains(word, regex=False)
    for column, wanted in ((_TASK, filters.tasks), (_METHOD, filters.methods)):
        if wanted:
            keep &= frame[column].isin(wanted)
    if filters.statuses:
        keep &= frame["Status"].isin([theme.STATUSES[one].title for one in filters.statuses])
    if filters.tags:
        keep &= frame[_TAGS].map(lambda tags: bool(set(tags) & set(filters.tags)))
    left = frame[keep]
    if order == "oldest":
        left = left.iloc[::-1]
    elif order == "best":
        left = left.sort_values("Test accuracy", ascending=False, kind="stable", na_position="last")
    elif order == "small":
        left = left.sort_values("Parameters", kind="stable", na_position="last")
    return left if grouped == "none" else left.sort_values(GROUPS[grouped], kind="stable")


def groups_of(frame: pd.DataFrame, grouped: str) -> pd.DataFrame:
    """One row a task or method, best mean first: runs, those finished, mean and spread of accuracy, the best run."""
    rows = []
    for id, part in frame.groupby(_TASK if grouped == "task" else _METHOD, sort=False):
        known = part["Test accuracy"].dropna()
        rows.append(
            {
                GROUPS[grouped]: id if grouped == "task" else theme.method_title(str(id)),
                "Runs": len(part),
                "Finished": len(known),
                "Mean accuracy": known.mean() if len(known) else None,
                "Standard deviation": known.std() if len(known) > 1 else None,
                "Best": known.max() if len(known) else None,
                "_id": id,
            }
        )
    columns = [GROUPS[grouped], "Runs", "Finished", "Mean accuracy", "Standard deviation", "Best", "_id"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("Mean accuracy", "Standard deviation", "Best"):
        table[name] = table[name].astype(float)
    return table.sort_values("Mean accuracy", ascending=False, kind="stable", na_position="last", ignore_index=True)


def others_like(one: RunRecord, records: Iterable[RunRecord], differing: str) -> list[str]:
    """The newest run of every other method, or with every other seed, that is otherwise asked for the same.

    `differing`: "method" (same task, keep ratio, iterations and seed, usual weights) or "seed" (all else the same).
    """
    found: dict[Any, str] = {}
    for record in records:
        mine, its = one.config, record.config
        if differing == "seed":
            alike = replace(its, seed=mine.seed, threads=mine.threads) == mine
            value: Any = its.seed
        else:
            removes = METHODS[its.method].removes and METHODS[mine.method].removes
            budget = (its.task, its.iterations, its.seed) == (mine.task, mine.iterations, mine.seed)
            usual = its.weights == METHODS[its.method].weights and its.neighbours == RunConfig.neighbours
            alike = budget and usual and (its.budget == mine.budget or not removes)
            value = its.method
        if alike and value != getattr(mine, differing) and record.status == FINISHED:
            found.setdefault(value, record.id)
    return list(found.values())


def after_click(chosen: Sequence[str], listed: Sequence[str], rows: Sequence[int]) -> list[str]:
    """What is chosen once these rows of the listed ids are: what is not listed stays, order of choosing kept."""
    picked = {listed[row] for row in rows if row < len(listed)}
    stay = [id for id in chosen if id in picked or id not in set(listed)]
    return [*stay, *(listed[row] for row in sorted(rows) if row < len(listed) and listed[row] not in stay)]


def positions(listed: Sequence[str], chosen: Sequence[str]) -> list[int]:
    """The rows of the listed ids that are chosen."""
    wanted = set(chosen)
    return [row for row, id in enumerate(listed) if id in wanted]


def labels_of(frame: pd.DataFrame) -> dict[str, str]:
    """Run id -> id, and accuracy or status, for lists where a run is picked by name."""
    columns = (frame[name] for name in (ALWAYS, "Test accuracy", "Status"))
    return {
        id: f"{id} · {theme.percent(accuracy / 100, 1) if accuracy == accuracy else status.lower()}"
        for id, accuracy, status in zip(*columns, strict=True)
    }

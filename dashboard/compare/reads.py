"""What the Compare page reads from the store, each run's data once: records, evaluations and removals, selections."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.channels.files import load_pruned
from core.channels.selection import Selection
from core.errors import MetaVoteError
from core.paths import home
from core.pruning.events import Evaluation, Pruned, RecordedEvent
from core.pruning.methods import METHODS
from core.reports.records import latencies_of
from core.runs.latency import Latency
from core.runs.record import ENDED, RunRecord
from dashboard import data

KINDS = (Evaluation.kind, Pruned.kind)
MOST_KEPT = 5000  # runs whose events stay in memory
Events = Mapping[str, Sequence[RecordedEvent]]


@dataclass(frozen=True)
class AllRuns:
    """Every run in a store, newest first, the latencies measured, and the mark of the store's state that this is.

    broken: id -> a sentence on each run that is damaged, and so not among the records.
    """

    folder: str
    mark: int
    records: Sequence[RunRecord] = field(repr=False)
    latencies: Mapping[str, Latency] = field(repr=False, default_factory=dict)
    broken: Mapping[str, str] = field(repr=False, default_factory=dict)

    def identity(self) -> tuple[str, int]:
        """What reads of it are cached by."""
        return self.folder, self.mark


def all_runs() -> AllRuns:
    """Every run; read again only when something in the store changed."""
    return _all_runs(str(home()), data.store().mark())


@st.cache_resource(max_entries=2, show_spinner="Reading the runs")
def _all_runs(folder: str, mark: int) -> AllRuns:
    records, broken = data.store().listing()
    return AllRuns(folder, mark, records, latencies_of(data.store()), broken)


def again(record: RunRecord) -> RunRecord:
    """The run as it is now."""
    return data.store().get(record.id)


def events_of(records: Iterable[RunRecord]) -> Events:
    """Run id -> evaluations and removals, oldest first; those of ended runs, which never change, are kept."""
    return _events_of(records)[0]


def damaged(records: Iterable[RunRecord]) -> Mapping[str, str]:
    """Id -> a sentence on each of these runs whose events cannot be read."""
    return _events_of(records)[1]


def _events_of(records: Iterable[RunRecord]) -> tuple[Events, Mapping[str, str]]:
    kept = _kept(str(home()))
    if len(kept) > MOST_KEPT:
        kept.clear()
    wanted = list(records)
    new = [record.id for record in wanted if (record.id, record.attempt) not in kept]
    fresh, broken = data.store().events_of_runs(new, KINDS) if new else ({}, {})
    found = {record.id: kept.get((record.id, record.attempt)) or fresh.get(record.id, ()) for record in wanted}
    for record in wanted:
        if record.status in ENDED and record.id not in broken:
            kept[record.id, record.attempt] = found[record.id]
    return found, broken


@st.cache_resource
def _kept(folder: str) -> dict[tuple[str, int], Sequence[RecordedEvent]]:
    return {}


def selection_of(record: RunRecord) -> Selection | None:
    """What a finished run kept; None where its model is not in the store, or cannot be read."""
    path = data.store().model_path(record.id)
    if not path.exists():
        return None
    return _selection(str(path), path.stat().st_mtime_ns)


@st.cache_resource(max_entries=128, show_spinner=False)
def _selection(path: str, modified: int) -> Selection | None:
    try:
        return load_pruned(Path(path), weights=False).selection
    except MetaVoteError:
        return None


def classes_of(records: Iterable[RunRecord]) -> dict[str, int]:
    """Task -> number of its classes, of the tasks that are on this machine."""
    found = {record.config.task: data.task_of_run(record) for record in records}
    return {id: len(task.classes) for id, task in found.items() if task}


def equal_to_zoo(records: Iterable[RunRecord]) -> set[str] | None:
    """The tasks of runs that voted whose zoo has a task of the same classes; None where a zoo or a task is gone."""
    equal = set()
    voted = [(one, one.config.zoo) for one in records if METHODS[one.config.method].needs_zoo]
    for record, id in {(one.config.task, id): (one, id) for one, id in voted if id is not None}.values():
        task = data.task_of_run(record)
        try:
            zoo = data.zoo(id)
        except MetaVoteError:
            return None
        if task is None:
            return None
        if any(one.dataset == task.dataset and set(one.classes) == set(task.classes) for one in zoo.tasks):
            equal.add(task.id)
    return equal

"""What pages read: the zoo, tasks, thumbnails and the run store, each behind one cached function."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import streamlit as st
from PIL import Image

from core.paths import home
from core.pruning.config import RunConfig
from core.pruning.events import RecordedEvent
from core.runs.record import RunRecord
from core.runs.store import Store
from core.tasks import emoji
from core.tasks.task import Task
from core.voting import Votes, votes
from core.zoo.zoo import Neighbour, Zoo, ballots, open_zoo

DEFAULT_ZOO = RunConfig.zoo
PICTURE = 64  # pixels


@st.cache_resource(max_entries=4)
def zoo(name: str = DEFAULT_ZOO) -> Zoo:
    """A zoo by id. Raises MissingDataError or BadFileError."""
    return open_zoo(name)


@st.cache_data(max_entries=64)
def ranking(name: str, task_id: str, similarity: str) -> list[Neighbour]:
    """All zoo tasks by similarity to a stored target, best first."""
    shown = zoo(name)
    _, matrix = shown.similarity(similarity)
    return shown.rank(target(name, task_id), matrix[shown.rows[task_id]], None)


@st.cache_data(max_entries=8)
def coordinates(name: str, kind: str) -> tuple[dict[str, tuple[float, float]], float]:
    """A stored layout of all tasks, and its trustworthiness."""
    shown = zoo(name)
    return dict(shown.coordinates(kind)), float(shown.trustworthiness(kind))


@st.cache_data(max_entries=64)
def votes_of(name: str, task_id: str, k: int, similarity: str, weighting: str, keep: float) -> Votes:
    """The K neighbours' votes in all channel groups, for what each kept when it had reached this keep ratio."""
    return votes(ballots(zoo(name), ranking(name, task_id, similarity)[:k], keep), weighting)


def target(name: str, task_id: str) -> Task:
    """A stored target task by id."""
    return next(task for task in zoo(name).targets if task.id == task_id)


@dataclass(frozen=True)
class ClassPicture:
    """One class: its title and a PNG strip of example images; None where the data set ships none."""

    title: str
    png: bytes | None


@st.cache_data(max_entries=256)
def class_strip(dataset: str, name: str, images: int) -> bytes | None:
    """The first training images of a class side by side, as PNG."""
    if dataset != "emoji":
        return None
    tiles = emoji.thumbnails(name)[:images]
    output = BytesIO()
    Image.fromarray(np.concatenate(list(tiles), axis=1)).save(output, "PNG")
    return output.getvalue()


@st.cache_resource
def _store(folder: str) -> Store:
    return Store()


def store() -> Store:
    """The run store of the user's folder."""
    return _store(str(home()))


def recent_runs(limit: int = 50) -> list[RunRecord]:
    """The newest runs, newest first."""
    return store().list(limit=limit)


def events_of(record: RunRecord) -> list[RecordedEvent]:
    """All events of a run, reading only those that came since the last call of this session."""
    key, mark = "events of run", (record.id, record.attempt)
    kept = st.session_state.get(key)
    if kept is None or kept[0] != mark or store().last_seq(record.id) < kept[1]:
        kept = (mark, 0, [])  # another run, or a resumed one that tells its last part anew
    fresh = store().events(record.id, after=kept[1])
    seen: list[RecordedEvent] = [*kept[2], *(event for _, event in fresh)]
    st.session_state[key] = (mark, fresh[-1][0] if fresh else kept[1], seen)
    return seen


def log_tail(run_id: str, lines: int = 12) -> str:
    """The last lines of a run's log, "" where it has none."""
    path = store().log_path(run_id)
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def queue_position(run_id: str, waiting: Sequence[RunRecord]) -> int:
    """A queued run's place among those that wait, 1 for the next; `waiting` is newest first."""
    ids = [record.id for record in reversed(waiting)]
    return ids.index(run_id) + 1 if run_id in ids else 1

"""What pages read: the zoo, tasks, thumbnails and the run store, each behind one cached function."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from core.backbones.listing import backbones
from core.errors import MetaVoteError, MissingDataError
from core.paths import home
from core.pruning.events import RecordedEvent
from core.runs import queue
from core.runs.record import CANCELLING, FINISHED, QUEUED, RUNNING, RunRecord
from core.runs.slot import holder
from core.runs.status import current
from core.runs.store import Store
from core.targets.ranking import ranking_of
from core.targets.state import READY, targets_in
from core.tasks.catalogue import task as task_of
from core.tasks.task import Task
from core.tasks.thumbnails import thumbnails
from core.zoo.summary import Summary, summary
from core.zoo.zoo import DEFAULT, Neighbour, Zoo, find_zoo, open_zoo, version_of, zoo_ids
from dashboard.figures.pictures import on_paper
from dashboard.forecast import Pace, pace_of

DEFAULT_ZOO = DEFAULT
PICTURE = 64  # pixels
WAITED_FOR = (QUEUED, RUNNING, CANCELLING)


def zoo(name: str = DEFAULT_ZOO) -> Zoo:
    """A zoo by id, read anew once it was built again or replaced. Raises UnknownNameError, BadFileError."""
    folder = find_zoo(name)
    return _zoo(str(folder), version_of(folder))


@st.cache_resource(max_entries=4)
def _zoo(folder: str, version: str) -> Zoo:
    return open_zoo(Path(folder))


def summaries() -> tuple[list[Summary], dict[str, str]]:
    """(every zoo that is here and can be read, in a few numbers, by id; id -> what is wrong with each other one)."""
    found, broken = [], {}
    for id in zoo_ids():
        try:
            found.append(_summary(zoo(id), tuple((one.id, one.identity.words) for one in backbones())))
        except MetaVoteError as error:
            broken[id] = str(error)
    return found, broken


@st.cache_data(max_entries=64, hash_funcs={Zoo: lambda zoo: _identity(zoo)}, show_spinner=False)
def _summary(zoo: Zoo, here: tuple[tuple[str, str], ...]) -> Summary:
    return summary(zoo)


def _identity(zoo: Zoo) -> tuple[str, str]:
    """What reads of a zoo are cached by."""
    return str(zoo.path), zoo.version


# Here and below a resource, not data, is kept: data would be copied at each call, and nothing here changes.
@st.cache_resource(max_entries=64, hash_funcs={Zoo: _identity}, show_spinner=False)
def ranking(zoo: Zoo, task_id: str, similarity: str) -> tuple[Neighbour, ...]:
    """All zoo tasks by similarity to a target, stored or of the user's own, best first."""
    _, matrix = zoo.similarity(similarity)
    stored = next((task for task in zoo.targets if task.id == task_id), None)
    if stored is not None:
        return tuple(zoo.rank(stored, matrix[zoo.rows[task_id]], None))
    found = ranking_of(task_id, zoo)
    if found is None:
        raise MissingDataError(f"The zoo {zoo.id} has not been ranked for {task_id} yet: compose that target again.")
    return tuple(zoo.rank(task_of(task_id), found.similarities[similarity], None))


@st.cache_resource(max_entries=4, hash_funcs={Zoo: _identity}, show_spinner=False)
def titles(zoo: Zoo) -> dict[str, str]:
    """Zoo task id -> its classes in words. Kept, as lists of a large zoo's tasks are drawn at every click."""
    return {task.id: task.title for task in zoo.tasks}


def targets(zoo: Zoo) -> list[Task]:
    """The tasks that can be chosen as target: the zoo's, then the user's own that the zoo has been ranked for."""
    return [*zoo.targets, *(target.task for target in targets_in(zoo) if target.status == READY)]


def class_strip(dataset: str, name: str, images: int, paper: str) -> bytes | None:
    """The first training images of a class side by side on that colour, as PNG; None where there are none to show."""
    try:
        return _strip(dataset, name, images, paper)
    except LookupError:  # which is not cached: pictures may come to be there
        return None


@st.cache_data(max_entries=1024, ttl=3600, show_spinner=False)
def _strip(dataset: str, name: str, images: int, paper: str) -> bytes:
    tiles = thumbnails(dataset, name, images)
    if tiles is None:
        raise LookupError(name)
    output = BytesIO()
    shown = on_paper(tiles, paper) if dataset == "emoji" else tiles
    Image.fromarray(np.concatenate(list(shown), axis=1)).save(output, "PNG")
    return output.getvalue()


def task_of_run(record: RunRecord) -> Task | None:
    """The task of a run, looked up now and then; None where it is gone, such as a folder of images."""
    try:
        return _task(record.config.task)
    except MetaVoteError:
        return None


@st.cache_data(max_entries=256, ttl=600, show_spinner=False)
def _task(id: str) -> Task:
    return task_of(id)


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


def log_tail(run_id: str) -> str:
    """The last lines of a run's log, "" where it has none."""
    return _tail(store().log_path(run_id))


def worker_lives() -> bool:
    """Whether a process works on the queue, or is about to."""
    return holder(store().database) is not None


def worker_log_tail() -> str:
    """The last lines of what workers of the queue have said, "" where they have said nothing."""
    return _tail(store().folder / queue.LOG)


def _tail(path: Path, lines: int = 12) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.is_file() else ""


def queue_position(run_id: str, waiting: Sequence[RunRecord]) -> int:
    """A queued run's place among those that wait, 1 for the next; `waiting` is newest first."""
    ids = [record.id for record in reversed(waiting)]
    return ids.index(run_id) + 1 if run_id in ids else 1


def writable() -> bool:
    """Whether runs can be added and changed, looked up now and then; a store that is read-only can still be read."""
    return _writable(str(home()))


@st.cache_data(max_entries=4, ttl=20, show_spinner=False)
def _writable(folder: str) -> bool:
    return store().writable()


def look_again() -> None:
    """Ask anew whether the store can be written. A callback."""
    _writable.clear()


def known_tags() -> list[str]:
    """All tags that the newest runs have, in alphabetical order."""
    return sorted({tag for record in recent_runs(500) for tag in record.tags})


def active_count() -> int:
    """How many runs wait or are being worked on."""
    return sum(current(record) in WAITED_FOR for record in recent_runs(100))


def pace(method: str) -> Pace:
    """How fast this machine is, from its own finished runs."""
    return pace_of(store().list(status=FINISHED, limit=200), method)


def dense_params(record: RunRecord) -> int | None:
    """Parameters of the unpruned network of a run, None where its zoo or task is not here to say."""
    if record.config.zoo is None:
        return None
    task = task_of_run(record)
    try:
        found = zoo(record.config.zoo)
    except MetaVoteError:
        return None
    if task is None or found.layers is None or found.about.get("backbone") != record.config.backbone:
        return None
    return found.layers.size(found.groups, len(task.classes)).params

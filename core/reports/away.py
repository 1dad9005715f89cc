"""Taking a run away, as pages ask for it: its files and its latency, made by a process of its own. Torch-free."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import BadValueError, MissingDataError
from core.runs import jobs
from core.runs.jobs import Progress
from core.runs.processes import this_worker
from core.runs.record import CANCELLED, FAILED, FINISHED, LOST, WITH_WORKER
from core.runs.status import current
from core.runs.store import Store
from core.workers import detached

FORMATS = {"safetensors": ".safetensors", "onnx": ".onnx", "torch": ".pt2"}  # format -> usual ending
MODULE = "core.reports.worker"
FILES, LATENCY = "files", "latency"  # what its process can be asked for
MADE = "made.json"
THREADS = 1  # of the process that makes files; one that measures takes as many as it is told
NOTHING, AT_WORK, STOPPED = "nothing", "at work", "stopped"


@dataclass(frozen=True)
class Job:
    """What a process of this kind does: `state` is NOTHING, AT_WORK, or STOPPED, which has an error or a log."""

    state: str
    progress: Progress = field(default_factory=Progress)
    log: str = ""


@dataclass(frozen=True)
class Made:
    """The files made of a run: format -> file, their card, why a format was not made, and how each was checked."""

    files: Mapping[str, Path]
    card: Path
    refused: Mapping[str, str]
    checks: Mapping[str, str]


def finished_model(store: Store, run_id: str) -> Path:
    """The file of a finished run's pruned model. Raises UnknownNameError, BadValueError, MissingDataError."""
    status = current(store.get(run_id))
    if status != FINISHED:
        remedy = f"export it when it has (python -m core runs show {run_id})"
        if status in (CANCELLED, FAILED, LOST):
            remedy = f"let it go on (python -m core runs resume {run_id}) and export it then"
        raise BadValueError(f"Run {run_id} is {status} and has not finished: {remedy}.")
    source = store.model_path(run_id)
    if not source.exists():
        raise MissingDataError(f"The model of run {run_id} is gone from the store's folder: run it again.")
    return source


def in_training(store: Store) -> str | None:
    """The id of a run that trains on this machine now, None where none does."""
    here = this_worker().machine
    at_work = [record for status in WITH_WORKER for record in store.list(status=status)]
    return next((one.id for one in at_work if one.machine == here and current(one) in WITH_WORKER), None)


def ask_for_files(store: Store, run_id: str) -> None:
    """Have every file of a finished run made, unless that is under way."""
    finished_model(store, run_id)
    _start(store, files_folder(store, run_id), FILES, [run_id])


def ask_for_latency(store: Store, run_ids: Sequence[str]) -> None:
    """Have the latency of finished runs measured, one after the other.

    BadValueError while a run trains on this machine or others are measured.
    """
    for run_id in run_ids:
        finished_model(store, run_id)
    check_quiet(store)
    if jobs.worker_of(latency_folder(store)) is not None:
        raise BadValueError("Another latency is being measured, and two at once would slow each other: wait for it.")
    _start(store, latency_folder(store), LATENCY, list(run_ids))


def check_quiet(store: Store) -> None:
    """Raise BadValueError where a run trains on this machine."""
    if (busy := in_training(store)) is not None:
        raise BadValueError(
            f"Run {busy} trains on this machine, which would slow down what is measured: wait until it has ended, or "
            "cancel it."
        )


def files_folder(store: Store, run_id: str) -> Path:
    """Where the files of a run are made."""
    return store.run_folder(run_id) / "files"


def card_file(store: Store, run_id: str) -> Path:
    """Where the card of a run's files is."""
    return files_folder(store, run_id) / f"{run_id}.md"


def latency_folder(store: Store) -> Path:
    """Where the one process that measures says how far it is."""
    return store.folder / "latency"


def job(folder: Path) -> Job:
    """What a process in a folder does, or what it ended with."""
    progress = jobs.progress_of(folder)
    if jobs.worker_of(folder) is not None:
        return Job(AT_WORK, progress)
    began = (folder / jobs.WORKER).exists()
    if progress.error or (began and progress.done < max(1, progress.total)):
        return Job(STOPPED, progress, jobs.log_tail(folder))
    return Job(NOTHING, progress)


def made(store: Store, run_id: str) -> Made | None:
    """The files of a run; None where they were not made, or made of an earlier model."""
    folder = files_folder(store, run_id)
    try:
        told: dict[str, dict[str, Any]] = json.loads((folder / MADE).read_text())
        if store.model_path(run_id).stat().st_mtime > (folder / MADE).stat().st_mtime:
            return None
    except (OSError, ValueError):
        return None
    files = {to: folder / f"{run_id}{FORMATS[to]}" for to in FORMATS if to in told["checks"]}
    return Made(
        {to: file for to, file in files.items() if file.is_file()},
        card_file(store, run_id),
        told["refused"],
        told["checks"],
    )


def _start(store: Store, folder: Path, what: str, run_ids: Sequence[str]) -> None:
    environment = {"METAVOTE_STORE": store.url} if store.url else None
    jobs.start(
        folder,
        lambda: detached(
            MODULE,
            what,
            *run_ids,
            log=folder / jobs.LOG,
            threads=THREADS,
            folder=store.folder,
            fresh_log=True,
            environment=environment,
        ),
    )

"""Runs out to other people's trackers, through their own libraries: TensorBoard files, or an MLflow server or database.

Of each run its curves by iteration at the times they happened, its settings, and what it came to.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.paths import expanded
from core.pruning.events import Evaluation, Finished, Pruned, RecordedEvent, Step
from core.runs.record import CANCELLED, ENDED, FAILED, FINISHED, RunRecord
from core.runs.store import Store

PACKAGES = {"tensorboard": ("tensorboard",), "mlflow": ("mlflow", "alembic")}
INSTALL = {"tensorboard": "tensorboard", "mlflow": "mlflow-skinny alembic"}
EXPERIMENT = "Meta-Vote Studio"
STATUSES = {FINISHED: "FINISHED", CANCELLED: "KILLED", FAILED: "FAILED"}  # ours -> MLflow's
RUN_TAG = "metavote.run"  # on a run that MLflow has whole: the id it has here
HALF_TAG = "metavote.half"  # the same on one that is on its way
TAGS_TAG = "metavote.tags"
AT_ONCE = 1000  # metrics in one call that MLflow takes
WORDS = 500  # characters of a setting


_CLOCK = ("iteration", "seconds")
# Kind of event -> what its scalars are called, and which of its numbers they are (all where none is named).
_NAMED: dict[str, tuple[str, tuple[str, ...]]] = {
    Step.kind: ("train", ()),
    Evaluation.kind: ("validation", ()),
    Pruned.kind: ("size", ("channel_sparsity", "params", "macs")),
    Finished.kind: ("test", ("test_accuracy", "test_balanced_accuracy", "test_top5_accuracy")),
}


@dataclass(frozen=True)
class Scalar:
    """A value at an iteration; `when` in seconds since the epoch."""

    name: str
    value: float
    iteration: int
    when: float


@dataclass(frozen=True)
class Told:
    """All that a tracker is told of a run."""

    record: RunRecord
    scalars: Sequence[Scalar]
    settings: Mapping[str, str | float | bool]
    results: Mapping[str, float]


def export_to(tracker: str, store: Store, records: Sequence[RunRecord], to: str) -> tuple[list[str], list[str]]:
    """Hand ended runs to a tracker: (ids handed over, ids that were there already).

    to: a folder for "tensorboard", a tracking URI such as sqlite:///runs.db for "mlflow". Raises UnknownNameError,
    MissingDataError for a library that is not installed, BadValueError for a run going on, MetaVoteError.
    """
    if tracker not in PACKAGES:
        raise UnknownNameError("tracker", tracker, PACKAGES)
    if any(find_spec(name) is None for name in PACKAGES[tracker]):
        raise MissingDataError(
            f"Exporting to {tracker} needs a library that is not installed: pip install {INSTALL[tracker]}"
        )
    if unfinished := [record.id for record in records if record.status not in ENDED]:
        raise BadValueError(f"Run {unfinished[0]} has not ended: wait for it, or cancel it.")
    told = [told_of(store, record) for record in records]
    return _to_tensorboard(told, expanded(to)) if tracker == "tensorboard" else _to_mlflow(told, to)


def told_of(store: Store, record: RunRecord) -> Told:
    """What there is to tell of a run."""
    events = [event for _, event in store.events(record.id)]
    began = record.started or record.created
    config = record.config.to_dict()
    settings = {name: _setting(value) for name, value in config.items() if value not in (None, [])}
    return Told(record, list(scalars_of(events, began)), settings, results_of(record))


def scalars_of(events: Sequence[RecordedEvent], began: float) -> Iterator[Scalar]:
    """The curves in events: loss and rate of training, accuracy and loss on validation, sizes, test accuracy."""
    for event in events:
        prefix, names = _NAMED.get(event.kind, ("", ()))
        told = event.to_dict()
        for name in names or told:
            # what is not there, or no number, as a loss may be, no tracker takes
            if prefix and name not in _CLOCK and _is_number(told.get(name)):
                yield Scalar(f"{prefix}/{name}", float(told[name]), event.iteration, began + event.seconds)


def results_of(record: RunRecord) -> dict[str, float]:
    """What a finished run came to: test accuracy, sizes achieved, costs; numbers alone."""
    result = record.result or {}
    found = {name: value for name, value in result.items() if name not in _CLOCK} | (result.get("achieved") or {})
    found |= {f"dense_{name}": value for name, value in (result.get("dense") or {}).items()}
    found |= {f"cost_{name}": value for name, value in (result.get("cost") or {}).items()}
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _setting(value: Any) -> str | float | bool:
    if isinstance(value, bool) or _is_number(value):
        return value  # type: ignore[no-any-return]
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value))[:WORDS]


def _to_tensorboard(told: Sequence[Told], folder: Path) -> tuple[list[str], list[str]]:
    """A folder a run; one that is there already is replaced once its successor is written whole."""
    from torch.utils.tensorboard.summary import hparams
    from torch.utils.tensorboard.writer import SummaryWriter

    for one in told:
        own, half = folder / one.record.id, folder / f".{one.record.id}.half"
        try:
            shutil.rmtree(half, ignore_errors=True)
            with SummaryWriter(str(half)) as writer:
                for scalar in one.scalars:
                    writer.add_scalar(scalar.name, scalar.value, scalar.iteration, scalar.when)
                results = {f"result/{name}": value for name, value in one.results.items()}
                for name, value in results.items():
                    writer.add_scalar(name, value, one.record.config.iterations, one.record.ended)
                for part in hparams(dict(one.settings), results):  # type: ignore[no-untyped-call]
                    writer.file_writer.add_summary(part)
            shutil.rmtree(own, ignore_errors=True)
            half.replace(own)
        except OSError as error:
            raise MetaVoteError(f"{own} cannot be written ({error.strerror}): choose another place.") from error
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return [one.record.id for one in told], []


def _to_mlflow(told: Sequence[Told], uri: str) -> tuple[list[str], list[str]]:
    """A run each in the experiment "Meta-Vote Studio"; what is there whole is left, what is there by half goes."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    handed: list[str] = []
    known: list[str] = []
    try:
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        for one in told:
            if client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{one.record.id}'", max_results=1):
                known.append(one.record.id)
                continue
            for half in client.search_runs([experiment], f"tags.`{HALF_TAG}` = '{one.record.id}'"):
                client.delete_run(half.info.run_id)
            _log(client, experiment, one)
            handed.append(one.record.id)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise MetaVoteError(
            f"MLflow at {uri} took not all runs ({reason}): give the address of a server, or sqlite:///runs.db."
        ) from error
    return handed, known


def _log(client: Any, experiment: str, one: Told) -> None:
    """One run with its settings, curves, results and tags, the tag by which it is known last of all."""
    from mlflow.entities import Metric, Param, RunTag

    record = one.record
    began, ended = (round(1000 * (when or record.created)) for when in (record.started, record.ended))
    params = [Param(name, str(value)) for name, value in one.settings.items()]
    tags = [RunTag("mlflow.note.content", record.notes), RunTag(TAGS_TAG, ", ".join(record.tags))]
    metrics = [Metric(one.name, one.value, round(1000 * one.when), one.iteration) for one in one.scalars]
    metrics += [Metric(f"result/{name}", value, ended, 0) for name, value in one.results.items()]
    with _whole_or_not_at_all(client, experiment, record.id, began) as run:
        client.log_batch(run, params=params, tags=tags)
        for start in range(0, len(metrics), AT_ONCE):
            client.log_batch(run, metrics=metrics[start : start + AT_ONCE])
        client.set_terminated(run, STATUSES[record.status], ended)
        client.set_tag(run, RUN_TAG, record.id)
    client.delete_tag(run, HALF_TAG)


@contextmanager
def _whole_or_not_at_all(client: Any, experiment: str, run_id: str, began: int) -> Iterator[str]:
    """A new run in MLflow, by its id there; deleted where what is done with it fails."""
    run: str = client.create_run(experiment, began, {HALF_TAG: run_id}, run_id).info.run_id
    try:
        yield run
    except BaseException:
        with suppress(Exception):  # where it cannot be deleted either, the next transfer does
            client.delete_run(run)
        raise

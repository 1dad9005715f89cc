"""Runs as one file, to be passed on: records and events as JSON lines, and their models where asked for.

Torch-free. A run keeps its id on the way, so that a file can be imported again, or into the store it came from.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from core.bundle import open_bundle, write_bundle
from core.errors import BadFileError, BadValueError, MetaVoteError, StoreError
from core.files import write_whole
from core.pruning.config import RunConfig
from core.pruning.events import RecordedEvent, event_from_dict
from core.runs.latency import Latency
from core.runs.record import ENDED, RunRecord
from core.runs.rows import LATENCY, UNREADABLE, dumps, loads
from core.runs.sound import check_event, check_whole
from core.runs.store import Store
from core.schema import is_text

FORMAT = 1
WHAT = "file of runs"
_LINES = "runs.jsonl"
_MODEL = re.compile(r"models/([a-z0-9][a-z0-9-]{0,79})\.safetensors")
_KEPT = ("status", "created", "started", "ended", "error", "result", "tags", "notes")
_Entry: TypeAlias = tuple[str, RunConfig, dict[str, Any], list[dict[str, Any]]]  # id, config, the rest, events


def pack(store: Store, records: Sequence[RunRecord], file: Path, models: bool = False) -> int:
    """Write ended runs to one file; returns its size in bytes. Raises BadValueError for a run still going on."""
    if unfinished := [record.id for record in records if record.status not in ENDED]:
        raise BadValueError(f"Run {unfinished[0]} has not ended: wait for it, or cancel it.")
    return write_bundle(file, _members(store, records, models))


def _members(store: Store, records: Sequence[RunRecord], models: bool) -> Iterator[tuple[str, bytes]]:
    lines = [dumps({"format": FORMAT})]
    timed = store.latencies(record.id for record in records)
    for record in records:
        about = {name: value for name, value in record.to_dict().items() if name in _KEPT}
        happened = [event.to_dict() for _, event in store.events(record.id)]
        line = {"id": record.id, "config": record.config.to_dict(), **about, "events": happened}
        lines.append(dumps(line | ({LATENCY: timed[record.id]} if record.id in timed else {})))
    yield _LINES, "\n".join([*lines, ""]).encode()
    for record in records:
        if models and store.model_path(record.id).exists():
            yield f"models/{record.id}.safetensors", store.model_path(record.id).read_bytes()


def unpack(store: Store, file: Path) -> tuple[list[str], list[str]]:
    """Add a file's runs to the store, all or none: (ids added, ids that were there already).

    Raises BadFileError; BadValueError where another run has the id of one in the file.
    """
    with open_bundle(file, lambda name: name == _LINES or _MODEL.fullmatch(name) is not None, WHAT) as bundle:
        entries = _read(bundle.text(_LINES), file.name)
        models = {match[1]: name for name in bundle.names if (match := _MODEL.fullmatch(name))}
        records, broken = store.listing()
        known = {record.id: record.config for record in records}
        for run_id, config, _, _ in entries:
            if run_id in broken:
                raise BadValueError(broken[run_id])
            if known.get(run_id, config) != config:
                raise BadValueError(f"Another run is called {run_id} here: delete it, or import into a fresh store.")
        new = [entry for entry in entries if entry[0] not in known]
        with _all_or_none(store) as written:
            for run_id in models.keys() & {entry[0] for entry in new}:
                written.append(run_id)
                write_whole(store.model_path(run_id), bundle.read(models[run_id]))
            store.restore(
                (id, config, about, (event_from_dict(one) for one in happened)) for id, config, about, happened in new
            )
    return [entry[0] for entry in new], [entry[0] for entry in entries if entry[0] in known]


def recorded(file: Path) -> list[tuple[RunRecord, list[RecordedEvent]]]:
    """The runs in a file, each with its events, without a store to put them in. Raises BadFileError."""
    with open_bundle(file, lambda name: name == _LINES or _MODEL.fullmatch(name) is not None, WHAT) as bundle:
        entries = _read(bundle.text(_LINES), file.name)
    return [
        (
            RunRecord(run_id, config, **{name: about[name] for name in _KEPT} | {"tags": tuple(about["tags"])}),
            [event_from_dict(one) for one in happened],
        )
        for run_id, config, about, happened in entries
    ]


@contextmanager
def _all_or_none(store: Store) -> Iterator[list[str]]:
    """A list of runs, whose models go where what is done meanwhile fails; not those that came in another way."""
    written: list[str] = []
    try:
        yield written
    except BaseException as error:
        there = _held(store, written)
        for run_id in set(written) - there:
            store.model_path(run_id).unlink(missing_ok=True)
        if isinstance(error, StoreError) and there:
            raise BadValueError("The same runs came in from elsewhere meanwhile: import the file again.") from error
        raise


def _held(store: Store, run_ids: list[str]) -> set[str]:
    """Those of these runs that the store holds; all of them where it does not say."""
    try:
        return {record.id for record in store.list(limit=None)} & set(run_ids)
    except StoreError:
        return set(run_ids)


def _read(text: str, name: str) -> list[_Entry]:
    try:
        head, *lines = [loads(line) for line in text.splitlines()]
        if head["format"] > FORMAT:
            raise BadFileError(f"{name} was written by a newer version: update this one to read it.")
        entries = [_entry(line, name) for line in lines]
        if len({entry[0] for entry in entries}) < len(entries):
            raise ValueError("a run twice")
    except UNREADABLE as error:
        raise _not_whole(name, "it is damaged or of another kind; export it again") from error
    return entries


def _not_whole(name: str, why: str) -> BadFileError:
    return BadFileError(f"{name} is not a valid {WHAT}: {why}.")


def _entry(line: Mapping[str, Any], name: str) -> _Entry:
    """A run's line of a file of that name, once all of it has been checked: somebody else may have made it.

    Raises BadFileError, naming the run and the field; one of UNREADABLE for what is no run's line at all.
    """
    run_id = line["id"]
    if not is_text(run_id) or not _MODEL.fullmatch(f"models/{run_id}.safetensors"):
        raise ValueError(run_id)
    about = {key: line[key] for key in _KEPT} | {LATENCY: line.get(LATENCY)}
    try:
        config = RunConfig.from_dict(line["config"])
        check_whole(about)
        for event in line["events"]:
            check_event(event)
    except MetaVoteError as error:
        why = f"run {run_id} is damaged ({str(error).rstrip('.')}); export the file again without it"
        raise _not_whole(name, why) from error
    try:
        if about[LATENCY] is not None:
            Latency.from_dict(about[LATENCY])
    except BadFileError as error:
        raise BadFileError(
            f"{name} has no whole latency of run {run_id}: measure it anew where the file is from, and export it again."
        ) from error
    return run_id, config, about, line["events"]

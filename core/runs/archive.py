"""Runs as one file, to be passed on: records and events as JSON lines, and their models where asked for.

Torch-free. A run keeps its id on the way, so that a file can be imported again, or into the store it came from.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.bundle import open_bundle, write_bundle
from core.channels.files import write_whole
from core.errors import BadFileError, BadValueError, MetaVoteError
from core.pruning.config import RunConfig
from core.pruning.events import RecordedEvent, event_from_dict
from core.runs.record import ENDED, RunRecord
from core.runs.rows import dumps
from core.runs.store import Store

FORMAT = 1
WHAT = "file of runs"
_LINES = "runs.jsonl"
_MODEL = re.compile(r"models/([a-z0-9][a-z0-9-]{0,79})\.safetensors")
_LATENCY = "latency"  # of the runs that have one
_KEPT = ("status", "created", "started", "ended", "error", "result", "tags", "notes")


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
        lines.append(dumps(line | ({_LATENCY: timed[record.id]} if record.id in timed else {})))
    yield _LINES, "\n".join([*lines, ""]).encode()
    for record in records:
        if models and store.model_path(record.id).exists():
            yield f"models/{record.id}.safetensors", store.model_path(record.id).read_bytes()


def unpack(store: Store, file: Path) -> tuple[list[str], list[str]]:
    """Add a file's runs to the store: (ids added, ids that were there already). All of it is read before any is added.

    Raises BadFileError; BadValueError where another run has the id of one in the file.
    """
    with open_bundle(file, lambda name: name == _LINES or _MODEL.fullmatch(name) is not None, WHAT) as bundle:
        entries = _read(bundle.text(_LINES), file.name)
        models = {match[1]: name for name in bundle.names if (match := _MODEL.fullmatch(name))}
        known = {record.id: record.config for record in store.list(limit=None)}
        for run_id, config, _, _ in entries:
            if known.get(run_id, config) != config:
                raise BadValueError(f"Another run is called {run_id} here: delete it, or import into a fresh store.")
        new = [entry for entry in entries if entry[0] not in known]
        for run_id in models.keys() & {entry[0] for entry in new}:
            write_whole(store.model_path(run_id), bundle.read(models[run_id]))
        store.restore(
            (id, config, about, (event_from_dict(one) for one in happened)) for id, config, about, happened in new
        )
        for id, _, about, _ in new:
            if about[_LATENCY] is not None:
                store.set_latency(id, about[_LATENCY])
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


def _read(text: str, name: str) -> list[tuple[str, RunConfig, dict[str, Any], list[dict[str, Any]]]]:
    try:
        head, *lines = [json.loads(line) for line in text.splitlines()]
        if head["format"] > FORMAT:
            raise BadFileError(f"{name} was written by a newer version: update this one to read it.")
        entries = []
        for line in lines:
            for event in line["events"]:
                event_from_dict(event)
            about = {key: line[key] for key in _KEPT} | {_LATENCY: line.get(_LATENCY)}
            if not isinstance(about[_LATENCY], dict | None):
                raise TypeError(_LATENCY)
            if about["status"] not in ENDED or not _MODEL.fullmatch(f"models/{line['id']}.safetensors"):
                raise ValueError(line["id"])
            entries.append((line["id"], RunConfig.from_dict(line["config"]), about, line["events"]))
    except BadFileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, MetaVoteError) as error:
        raise BadFileError(
            f"{name} is not a whole {WHAT}: it is damaged or of another kind; export it again."
        ) from error
    return entries

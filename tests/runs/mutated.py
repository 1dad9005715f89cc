"""A run as a file of runs has it, and ways to damage one field of it; without a store."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, Step

Place = tuple[str | int, ...]
CLASSES = {name: {"train": 30, "validation": 9, "test": 9, "accuracy": 0.7} for name in ("tool", "plant")}
INPUTS = {"backbone_hash": "0" * 64, "image_size": 32, "data": "1" * 64}
REQUESTED = {"keep": 0.2, "of": "channels", "allocation": "uniform", "least_width": 1, "multiple": 1, "iterations": 4}
COST = {"seconds": 5.0, "cpu_seconds": 4.0, "iterations": 4, "macs": 10**9, "energy_kwh": 1e-5, "co2e_grams": 0.01}
SLIM, DENSE = {"params": 40_000, "macs": 500_000}, {"params": 1_000_000, "macs": 9_000_000}
ACHIEVED = {"keep": 0.2, "channel_sparsity": 0.8, "share": 0.2, "deviation": 0.0, **SLIM}
END = Finished(4, 0.7, COST, REQUESTED, ACHIEVED, DENSE, 5.0, 0.7, 0.9, CLASSES, 2, INPUTS)
EVENTS = (
    PhaseChanged("selecting", 0, 0.1),
    Pruned(0, {"conv1": 2, "layer1": 4}, {"conv1": 10, "layer1": 20}, 0.8, 40_000, 500_000, 0.2),
    Step(1, 1.0, 0.02, 0.3),
    Evaluation(4, 0.7, 0.9, 4.5, 0.7, (0.7, None), 0.9),
    END,
)
# Values of other kinds, each of which JSON can hold in one way or another.
WRONG: tuple[Any, ...] = (
    None, True, "abc", "", "\ud800", "\0", [], {}, [[]], {"a": {}}, -1, -0.5, 0.5, 2**63, 10**30, 10**400, 1e300,
    float("nan"), float("inf"),
)  # fmt: skip


def line_of(id: str = "mvp-emoji-t01-0001", **settings: object) -> dict[str, Any]:
    """A valid line of a file of runs, as `json.loads` reads it."""
    config = RunConfig(**({"task": "emoji-t01", "iterations": 4} | settings))  # type: ignore[arg-type]
    return json.loads(json.dumps({  # type: ignore[no-any-return]
        "id": id, "config": config.to_dict(), "status": "finished", "created": 1.7e9, "started": 1.7e9, "ended": 1.7e9,
        "error": None, "result": END.to_dict(), "tags": ["a"], "notes": "some", "events": [e.to_dict() for e in EVENTS],
    }))  # fmt: skip


def file_of(file: Path, *lines: Any) -> Path:
    """A file of runs with these lines."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("runs.jsonl", "\n".join(map(json.dumps, ({"format": 1}, *lines))))
    return file


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where every value in plain data is, the outermost left out."""
    if here:
        yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*here, key))


def put(value: Any, place: Place, other: Any) -> Any:
    """The data with another value at a place; what was there is not changed."""
    if not place:
        return other
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[place[0]] = put(value[place[0]], place[1:], other)
    return changed

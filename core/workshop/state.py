"""Orders, and how far each is, as its files and its process say. Torch-free.

METAVOTE_HOME/workshop/<id>/order.json   what was asked for
                           /...          what came with it: a recipe, an uploaded file
                           /done.json    what came of it; that, collapsed.json and `core.runs.jobs`' files are the
                                         process's
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UnknownNameError
from core.files import write_whole
from core.paths import home
from core.runs import jobs
from core.runs.jobs import Progress

BUILD, IMPORT, MERGE, BACKBONE = "build", "import", "merge", "backbone"
WORKING, DONE, FAILED, CANCELLED, LOST = "working", "done", "failed", "cancelled", "lost"
ORDER, RESULT, STOPPED, COLLAPSED = "order.json", "done.json", "cancelled", "collapsed.json"
RECIPE = "recipe.yaml"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True)
class Order:
    """What was asked for: its kind, the name of what is to come of it, and what its kind needs to know.

    created: in seconds since the epoch.
    """

    id: str
    kind: str
    name: str
    created: float
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where all that belongs to it is."""
        return folder_of(self.id)


@dataclass(frozen=True)
class State:
    """An order, one of WORKING, DONE, FAILED, CANCELLED, LOST, what its process last said, and what came of it."""

    order: Order
    status: str
    progress: Progress
    result: Mapping[str, Any] = field(default_factory=dict)


def root() -> Path:
    """Where orders are kept."""
    return home() / "workshop"


def folder_of(id: str) -> Path:
    """Where all that belongs to an order is. Raises UnknownNameError for what can be the id of none."""
    if not _ID.fullmatch(id):
        raise UnknownNameError("order", id, [])
    return root() / id


def keep(order: Order) -> None:
    """Write an order down."""
    write_whole(order.folder / ORDER, json.dumps(asdict(order)).encode())


def order_of(id: str) -> Order:
    """The order of that id. Raises UnknownNameError where there is none that can be read."""
    try:
        return Order(**json.loads((folder_of(id) / ORDER).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UnknownNameError("order", id, [path.parent.name for path in root().glob(f"*/{ORDER}")]) from error


def finish(order: Order, result: Mapping[str, Any]) -> None:
    """Write down what came of an order."""
    write_whole(order.folder / RESULT, json.dumps(dict(result)).encode())


def has_collapsed(order: Order) -> bool:
    """Whether a build came to nothing by models that collapsed, which they would again."""
    return (order.folder / COLLAPSED).is_file()


def collapsed(order: Order) -> tuple[str, ...]:
    """The tasks, by id, that a build came to nothing by, where it can go on without them."""
    try:
        return tuple(map(str, json.loads((order.folder / COLLAPSED).read_text())))
    except (OSError, ValueError):
        return ()


def state_of(order: Order) -> State:
    """How far an order is."""
    progress, folder = jobs.progress_of(order.folder), order.folder
    if (folder / RESULT).is_file():
        return State(order, DONE, progress, json.loads((folder / RESULT).read_text()))
    if (folder / STOPPED).is_file():
        return State(order, CANCELLED, progress)
    if jobs.worker_of(folder) is not None:
        return State(order, WORKING, progress)
    return State(order, FAILED if progress.error else LOST, progress)


def states() -> list[State]:
    """All orders that can be read, the newest first."""
    found = []
    for file in root().glob(f"*/{ORDER}"):
        try:
            found.append(state_of(order_of(file.parent.name)))
        except (UnknownNameError, ValueError):
            continue
    return sorted(found, key=lambda one: -one.order.created)

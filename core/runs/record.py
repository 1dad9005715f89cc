"""What the store knows about one run, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.pruning.config import RunConfig

QUEUED, RUNNING, CANCELLING = "queued", "running", "cancelling"
CANCELLED, FINISHED, FAILED = "cancelled", "finished", "failed"
LOST = "lost"
STORED = (QUEUED, RUNNING, CANCELLING, CANCELLED, FINISHED, FAILED)
WITH_WORKER = (RUNNING, CANCELLING)
ENDED = (CANCELLED, FINISHED, FAILED)


@dataclass(frozen=True)
class RunRecord:
    """A run as stored. Times are seconds since the epoch.

    `status` is the stored one; `core.runs.status.current` knows better where the worker died ("lost"). `machine`,
    `pid` and `process_started` together identify the worker. `attempt` counts how often a worker took the run up; when
    it grew, events may have been rewritten. `result` is the data of the `Finished` event.
    """

    id: str
    config: RunConfig
    status: str
    created: float
    started: float | None = None
    ended: float | None = None
    error: str | None = None
    machine: str | None = None
    pid: int | None = None
    process_started: float | None = None
    heartbeat: float | None = None
    attempt: int = 0
    result: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"config": self.config.to_dict(), "tags": list(self.tags)}

"""The sample runs that ship, which the dashboard plays as recordings: `python -m benchmarks.sample`.

Make them on an idle machine: their seconds are those of this machine, and everything else is the same on any.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from core.paths import ASSETS
from core.pruning.config import RunConfig
from core.pruning.events import Checkpoint, Slimmed
from core.runs.archive import pack
from core.runs.execute import events_of
from core.runs.record import FINISHED
from core.runs.store import Store

TO = ASSETS / "sample-runs.zip"
# The vote, and the method that prunes round by round, on the same task with the same seed.
WANTED = {
    "mvp-emoji-t03-06b5": RunConfig("emoji-t03", "mvp", iterations=60, threads=1),
    "taylor-emoji-t03-28cf": RunConfig("emoji-t03", "taylor", iterations=120, threads=1),
}


def write(target: Path = TO, wanted: Mapping[str, RunConfig] = WANTED) -> int:
    """Run them and write the file; returns its size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/runs.db", Path(folder))
        try:
            for run_id, config in wanted.items():
                started = time.time()
                happened = [event for event in events_of(config) if not isinstance(event, Checkpoint | Slimmed)]
                result = {name: value for name, value in happened[-1].to_dict().items() if name != "kind"}
                about = {
                    "status": FINISHED, "created": started, "started": started, "ended": time.time(), "error": None,
                    "notes": "", "tags": [], "result": result,
                }  # fmt: skip
                store.restore([(run_id, config, about, happened)])
            return pack(store, [store.get(run_id) for run_id in wanted], target)
        finally:
            store.close()


if __name__ == "__main__":
    print(f"{TO.name}: {write():,} bytes", file=sys.stderr)

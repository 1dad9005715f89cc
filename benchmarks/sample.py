"""The sample runs that ship, taken from the study's own: `python -m benchmarks.sample`."""

import sys
import tempfile
from pathlib import Path

from core.paths import ASSETS
from core.runs.archive import pack, recorded
from core.runs.store import Store

FROM = Path(__file__).parent / "study-runs.zip"
TO = ASSETS / "sample-runs.zip"
# The vote, and the method that prunes round by round, on the same task with the same seed.
WANTED = ("mvp-emoji-t03-06b5", "taylor-emoji-t03-28cf")


def write(source: Path = FROM, target: Path = TO) -> int:
    """Write the file; returns its size in bytes. The runs are as they happened, without their tags."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/runs.db", Path(folder))
        try:
            for record, events in recorded(source):
                if record.id in WANTED:
                    store.restore([(record.id, record.config, {**record.to_dict(), "tags": []}, events)])
            return pack(store, [store.get(id) for id in WANTED], target)
        finally:
            store.close()


if __name__ == "__main__":
    print(f"{TO.name}: {write():,} bytes", file=sys.stderr)

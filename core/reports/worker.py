"""The process that makes a run's files, or measures latency: `python -m core.reports.worker files|latency RUN...`."""

import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from core.channels.files import load_pruned
from core.errors import MetaVoteError
from core.files import write_whole
from core.reports.away import FILES, FORMATS, MADE, card_file, files_folder, finished_model, latency_folder
from core.reports.card import Way, card
from core.reports.export import facts_of, in_format, way_of
from core.runs.jobs import Progress, say
from core.runs.store import Store
from core.tasks import allowed

Told = Callable[[int, int, str], None]


def make_files(store: Store, run_id: str, told: Told) -> None:
    """Write a run's model in every format, and its card, into its folder. Raises as `finished_model`, BadFileError."""
    source = finished_model(store, run_id)
    model, folder = load_pruned(source), files_folder(store, run_id)
    refused: dict[str, str] = {}
    ways: dict[str, Way] = {}
    for number, (to, ending) in enumerate(FORMATS.items()):
        told(number, len(FORMATS), to)
        file = folder / f"{run_id}{ending}"
        try:
            content, check = in_format(model, to, run_id, source)
            write_whole(file, content)
            ways[to] = way_of(model, to, file.name, check)
        except MetaVoteError as error:
            refused[to] = str(error)
    write_whole(card_file(store, run_id), card(model, facts_of(store, model, run_id, list(ways.values()))).encode())
    checks = {to: way.check for to, way in ways.items()}
    write_whole(folder / MADE, json.dumps({"refused": refused, "checks": checks}).encode())
    told(len(FORMATS), len(FORMATS), "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line. Returns the exit code: 0 done, 1 failed; the reason is left for people to read."""
    allowed.restrict()  # may run for a dashboard visitor
    what, *run_ids = sys.argv[1:] if arguments is None else arguments
    store, started = Store(), time.time()
    folder: Path = files_folder(store, run_ids[0]) if what == FILES else latency_folder(store)
    named = " ".join(run_ids)

    def told(done: int, total: int, doing: str) -> None:
        say(folder, Progress(done, total, started, time.time(), doing=doing or named))

    try:
        if what == FILES:
            make_files(store, run_ids[0], told)
        else:
            from core.reports.measure import measured

            measured(store, run_ids, told=told)
    except MetaVoteError as error:
        say(folder, Progress(error=str(error), doing=named))
        return 1
    except Exception as error:
        traceback.print_exc()
        reason = f"It stopped ({type(error).__name__}): read the last lines of its log, and try again."
        say(folder, Progress(error=reason, doing=named))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

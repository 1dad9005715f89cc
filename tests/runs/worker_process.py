"""A worker in a process of its own: `python -m tests.runs.worker_process GENERATOR`."""

import argparse
import functools

from core.runs.processes import this_worker
from core.runs.store import Store
from core.runs.worker import work
from tests.runs import generators

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("generator")
    parser.add_argument("--pace", type=float)
    parser.add_argument("--linger", type=float, default=0.0)
    parser.add_argument("--only")
    given = parser.parse_args()
    store = Store()
    if given.generator == "claim":  # take runs and do nothing with them
        while (record := store.claim(this_worker())) is not None:
            print(record.id)
    else:
        events_of = getattr(generators, given.generator)
        if given.pace is not None:
            events_of = functools.partial(events_of, pace=given.pace)
        work(store, given.only, given.linger, events_of, generators.save_tensors)

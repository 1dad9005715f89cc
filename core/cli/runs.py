"""`runs` and `compare`: what has been run, one run at a time and many side by side."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, console, say, table
from core.cli.parser import Verbs, one_of, place, whole
from core.errors import BadValueError
from core.numbers import counted, megabytes

if TYPE_CHECKING:
    from rich.console import Console

    from core.runs.record import RunRecord
    from core.runs.store import Store

FORMATS = ("table", "json", "csv", "markdown")
LEFT_OUT = "with controls, with rivals that trained less and got less, or that lose more accuracy (--json has all)"

NONE = "There are no such runs: make one with python -m core prune TASK"


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    parser = verbs.add(
        "runs", list_runs, "List runs, newest first; show, cancel, resume or delete one; pass many on as one file.",
        "runs --status finished\nruns show RUN\nruns resume RUN\n"
        "runs export study.zip --tag study\nruns import study.zip\nruns export-to tensorboard --tag study --to logs",
    )  # fmt: skip
    _add_filters(parser)
    parser.add_argument("--limit", type=whole(1), metavar="N", help="only the newest N")
    within = Verbs(parser, metavar="ACTION", required=False)
    for name, verb, line in (
        ("show", show, "Show one run: what was asked for and reached, its curve, its cost."),
        ("cancel", cancel, "Stop a run within seconds; it can be resumed."),
        ("resume", resume, "Queue a cancelled, failed or lost run again; it goes on from its last checkpoint."),
        ("delete", delete, "Delete a run with its events and files."),
    ):
        one = within.add(name, verb, line, f"runs {name} RUN")
        one.add_argument("run", metavar="RUN", help="a run's id (see 'runs')")
    line = "Write runs that have ended to one file, with their curves; without a filter, all of them."
    one = within.add("export", export_runs, line, "runs export study.zip --tag study\nruns export all.zip --models")
    one.add_argument("file", type=place, metavar="FILE", help="the file to write")
    _add_filters(one)
    one.add_argument("--models", action="store_true", help="their slim models too")
    one = within.add("import", import_runs, "Add the runs of a file to the store.", "runs import study.zip")
    one.add_argument("file", type=place, metavar="FILE", help="a file that 'runs export' wrote")

    line = "Hand runs that have ended to a tracker: TensorBoard files, or MLflow's server or database."
    one = within.add("export-to", export_to, line,
                     "runs export-to tensorboard RUN RUN --to logs\n"
                     "runs export-to mlflow --tag study --to sqlite:///mlflow.db")  # fmt: skip
    one.add_argument("tracker", type=one_of("tracker", _trackers), metavar="TRACKER", help="tensorboard or mlflow")
    one.add_argument("runs", nargs="*", metavar="RUN", help="runs' ids; without, those that pass the filters")
    one.add_argument("--to", required=True, metavar="PLACE",
                     help="a folder for tensorboard; for mlflow a tracking URI, like sqlite:///mlflow.db")  # fmt: skip
    _add_filters(one)

    parser = verbs.add(
        "compare", compare, "Compare runs: a table of them, and a summary by variant and iterations.",
        "compare --task emoji-t00\ncompare --tag benchmark --baseline mvp --format markdown\n"
        "compare --all --summary --format csv",
    )  # fmt: skip
    parser.add_argument("runs", nargs="*", metavar="RUN", help="runs' ids")
    _add_filters(parser)
    parser.add_argument("--all", action="store_true", help="every run in the store")
    parser.add_argument("--baseline", metavar="NAME",
                        help="a run's id, or a method or variant to match at each row's keep ratio and iterations; "
                             "paired by task and seed (default: mvp)")  # fmt: skip
    parser.add_argument("--summary", action="store_true", help="only the summary (csv: instead of the runs)")
    parser.add_argument("--format", type=one_of("format", lambda: FORMATS), default="table", metavar="FORMAT",
                        help="table, json, csv or markdown (default: %(default)s)")  # fmt: skip


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", metavar="TASK", help="only runs on this task")
    parser.add_argument("--method", type=one_of("method", _methods), metavar="NAME", help="only runs of this method")
    parser.add_argument("--tag", metavar="WORD", help="only runs with this tag")
    parser.add_argument("--status", type=one_of("status", _statuses), metavar="STATUS", help="only runs that are this")


def _trackers() -> Any:
    from core.reports.trackers import PACKAGES

    return PACKAGES


def _methods() -> Any:
    from core.pruning.methods import METHODS

    return METHODS


def _statuses() -> tuple[str, ...]:
    from core.runs.record import LOST, STORED

    return (*STORED, LOST)


def _found(store: "Store", args: argparse.Namespace, limit: int | None = None) -> "list[tuple[RunRecord, str]]":
    """(record, status as people should see it) of the runs that pass the filters, newest first.

    On stderr a sentence on each run that would be among them, but is damaged.
    """
    from core.runs.status import current

    if args.task and not store.list(task=args.task, limit=1):
        _check_task(args.task)  # a task that has runs need not be there any more, such as a folder of images
    records, broken = store.listing(task=args.task, method=args.method, tag=args.tag)
    _left_out(broken)
    known = [(record, current(record)) for record in records]
    return [(record, status) for record, status in known if args.status in (None, status)][:limit]


def _left_out(broken: Mapping[str, str]) -> None:
    """Say on stderr which runs are left out, as they are damaged, and why."""
    say(console(stderr=True), *(f"Left out: {sentence}" for sentence in broken.values()))


def _check_task(name: str) -> None:
    from core.errors import MetaVoteError
    from core.tasks.catalogue import task

    try:
        task(name)
    except MetaVoteError as error:
        raise UsageError(str(error)) from error


def list_runs(args: argparse.Namespace) -> Answer:
    """[{"run", "status", "task", "method", "keep", "iterations", "seed", "test_accuracy", ...}], newest first."""
    from core.reports.tables import Column, kept_of, share
    from core.runs.store import Store

    document = [
        {
            "run": record.id,
            "status": status,
            "task": record.config.task,
            "method": record.config.method,
            "keep": record.config.keep,
            "iterations": record.config.iterations,
            "seed": record.config.seed,
            "test_accuracy": (record.result or {}).get("test_accuracy"),
            "test_balanced_accuracy": (record.result or {}).get("test_balanced_accuracy"),
            "test_top5_accuracy": (record.result or {}).get("test_top5_accuracy"),
            "created": record.created,
            "started": record.started,
            "ended": record.ended,
            "error": record.error,
            "tags": list(record.tags),
            "notes": record.notes,
            "config": record.config.to_dict(),
        }
        for record, status in _found(Store(), args, args.limit)
    ]
    columns: list[Column[dict[str, Any]]] = [
        Column("run", lambda one: one["run"], numeric=False),
        Column("status", lambda one: one["status"], numeric=False),
        Column("task", lambda one: one["task"], numeric=False),
        Column("method", lambda one: one["method"], numeric=False),
        Column("keep", lambda one: kept_of(one["keep"], one["config"]["of"])),
        Column("iterations", lambda one: one["iterations"]),
        Column("seed", lambda one: one["seed"]),
        Column("test accuracy", lambda one: one["test_accuracy"], share),
        Column("top-5", lambda one: one["test_top5_accuracy"], share),
        Column("tags", lambda one: " ".join(one["tags"]), numeric=False),
        Column("error", lambda one: one["error"], numeric=False),
    ]
    return Answer(document, lambda out: table(out, columns, document) if document else say(out, NONE))


def show(args: argparse.Namespace) -> Answer:
    """One run, in the form that `prune` answers with."""
    from core.cli.pruning import show_run
    from core.reports.records import run_document
    from core.runs.store import Store

    document = run_document(Store(), args.run)
    return Answer(document, lambda out: show_run(out, document))


def export_runs(args: argparse.Namespace) -> Answer:
    """{"file", "bytes", "runs": [ids], "left_out": number still going on}."""
    from core.runs.archive import pack
    from core.runs.record import ENDED
    from core.runs.store import Store

    store = Store()
    found = _found(store, args)
    ended = [record for record, status in found if status in ENDED]
    if not ended:
        raise BadValueError("There is no such run that has ended: see python -m core runs.")
    size = pack(store, ended, args.file, args.models)
    left_out = len(found) - len(ended)
    document = {
        "file": str(args.file), "bytes": size, "runs": [record.id for record in ended], "left_out": left_out
    }  # fmt: skip
    also = f" ({left_out} still going on were left out)" if left_out else ""
    return Answer(document, lambda out: say(out, f"{args.file}: {counted(len(ended), 'run')}{also}, {megabytes(size)}"))


def export_to(args: argparse.Namespace) -> Answer:
    """{"tracker", "to", "runs": [ids handed over], "there_already": [ids], "left_out": number still going on}."""
    from core.reports.trackers import export_to as hand_over
    from core.runs.record import ENDED
    from core.runs.store import Store

    store = Store()
    if args.runs and any((args.task, args.method, args.tag, args.status)):
        raise UsageError("Name runs, or choose them with --task, --method, --tag or --status, but not both.")
    found = [store.get(run_id) for run_id in args.runs] or [record for record, _ in reversed(_found(store, args))]
    ended = found if args.runs else [record for record in found if record.status in ENDED]
    if not ended:
        raise BadValueError("There is no such run that has ended: see python -m core runs.")
    handed, known = hand_over(args.tracker, store, ended, args.to)
    also = f"; {_there(known)}" if known else ""
    document = {
        "tracker": args.tracker, "to": args.to, "runs": handed, "there_already": known,
        "left_out": len(found) - len(ended),
    }  # fmt: skip
    return Answer(
        document, lambda out: say(out, f"{args.to}: {counted(len(handed), 'run')} handed to {args.tracker}{also}")
    )


def import_runs(args: argparse.Namespace) -> Answer:
    """{"added": [ids], "there_already": [ids]}."""
    from core.runs.archive import unpack
    from core.runs.store import Store

    added, known = unpack(Store(), args.file)
    also = f"; {_there(known)}" if known else ""
    return Answer(
        {"added": added, "there_already": known},
        lambda out: say(out, f"{counted(len(added), 'run')} added{also}: python -m core compare --all"),
    )


def _there(known: list[str]) -> str:
    return f"{len(known)} {'was' if len(known) == 1 else 'were'} there already"


def cancel(args: argparse.Namespace) -> Answer:
    """{"run", "status"}."""
    from core.runs import queue

    return _changed(args.run, queue.cancel(args.run))


def resume(args: argparse.Namespace) -> Answer:
    """{"run", "status"}."""
    from core.runs import queue
    from core.runs.store import Store
    from core.tasks.catalogue import permit_task

    permit_task(Store().get(args.run).config.task)
    queue.resume(args.run)
    return _changed(args.run, "queued")


def delete(args: argparse.Namespace) -> Answer:
    """{"run", "status": "deleted"}."""
    from core.runs.store import Store

    Store().delete(args.run)
    return _changed(args.run, "deleted")


def _changed(run_id: str, status: str) -> Answer:
    return Answer({"run": run_id, "status": status}, lambda out: say(out, f"Run {run_id} is {status}."))


def compare(args: argparse.Namespace) -> Answer:
    """{"runs": [...], "summary": [...], "pay_off": [...], "notices": [sentences]}; with --summary without the runs."""
    from core.errors import BadValueError
    from core.reports import comparability, records, tables
    from core.reports import compare as reports
    from core.reports.cost import pay_offs, telling
    from core.runs.store import Store

    store = Store()
    rows, broken = records.rows(store, _chosen(store, args))
    _left_out(broken)
    chosen = [store.get(row.run) for row in rows]
    try:
        found = reports.compare(rows, args.baseline)
    except BadValueError as error:
        raise UsageError(str(error)) from error
    paid = pay_offs(rows, records.zoo_costs(rows, chosen))
    notices = comparability.notices(found)
    document = {**found.to_dict(), "pay_off": [one.to_dict() for one in paid], "notices": notices}
    if args.summary:
        del document["runs"]
    args.json = args.json or args.format == "json"

    def show(out: "Console") -> None:
        if args.format == "csv":
            items, kind = (found.summaries, reports.Summary) if args.summary else (found.rows, reports.Row)
            print(tables.to_csv(items, kind), end="", file=out.file)
            return
        against = next((one.baseline for one in found.summaries if one.baseline), None)
        parts: list[tuple[str, Any, Any]] = [] if args.summary else [("Runs", tables.RUN_COLUMNS, found.rows)]
        if not found.rows:
            say(out, NONE)
            return
        title = "Finished runs by variant" + (f", differences to {against}" if against else "")
        parts.append((title, tables.SUMMARY_COLUMNS, found.summaries))
        if paid:
            title = "When the zoo has paid for itself (read it only where the difference is not clearly negative)"
            parts.append((title, tables.PAY_OFF_COLUMNS, telling(paid)))
        for title, every, items in parts:
            columns, shared = tables.apart(every, items)
            title += f" (all: {shared})" if shared else ""
            if args.format == "markdown":
                print(f"**{title}**\n\n{tables.to_markdown(columns, items)}", file=out.file)
            else:
                table(out, columns, items, title)
        say(out, *notices)
        if left_out := len(paid) - len(telling(paid)):
            say(out, f"Left out: {counted(left_out, 'comparison')} {LEFT_OUT}.")

    return Answer(document, show)


def _chosen(store: "Store", args: argparse.Namespace) -> "list[RunRecord]":
    filtered = any((args.task, args.method, args.tag, args.status))
    if args.runs and (filtered or args.all):
        raise UsageError("Name runs, or choose them with --task, --method, --tag, --status or --all, but not both.")
    if args.runs:
        return [store.get(run_id) for run_id in dict.fromkeys(args.runs)]
    if not (filtered or args.all):
        raise UsageError("Say which runs to compare: name them, or choose with --task, --method, --tag or --all.")
    return [record for record, _ in reversed(_found(store, args))]

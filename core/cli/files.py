"""`export` and `latency`: a finished run's model as a file for use elsewhere, and how fast it is on this machine."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, say, table
from core.cli.parser import Verbs, listed, one_of, place, whole
from core.numbers import counted, decimal, megabytes, times

if TYPE_CHECKING:
    from core.runs.latency import Batch, Latency


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    parser = verbs.add(
        "export", export, "Write the slim model of a finished run to a file, with a card that says what it is.",
        "export RUN --to safetensors slim.safetensors\nexport RUN --to onnx slim.onnx\n"
        "export RUN --to torch slim.pt2",
    )  # fmt: skip
    parser.add_argument("run", metavar="RUN", help="a run's id (see 'runs')")
    parser.add_argument("--to", required=True, type=one_of("export format", _formats), metavar="FORMAT",
                        help="safetensors, onnx, or torch, a program that torch loads alone")  # fmt: skip
    parser.add_argument("file", type=place, metavar="FILE", help="the file to write; one that is there is replaced")
    parser.add_argument("--card", action=argparse.BooleanOptionalAction, default=True,
                        help="write the model card FILE.md beside it (default: it is written)")  # fmt: skip

    parser = verbs.add(
        "latency", latency, "Measure how long runs' slim and unpruned networks take on this machine, in turns.",
        "latency RUN\nlatency RUN RUN --threads 1 --batches 1,32",
    )  # fmt: skip
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ids of finished runs (see 'runs')")
    parser.add_argument("--threads", type=whole(1), metavar="N", help="CPU threads (default: 1)")
    parser.add_argument("--batches", type=_batches, default=None, metavar="B,B,...",
                        help="batch sizes (default: 1,8,32)")  # fmt: skip


def _formats() -> Any:
    from core.reports.away import FORMATS

    return FORMATS


def _batches(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(whole(1), listed(text))))


def export(args: argparse.Namespace) -> Answer:
    """{"run", "format", "file", "bytes", "classes", "input", "check", "card", "load"}."""
    from core.reports.export import export as write
    from core.reports.export import not_checked
    from core.reports.formats import Check
    from core.runs.store import Store

    done = write(Store(), args.run, args.to, args.file, args.card)
    told = not_checked(args.to) if done["check"] is None else str(Check(**done["check"]))
    lines = [
        f"{done['file']}: {megabytes(done['bytes'])}, {counted(len(done['classes']), 'class', 'classes')}",
        f"check: {told}",
    ]
    if done["card"]:
        lines.append(f"card: {done['card']}")
    return Answer(done, lambda out: say(out, *lines, "", *done["load"].splitlines()))


def latency(args: argparse.Namespace) -> Answer:
    """[{"run", "machine", "threads", "batches": [{"batch", "dense", "slim", "speed_up", ...}], "macs_ratio", ...}]."""
    from core.cli.progress import CountBar, bars
    from core.reports.measure import measured
    from core.runs.latency import BATCHES, NOT_STEADY, THREADS
    from core.runs.store import Store

    with bars() as progress:
        bar = CountBar(progress, "measuring")
        found = measured(Store(), args.runs, args.threads or THREADS, args.batches or BATCHES, bar)
    document = [{"run": run_id, **one.to_dict()} for run_id, one in found.items()]

    def show(out: Any) -> None:
        for run_id, one in found.items():
            say(out, *_headline(run_id, one))
            table(out, _columns(), one.batches)
            if not one.steady:
                say(out, NOT_STEADY)

    return Answer(document, show)


def _headline(run_id: str, found: "Latency") -> list[str]:
    return [
        f"{run_id}: {found.image}x{found.image}, {found.layout}, on {found.processor}, "
        f"{counted(found.threads, 'thread')} (load {decimal(found.load, 1)} at the start)",
        f"MACs, unpruned / slim: {times(found.macs_ratio)}",
    ]


def _columns() -> Any:
    from core.reports.tables import Column, milliseconds, times

    def spread(timing: Any) -> str:
        return f"{milliseconds(timing.low)} to {milliseconds(timing.high)}"

    columns: list[Column[Batch]] = [
        Column("batch", lambda one: one.batch),
        Column("unpruned, median", lambda one: one.dense.median, milliseconds),
        Column("quartiles", lambda one: spread(one.dense)),
        Column("slim, median", lambda one: one.slim.median, milliseconds),
        Column("quartiles ", lambda one: spread(one.slim)),
        Column("measured speed-up", lambda one: one.speed_up, times),
        Column("rounds", lambda one: one.rounds),
    ]
    return columns

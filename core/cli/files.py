"""`export`: a finished run's model as a file for use elsewhere."""

import argparse
from pathlib import Path

from core.cli.answer import Answer, say
from core.cli.parser import Verbs, one_of


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add(
        "export", export, "Write the slim model of a finished run to a file.",
        "export RUN --to safetensors model.safetensors\nexport RUN --to onnx model.onnx",
    )  # fmt: skip
    parser.add_argument("run", metavar="RUN", help="a run's id (see 'runs')")
    parser.add_argument("--to", required=True, type=one_of("export format", _formats), metavar="FORMAT",
                        help="safetensors or onnx")  # fmt: skip
    parser.add_argument("file", type=Path, metavar="FILE", help="the file to write; one that is there is replaced")


def _formats() -> tuple[str, ...]:
    from core.reports.export import FORMATS

    return FORMATS


def export(args: argparse.Namespace) -> Answer:
    """{"run", "format", "file", "bytes", "classes", "input"}."""
    from core.reports.export import export as write
    from core.runs.store import Store

    done = write(Store(), args.run, args.to, args.file)
    return Answer(
        done, lambda out: say(out, f"{done['file']}: {done['bytes']:,} bytes, {len(done['classes'])} classes")
    )

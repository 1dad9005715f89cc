"""The report: tables and figures of the study's runs, question by question, as Markdown and SVG."""

import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.study.answers import classes, cost, domains, failures, goals, overlap, rivals, voters, weights
from benchmarks.study.grid import Grid
from benchmarks.study.tables import Study
from core.numbers import count, counted
from core.pruning.engine import NOTE, is_outdated
from core.runs.store import Store

ANSWERS: tuple[Callable[[Study], str], ...] = (
    rivals.answer,
    voters.answer,
    weights.answer,
    classes.answer,
    overlap.answer,
    domains.backbones,
    domains.fashion,
    cost.answer,
    failures.answer,
    goals.answer,
)


def write_report(store: Store, grid: Grid, folder: Path) -> Path:
    """Write `README.md` and its figures into a folder; returns the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(store, grid, folder)
    parts = [head(study), *(answer(study) for answer in ANSWERS)]
    file = folder / "README.md"
    file.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")
    return file


def head(study: Study) -> str:
    """What was run, where, when, and how to run it again."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    cut = "" if not study.missing() else f" {study.missing()} runs of the grid are missing: the study was stopped."
    return f"""# Does the vote help, when, and what does it cost?

`python -m benchmarks.study`, then `python -m benchmarks.study --report {study.folder}`. Commit
{commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d}, torch {torch.__version__}, {platform.machine()}, two processes of
one thread each. {len(study.finished):,} runs.{cut} They are in `benchmarks/study-runs.zip`:
`python -m core runs import benchmarks/study-runs.zip`, then `python -m core compare --tag study`.

Accuracies are of the test split, which each run looked at once, at its end. Keep ratio 0.2 of every channel group
unless said. A number in brackets after a name is of iterations. "n" counts runs; means, spreads and tests are over
target means (a target counts once, whatever its seeds). ± is a standard deviation over targets, after a slash over the
seeds of one target; in brackets stands a 95 % interval of a paired difference, p is of a paired t test over targets,
not corrected for how many tests there are. CPU seconds are of seed {study.grid.seeds[0]}. Nothing was
chosen by looking at these targets.{age(study)}"""


def age(study: Study) -> str:
    """A paragraph that says how many runs an earlier engine made; nothing if today's made all."""
    old = sum(is_outdated(record.result or {}) for record in study.finished.values())
    if not old:
        return ""
    return f"\n\n**{count(old)} of {counted(len(study.finished), 'run')} are out of date.** {NOTE}"

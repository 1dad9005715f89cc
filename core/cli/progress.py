"""Progress on stderr, where that is a terminal: a bar that follows a run's events, and one that counts things made."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.numbers import percent
from core.pruning.events import Evaluation, PhaseChanged, Pruned, Step

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class RunBar:
    """Call it with each event of a run; it shows the phase, the iterations done, and the last validation accuracy."""

    def __init__(self, progress: "Progress | None", iterations: int) -> None:
        self._progress = progress
        self._bar: TaskID | None = None
        if progress is not None:
            self._bar = progress.add_task("starting", total=max(1, iterations), note="")

    def __call__(self, event: object) -> None:
        """Show one event; events that say nothing about progress are passed over."""
        if self._progress is None or self._bar is None:
            return
        shown: dict[str, Any] = {}
        if isinstance(event, PhaseChanged):
            shown = {"description": event.phase, "completed": event.iteration}
        elif isinstance(event, Step):
            shown = {"completed": event.iteration}
        elif isinstance(event, Evaluation):
            shown = {"completed": event.iteration, "note": f"validation accuracy {percent(event.accuracy, 1)}"}
        elif isinstance(event, Pruned):
            shown = {"note": f"{percent(event.channel_sparsity)} of the channels removed"}
        if shown:
            self._progress.update(self._bar, **shown)


class CountBar:
    """Call it with how many are done, of how many, and what was done last."""

    def __init__(self, progress: "Progress | None", title: str) -> None:
        self._progress = progress
        self._bar = None if progress is None else progress.add_task(title, total=None, note="")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show how far it is."""
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, completed=done, total=total, note=note)


@contextmanager
def bars() -> "Iterator[Progress | None]":
    """A progress display on stderr that is cleared in the end; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from core.cli.answer import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        yield progress

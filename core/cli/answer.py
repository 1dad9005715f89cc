"""What a verb answers with: one document for `--json`, one way to show it to people; and how both are printed."""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

    from core.reports.tables import Column

T = TypeVar("T")
WIDE = 240  # columns where nobody has a terminal: lines must not be folded for grep


class UsageError(Exception):
    """The command line itself is wrong: exit 2. Its text is one sentence that says what to do."""


@dataclass(frozen=True)
class Answer:
    """`document` is printed by `--json`, `show` prints for people; `code` is the exit code."""

    document: Any
    show: "Callable[[Console], None]"
    code: int = 0


def as_json(document: Any) -> str:
    """One JSON document; JSON has no NaN, so numbers that are not finite become null."""
    return json.dumps(_finite(document), ensure_ascii=False, indent=2, allow_nan=False)


def console(stderr: bool = False) -> "Console":
    """A console as wide as the terminal, or wide enough for whole lines where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDE)


def table(out: "Console", columns: "Sequence[Column[T]]", items: Sequence[T], title: str = "") -> None:
    """Print a table; columns that are empty in every row are left out."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from core.reports.tables import filled

    shown = filled(columns, items)
    drawn = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold")
    for column in shown:
        drawn.add_column(column.title, justify="right" if column.numeric else "left", overflow="fold")
    for item in items:
        drawn.add_row(*(escape(column.cell(item)) for column in shown))
    out.print(drawn)


def say(out: "Console", *lines: str) -> None:
    """Print lines as they are: no markup, no folding."""
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def notice(*sentences: str) -> None:
    """Print sentences on stderr, which are no part of the answer."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value

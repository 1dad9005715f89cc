"""The runs that are compared, with all that views of them share: names, marks, statuses, events, rows, summaries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from core.pruning.events import Pruned, RecordedEvent
from core.reports.comparability import notices
from core.reports.compare import Comparison, Row, compare_to
from core.reports.curves import Point, curve
from core.reports.records import rows_of
from core.runs.latency import Latency
from core.runs.record import FINISHED, RunRecord
from dashboard import theme
from dashboard.compare.names import names_of, variant_names
from dashboard.progress import ACTIVE
from dashboard.theme import Style

MOST_LINES = 40  # runs drawn one by one


@dataclass(frozen=True)
class Compared:
    """Runs in the order in which they were chosen; `events` and `latencies` by run id, `baseline` one's id or None."""

    records: Sequence[RunRecord]
    statuses: Mapping[str, str]
    events: Mapping[str, Sequence[RecordedEvent]]
    baseline: str | None = None
    latencies: Mapping[str, Latency] = field(default_factory=dict)

    @cached_property
    def ids(self) -> list[str]:
        """Their ids."""
        return [record.id for record in self.records]

    @cached_property
    def names(self) -> dict[str, str]:
        """Run id -> what people read."""
        return names_of(self.records)

    @cached_property
    def styles(self) -> dict[str, Style]:
        """Run id -> colour, symbol and dash."""
        return theme.run_styles({record.id: record.config.method for record in self.records})

    @cached_property
    def rows(self) -> list[Row]:
        """One row a run, as reports have it, with its difference to the baseline."""
        return list(self.comparison.rows)

    @cached_property
    def finished(self) -> list[Row]:
        """The rows of runs that have a result."""
        return [row for row in self.rows if row.status == FINISHED and row.test_accuracy is not None]

    @cached_property
    def active(self) -> list[str]:
        """Ids of the runs that are still going on."""
        return [id for id in self.ids if self.statuses[id] in ACTIVE]

    @cached_property
    def without_result(self) -> list[str]:
        """Ids of the runs that ended without a result, or are lost."""
        done = {row.run for row in self.finished}
        return [id for id in self.ids if id not in done and id not in self.active]

    @cached_property
    def tasks(self) -> list[str]:
        """Their tasks, in order of appearance."""
        return list(dict.fromkeys(record.config.task for record in self.records))

    @cached_property
    def base(self) -> Row | None:
        """The baseline's row, if it has finished."""
        return self.comparison.base

    @cached_property
    def comparison(self) -> Comparison:
        """The rows and their summaries, with differences to the baseline's run and setting."""
        rows = rows_of(self.records, self.events, self.latencies)
        done = (row for row in rows if row.status == FINISHED and row.test_accuracy is not None)
        return compare_to(rows, next((row for row in done if row.run == self.baseline), None))

    @cached_property
    def notices(self) -> list[str]:
        """What to know before reading the differences, a sentence each."""
        return notices(self.comparison)

    @cached_property
    def variants(self) -> dict[str, str]:
        """Variant -> what people read."""
        return variant_names(self.records, {row.run: row.variant for row in self.rows})

    @cached_property
    def curves(self) -> dict[str, list[Point]]:
        """Run id -> its validation curve."""
        return {record.id: curve(record, self.events.get(record.id, ())) for record in self.records}

    @cached_property
    def pruned(self) -> dict[str, Pruned]:
        """Run id -> its last removal of channels; runs that removed none are left out."""
        last = {id: _last(self.events.get(id, ())) for id in self.ids}
        return {id: event for id, event in last.items() if event is not None}


def _last(events: Iterable[RecordedEvent]) -> Pruned | None:
    found = [event for event in events if isinstance(event, Pruned)]
    return found[-1] if found else None

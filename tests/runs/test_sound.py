"""Damaged records: refused with a sentence as they come in, left out with a sentence where they are stored already."""

import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadFileError, MetaVoteError, StoreError
from core.pruning.config import RunConfig
from core.reports.checklist import checklist
from core.reports.compare import compare
from core.reports.records import rows, run_document
from core.reports.trackers import told_of
from core.runs.archive import unpack
from core.runs.processes import this_worker
from core.runs.store import Store
from tests.runs.mutated import WRONG, file_of, line_of, places, put

LINE = line_of()
PLACES = sorted(places(LINE), key=str)


def read_by_all(store: Store) -> None:
    """What pages and the command line do with every run that the store lists."""
    records = store.list()
    found, _ = rows(store, records)
    compare(found)
    checklist(records)
    for record in records:
        with suppress(StoreError):  # of the run alone that is damaged
            json.dumps(run_document(store, record.id))
            told_of(store, record)


@pytest.mark.parametrize(
    "place, value",
    [
        (("created",), 1e300),
        (("created",), "yesterday"),
        (("result", "cost", "seconds"), "abc"),
        (("result", "cost", "cpu_seconds"), -1),
        (("result", "test_accuracy"), 1.5),
        (("result", "achieved", "params"), "many"),
        (("result", "requested", "keep"), 7),
        (("result", "classes", "tool", "train"), None),
        (("result", "inputs", "image_size"), "32"),
        (("result", "engine"), "two"),
        (("config", "k"), 10**400),
        (("config", "mask_of"), 5),
        (("config", "keep"), 10**400),
        (("config", "chosen"), 5),
        (("config",), []),
        (("events", 2, "seconds"), -5),
        (("events", 1, "kept"), {"conv1": "all"}),
        (("events", 3, "accuracy"), "good"),
        (("tags", 0), {}),
    ],
)
def test_a_value_of_another_kind_is_refused_in_a_sentence_that_names_the_run(
    store: Store, tmp_path: Path, place: Any, value: Any
) -> None:
    with pytest.raises(BadFileError, match=f"runs.zip is not a valid file of runs: .*{LINE['id']}") as error:
        unpack(store, file_of(tmp_path / "runs.zip", put(LINE, place, value)))
    named = [str(part) for part in place if isinstance(part, str) and part not in ("events", "config", "result")]
    said = str(error.value).lower()
    assert "\n" not in said and (not named or any(name.split("_")[0] in said for name in named))
    assert store.list() == []


def test_a_valid_file_is_taken_in(store: Store, tmp_path: Path) -> None:
    assert unpack(store, file_of(tmp_path / "runs.zip", LINE)) == ([LINE["id"]], [])
    read_by_all(store)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(WRONG))
def test_one_field_of_another_kind_is_refused_or_harms_nobody(
    store: Store, tmp_path: Path, place: Any, value: Any
) -> None:
    for record in store.list():
        store.delete(record.id)
    with suppress(MetaVoteError):
        unpack(store, file_of(tmp_path / "runs.zip", put(LINE, place, value)))
    read_by_all(store)


@pytest.mark.parametrize("text", ['{"format": 1}\n' + "[" * 100_000, '{"format": 1}\n{"id": NaN}', '{"format": 1}\n7'])
def test_lines_that_are_no_runs_are_one_sentence(store: Store, tmp_path: Path, text: str) -> None:
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as archive:
        archive.writestr("runs.jsonl", text)
    with pytest.raises(BadFileError, match="not a valid file of runs"):
        unpack(store, tmp_path / "runs.zip")


@pytest.fixture
def two(store: Store, tmp_path: Path) -> tuple[str, str]:
    """Ids of two runs in the store, of which a test damages the first."""
    lines = [line_of("mvp-first-0001"), line_of("mvp-second-0002", seed=1)]
    added, _ = unpack(store, file_of(tmp_path / "two.zip", *lines))
    return added[0], added[1]


def damage(store: Store, statement: str, run_id: str) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql(statement, (run_id,))


ROWS = [
    "UPDATE runs SET created = 1e300 WHERE id = ?",
    "UPDATE runs SET created = 'x' WHERE id = ?",
    "UPDATE runs SET ended = -1e300 WHERE id = ?",
    "UPDATE runs SET status = 'flying' WHERE id = ?",
    "UPDATE runs SET config = '{' WHERE id = ?",
    "UPDATE runs SET config = '[]' WHERE id = ?",
    "UPDATE runs SET tags = '5' WHERE id = ?",
    "UPDATE runs SET tags = '[5]' WHERE id = ?",
    "UPDATE runs SET result = '[' WHERE id = ?",
    'UPDATE runs SET result = \'{"cost": {"seconds": "abc"}, "test_accuracy": 0.5}\' WHERE id = ?',
    "UPDATE runs SET result = '{\"test_accuracy\": NaN}' WHERE id = ?",
    "UPDATE runs SET result = '{\"seconds\": 1}' WHERE id = ?",
]


@pytest.mark.parametrize("statement", ROWS)
def test_a_damaged_row_is_listed_apart_with_its_id_and_the_remedy_and_can_be_deleted(
    store: Store, two: tuple[str, str], statement: str
) -> None:
    bad, good = two
    damage(store, statement, bad)
    records, broken = store.listing()
    assert [record.id for record in records] == [good] and list(broken) == [bad]
    assert f"Run {bad} " in broken[bad] and f"runs delete {bad}" in broken[bad] and "\n" not in broken[bad]
    read_by_all(store)
    store.delete(bad)
    assert store.listing()[1] == {}


def test_a_run_with_a_damaged_event_is_left_out_of_a_comparison(store: Store, two: tuple[str, str]) -> None:
    bad, good = two
    damage(store, 'UPDATE events SET data = \'{"kind": "evaluation", "accuracy": 9}\' WHERE run = ?', bad)
    found, broken = rows(store, store.list())
    assert [row.run for row in found] == [good] and list(broken) == [bad]


def test_a_damaged_run_in_the_queue_does_not_stop_it(store: Store) -> None:
    bad, good = store.create(RunConfig("emoji-t03")), store.create(RunConfig("emoji-t03"))
    damage(store, "UPDATE runs SET config = '{' WHERE id = ?", bad)
    claimed = store.claim(this_worker())
    assert claimed is not None and claimed.id == good


def test_a_file_with_the_id_of_a_damaged_run_is_refused_with_the_remedy(
    store: Store, two: tuple[str, str], tmp_path: Path
) -> None:
    damage(store, ROWS[0], two[0])
    with pytest.raises(MetaVoteError, match=f"runs delete {two[0]}"):
        unpack(store, tmp_path / "two.zip")

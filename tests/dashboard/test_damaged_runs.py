"""Runs that somebody else brought, or that were damaged in the store, break no page for anybody."""

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from core.errors import MetaVoteError
from core.runs.archive import unpack
from core.runs.store import Store
from dashboard.compare.choice import TABS
from tests.dashboard.pages import page, words
from tests.dashboard.runs import finished_run
from tests.runs.mutated import WRONG, file_of, line_of, places, put


@pytest.fixture
def accepted(store: Store, tmp_path: Path) -> list[str]:
    """Ids of all the runs that are taken in although one field of each is of another kind."""
    line, ids = line_of(), []
    ways: Any = itertools.product(sorted(places(line), key=str), WRONG)
    for number, (place, value) in enumerate(itertools.islice(ways, 0, None, 3)):
        if place == ("id",) or place[:2] in (("events", 0), ("events", 2)):
            continue
        with suppress(MetaVoteError):
            changed = put(line | {"id": f"mvp-changed-{number:04d}"}, place, value)
            ids += unpack(store, file_of(tmp_path / "runs.zip", changed))[0]
    return ids


def sound(name: str, **link: str) -> str:
    st.cache_resource.clear()
    test = page(name, **link)
    assert not test.exception and not test.error
    return words(test)


def test_whatever_is_taken_in_can_be_shown_by_every_page(accepted: list[str]) -> None:
    assert len(accepted) > 20
    sound("start")
    sound("run")
    for tab in TABS:
        sound("compare", every="True", tab=tab)
    for by in ("run", "variant"):
        sound("compare", runs=",".join(accepted[:40]), by=by)
    for id in accepted[:: max(1, len(accepted) // 12)]:
        assert id in sound("run", run=id)


@pytest.mark.parametrize("column, value", [("created", "1e300"), ("tags", "'7'"), ("config", "'{'"), ("result", "'x'")])
def test_a_damaged_row_is_left_out_with_its_id_and_the_remedy(store: Store, column: str, value: str) -> None:
    bad, good = finished_run(store, 0.7), finished_run(store, 0.6)
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET {column} = {value} WHERE id = ?", (bad,))
    for name, link in (("run", {}), ("compare", {}), ("compare", {"every": "True"}), ("start", {})):
        said = sound(name, **link)
        assert name == "start" or f"runs delete {bad}" in said
    assert good in sound("run", run=good)


def test_a_run_with_damaged_events_is_left_out_of_a_comparison(store: Store) -> None:
    bad, good = finished_run(store, 0.7), finished_run(store, 0.6, method="random")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE events SET data = '[]' WHERE run = ?", (bad,))
    assert f"runs delete {bad}" in sound("compare", every="True")
    test = page("compare", runs=f"{bad},{good}")
    assert not test.exception and f"runs delete {bad}" in words(test)

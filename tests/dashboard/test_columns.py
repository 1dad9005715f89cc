"""Numbers in tables: written as on every page, sorted as numbers, and never at the price of a slow page."""

from typing import Any

import pandas as pd
import pytest
import streamlit as st

from dashboard import columns

LOOKS = {"Parameters": columns.SHORT.told("of the slim model"), "Keep": columns.RATIO, "Δ points": columns.POINTS}


def rows(number: int) -> pd.DataFrame:
    one = {"Run": "mvp", "Parameters": 448_000.0, "Keep": 12.5, "Δ points": -1.4}
    return pd.DataFrame([one, one | {"Δ points": None}, *[one] * (number - 2)])


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    monkeypatch.setattr(st, "dataframe", lambda data, **settings: found.update(data=data, **settings))
    return found


def test_numbers_are_written_as_everywhere_and_stay_numbers(drawn: dict[str, Any]) -> None:
    columns.table(rows(3), LOOKS, key="a table")
    html = drawn["data"].to_html()
    assert ">448 k<" in html and ">12.5 %<" in html and ">−1.4<" in html and "nan" not in html
    assert drawn["data"].data["Parameters"].tolist() == [448_000.0] * 3 and drawn["key"] == "a table"
    config = drawn["column_config"]["Parameters"]
    assert config["type_config"]["format"] is None and config["help"] == "of the slim model"


def test_a_long_table_writes_its_numbers_by_itself(drawn: dict[str, Any]) -> None:
    columns.table(rows(columns.MOST_CELLS), LOOKS)
    assert isinstance(drawn["data"], pd.DataFrame)
    formats = {name: one["type_config"]["format"] for name, one in drawn["column_config"].items()}
    assert formats == {"Parameters": "%,.0f", "Keep": "%.4g %%", "Δ points": "%+.1f"}

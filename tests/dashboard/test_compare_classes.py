"""The comparison class by class, and the figures that stand beside accuracy."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from core.runs.store import Store
from dashboard.compare import classes, frame, reads, report, tables, views
from dashboard.compare.compared import Compared
from tests.dashboard.pages import page
from tests.dashboard.runs import finished_run

Make = Callable[..., Compared]


def told(balanced: float, *accuracies: float, large: int = 90) -> dict[str, Any]:
    counts = (large, *(30,) * (len(accuracies) - 1))
    by_class = {
        f"c{n}": {"train": count, "validation": 3, "test": 3, "accuracy": one}
        for n, (count, one) in enumerate(zip(counts, accuracies, strict=True))
    }
    return {"test_balanced_accuracy": balanced, "classes": by_class}


@pytest.fixture
def compared(paper_home: object) -> Make:
    store = Store()

    def make(*runs: dict[str, Any]) -> Compared:
        records = [store.get(finished_run(store, **run)) for run in runs]
        ids = [one.id for one in records]
        return Compared(records, dict.fromkeys(ids, "finished"), store.events_of_runs(ids, reads.KINDS)[0], ids[0])

    return make


def test_runs_on_one_task_are_compared_class_by_class(compared: Make) -> None:
    runs = {"more": told(0.6, 0.9, 0.3)}, {"method": "random", "more": told(0.5, 0.7, 0.4)}, {"method": "dense"}
    table = classes.class_table(compared(*runs))
    assert table["Class"].tolist() == ["c0", "c1"] and table[classes.IMAGES].tolist() == [90, 30]
    assert table["Meta-Vote Pruning"].tolist() == pytest.approx([90, 30])
    assert table["Random channels"].tolist() == pytest.approx([70, 40])
    assert "Dense (unpruned)" not in table  # made before classes were recorded


def test_classes_of_different_tasks_are_not_put_side_by_side(compared: Make) -> None:
    runs = {"more": told(0.6, 0.9, 0.3)}, {"task": "emoji-t02", "more": told(0.6, 0.9, 0.3)}
    assert classes.class_table(compared(*runs)).empty


def test_balanced_and_top_five_columns_are_there_where_they_tell_something(compared: Make) -> None:
    uneven, even = told(0.6, 0.9, 0.3), told(0.6, 0.9, 0.3, large=30)
    many = {"test_top5_accuracy": 0.95}
    shown = tables.results(compared({"more": {**uneven, **many}}, {"method": "random", "more": even}))
    assert shown[tables.BALANCED].tolist()[0] == pytest.approx(60) and pd.isna(shown[tables.BALANCED].tolist()[1])
    assert shown[tables.TOP5].tolist()[0] == pytest.approx(95)
    assert not {tables.BALANCED, tables.TOP5} & set(tables.results(compared({"more": even}, {})).columns)
    summary = views.summary_table(compared({"more": uneven}, {"seed": 1, "more": told(0.7, 0.9, 0.5)}))
    assert summary[tables.BALANCED].tolist() == pytest.approx([65]) and tables.TOP5 not in summary


def test_the_table_of_runs_may_have_them_as_columns(compared: Make) -> None:
    records = compared({"more": {**told(0.6, 0.9, 0.3), "test_top5_accuracy": 0.95}}, {}).records
    rows = frame.frame_of(records, ["finished", "finished"])
    assert rows["Balanced accuracy"].tolist()[0] == pytest.approx(60) and pd.isna(rows["Top-5 accuracy"].tolist()[1])
    assert not {"Balanced accuracy", "Top-5 accuracy"} & set(frame.DEFAULT_COLUMNS)
    shown = page("compare", columns="Top-5 accuracy,Balanced accuracy").dataframe[0].value
    assert shown["Top-5 accuracy"].tolist()[1] == pytest.approx(95)


def test_the_page_opens_the_classes_of_an_imbalanced_task_and_the_report_has_them(compared: Make) -> None:
    found = compared({"more": told(0.6, 0.9, 0.3)}, {"method": "random", "more": told(0.5, 0.7, 0.4)})
    test = page("compare", runs=",".join(found.ids))
    assert not test.exception and not test.error
    (box,) = [box for box in test.expander if box.label == "Test accuracy class by class"]
    assert box.proto.expanded and "3.0 times" in str(box.caption[0].value)
    text = report.html(found, "run", views.checked(found))
    assert "Test accuracy class by class" in text and "90.0 %" in text

"""Pages under AppTest, on a zoo in the real file format and a real run store; no browser, no worker."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.zoo.zoo import DEFAULT
from dashboard import atlas, data
from tests.dashboard.pages import ROOT, linked, page, use_zoo, words
from tests.dashboard.paper_zoo import write_paper_zoo

PAGES = {"start": "Meta-Vote Studio", "task_map": "Task map", "votes": "Votes", "run": "Run"}
HEAVY = ("torch", "torchvision", "captum", "umap", "numba", "sklearn")


@pytest.mark.parametrize("name", PAGES)
def test_page_has_its_heading_and_no_error(paper_home: Path, name: str) -> None:
    test = page(name)
    assert not test.exception and not test.error
    assert test.title[0].value == PAGES[name]


@pytest.mark.parametrize("name", ["task_map", "votes", "run"])
def test_without_a_zoo_a_page_says_so_in_a_sentence(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import streamlit as st

    from core.zoo import zoo

    st.cache_resource.clear()
    monkeypatch.setattr(zoo, "ASSETS", tmp_path)
    test = AppTest.from_string(
        "from dashboard.errors import as_sentence\n"
        "import runpy\n"
        f"with as_sentence():\n    runpy.run_path({str(ROOT / 'dashboard' / 'app_pages' / f'{name}.py')!r})\n",
        default_timeout=60,
    ).run()
    assert not test.exception
    assert "There is no zoo" in test.error[0].value


@pytest.mark.parametrize(
    "link, sentence",
    [
        ({"task": "emoji-t99"}, "There is no stored target task 'emoji-t99'"),
        ({"k": "99"}, "K must be a whole number"),
        ({"k": "many"}, "K must be a whole number"),
        ({"similarity": "magic"}, "There is no similarity 'magic'"),
        ({"layout": "tsne"}, "There is no layout 'tsne'"),
    ],
)
def test_a_link_that_does_not_fit_falls_back_with_a_sentence(
    paper_home: Path, link: dict[str, str], sentence: str
) -> None:
    test = page("task_map", **link)
    assert not test.exception
    assert sentence in test.warning[0].value
    assert test.selectbox(key="task").value == "emoji-t00"
    assert test.slider(key="k").value == 5


def test_a_link_that_fits_is_followed(paper_home: Path) -> None:
    test = page("task_map", task="emoji-t02", k="3", similarity="logme")
    assert not test.warning
    assert test.selectbox(key="task").value == "emoji-t02"
    assert len(test.dataframe[0].value) == 3
    assert "LogME" in words(test)


def test_choices_are_written_to_the_link_and_defaults_left_out(paper_home: Path) -> None:
    test = page("task_map")
    test.selectbox(key="task").select("emoji-t03").run()
    assert linked(test, "task") == "emoji-t03"
    test.selectbox(key="task").select("emoji-t00").run()
    assert "task" not in test.query_params


def test_neighbours_in_the_table_are_in_order_of_true_similarity(paper_home: Path) -> None:
    shown = page("task_map", k="8").dataframe[0].value
    assert shown["Similarity"].is_monotonic_decreasing
    assert shown["Rank"].tolist() == [*range(1, 9)]


def test_a_zoo_that_is_built_again_is_read_anew(paper_home: Path, tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / DEFAULT)
    use_zoo(paper_home, folder)
    kept = data.zoo(), data.ranking(data.zoo(), "emoji-t00", "leep")
    shown = page("task_map").dataframe[0].value["Similarity"].tolist()
    assert data.zoo() is kept[0]
    write_paper_zoo(folder, zoo_tasks=12, seed=1)
    assert len(data.zoo().tasks) == 12
    assert data.ranking(data.zoo(), "emoji-t00", "leep") != kept[1]
    assert page("task_map").dataframe[0].value["Similarity"].tolist() != shown
    assert atlas.atlas(data.zoo(), "pca").places == data.zoo().coordinates("pca")


def test_classes_have_their_ids_beside_them_on_the_map(paper_home: Path) -> None:
    test = page("task_map")
    assert "hearts (heart)" in words(test)
    assert "tools (tool)" in ", ".join(test.dataframe[0].value["Classes"])


def test_a_link_with_a_name_nobody_knows_says_so(paper_home: Path) -> None:
    test = page("votes", sim="foo")
    (said,) = test.warning
    assert "Nothing here is called 'sim': Votes reads task, k, similarity, chosen, keep, of, " in said.value
    assert "sim" not in test.query_params


def test_pages_load_no_heavy_library(paper_home: Path) -> None:
    script = f"""
import subprocess, sys
from core.runs import previews
from tests.dashboard.pages import page
previews._spawn = lambda: subprocess.Popen(["true"])
for name in {list(PAGES)!r}:
    test = page(name)
    assert not test.exception, test.exception
print(",".join(sorted({{name.split(".")[0] for name in sys.modules}} & set({HEAVY!r}))))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1:] in ([], [""])

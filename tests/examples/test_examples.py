"""The examples do what they say, run as their first lines tell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from core.tasks.data import load_task
from core.tasks.task import Task

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "tour.ipynb"
pytestmark = pytest.mark.slow


def ran(name: str, home: Path, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"examples.{name}", *map(str, arguments)],
        cwd=ROOT, env=os.environ | {"METAVOTE_HOME": str(home)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of images as people have them: one sub-folder a class."""
    folder = tmp_path / "pictures"
    for name in ("heart", "flag"):
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(load_task(Task("one", "emoji", (name,))).train.images[:40]):
            Image.fromarray(image).save(folder / name / f"{number}.png")
    return folder


def test_ones_own_images_become_an_onnx_file(home: Path, pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "slim.onnx"
    said = ran("own_images_to_onnx", home, pictures, "--to", file, "--iterations", 4)
    assert "2 classes: flag, heart" in said and "of the test images are right" in said
    assert re.search(r"^after   4 iterations \d+% of the validation images are right$", said, re.MULTILINE)
    import onnxruntime

    session = onnxruntime.InferenceSession(file)
    (logits,) = session.run(None, {"images": np.zeros((3, 3, 32, 32), np.float32)})
    assert logits.shape == (3, 2)


def test_a_folder_that_is_not_there_is_one_sentence(home: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="There is no folder") as told:
        ran("own_images_to_onnx", home, tmp_path / "nowhere")
    assert "Traceback" not in str(told.value)


def test_a_small_zoo_is_built_votes_and_is_there_afterwards(home: Path) -> None:
    said = ran("small_zoo_and_vote", home, "--iterations", 6)
    assert "6 of 6" in said and "kept the same" in said and "of test images are right" in said
    told = json.loads((home / "zoos" / "small-zoo" / "zoo.json").read_text())
    assert len(told["tasks"]) == 6


def test_methods_are_compared_and_drawn(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "curves.html"
    said = ran("compare_methods", home, "--iterations", 4, "--methods", "mvp", "random", "--to", file)
    assert "Meta-Vote Pruning: " in said and "Random channels: " in said
    assert "Random channels" in file.read_text()


def test_the_notebook_runs_top_to_bottom_and_is_kept_without_outputs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    monkeypatch.setenv("METAVOTE_HOME", str(home))
    NotebookClient(book, timeout=200, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    said = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    assert "Conv2d(" in said and "channels in 12 groups" in said

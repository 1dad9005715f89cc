"""What a visitor brings makes no page read a folder of this machine, nor tell whether it is there."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.tasks import allowed
from tests.dashboard.pages import page, words


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    for name in ("passport", "letters"):
        (tmp_path / "secret" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((8, 8, 3), 40 * number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "secret" / name / f"{number}.png")
    return tmp_path / "secret"


@pytest.mark.parametrize(
    "entry", ["{{dataset: 'folder:{path}'}}", "'folder:{path}'", "'folder:{path}:passport+letters'"]
)
def test_a_recipe_with_a_folder_is_refused_alike_whether_or_not_it_is_there(
    paper_home: Path, secret: Path, entry: str
) -> None:
    said = []
    for path in (secret, secret.parent / "nothing"):
        test = page("zoos", do="build", **{"from": "file"})
        recipe = f"tasks:\n  - {entry.format(path=path)}\n"
        test.file_uploader(key="recipe").upload("mine.yaml", recipe.encode()).run()
        assert not test.exception and "passport" not in words(test)
        said.append([error.value for error in test.error])
    assert said[0] == said[1] and allowed.REFUSED in said[0][0]


def test_an_imported_zoo_of_a_folder_shows_no_picture_of_it(paper_home: Path, zoo_folder: Path, secret: Path) -> None:
    folder = paper_home / "zoos" / "brought"
    folder.mkdir()
    about = json.loads((zoo_folder / "zoo.json").read_text())
    for one in (about["tasks"][0]["task"], about["targets"][0]):
        one |= {"dataset": f"folder:{secret}", "classes": ["passport", "letters"]}
    (folder / "zoo.json").write_text(json.dumps(about | {"id": "brought"}))
    for name in ("models", "arrays.safetensors"):
        (folder / name).symlink_to(zoo_folder / name)
    allowed.restrict()
    from dashboard import data

    assert data.class_strip(f"folder:{secret}", "passport", 4, "#FFFFFF") is None
    for name in ("task_map", "votes", "zoos"):
        test = page(name, zoo="brought", task=str(about["targets"][0]["id"]))
        assert not test.exception

"""Zoos and backbones that somebody else made, or that were damaged, break no page for anybody."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.zoo.summary import summaries
from tests.dashboard.pages import page, words
from tests.runs.mutated import WRONG, places, put

COST = {"seconds": 9.0, "cpu_seconds": 8.0, "similarity_cpu_seconds": 2.0, "macs": 10**9, "energy_kwh": 1e-5}


@pytest.fixture
def damaged(paper_home: Path, zoo_folder: Path) -> list[str]:
    """Ids of zoos that each have one value of another kind in their zoo.json."""
    about = json.loads((zoo_folder / "zoo.json").read_text()) | {"cost": COST, "architecture": "resnet18"}
    about["tasks"][0] |= {"cost": COST, "curve": [{"iteration": 0, "accuracy": 0.5}], "attempts": 1}
    wanted = [place for place in places(about) if place[:1] not in (("tasks",), ("targets",)) or place[1:2] == (0,)]
    ids = []
    for number, (place, value) in enumerate(itertools.islice(itertools.product(wanted, WRONG), 0, None, 5)):
        folder = paper_home / "zoos" / f"z{number:04d}"
        folder.mkdir()
        for name in ("models", "arrays.safetensors"):
            (folder / name).symlink_to(zoo_folder / name)
        (folder / "zoo.json").write_text(json.dumps(put(about | {"id": folder.name}, place, value)))
        ids.append(folder.name)
    return ids


def test_zoos_with_a_value_of_another_kind_are_shown_or_named_and_break_nothing(
    damaged: list[str],
) -> None:
    found, broken = summaries()
    assert len(found) + len(broken) >= len(damaged) and len(broken) > 50
    test = page("zoos")
    assert not test.exception and not test.error
    for id in [one.id for one in found if one.id.startswith("z0")][::8]:
        for name in ("zoos", "task_map", "votes"):
            assert not page(name, zoo=id).exception, (id, name)


@pytest.mark.parametrize(
    "key, value",
    [("cost", {"cpu_seconds": "abc"}), ("cost", {"seconds": -1}), ("keep", 10**400), ("groups", {"a": "many"})],
)
def test_a_zoo_whose_record_is_of_a_wrong_kind_is_named_and_the_others_are_there(
    paper_home: Path, zoo_folder: Path, key: str, value: object
) -> None:
    folder = paper_home / "zoos" / "brought"
    folder.mkdir()
    about = json.loads((zoo_folder / "zoo.json").read_text())
    (folder / "zoo.json").write_text(json.dumps(about | {"id": "brought", key: value}))
    test = page("zoos")
    assert not test.exception and not test.error
    assert "**brought** cannot be used" in words(test)


def test_a_zoo_of_a_data_set_that_nobody_has_is_listed_by_its_name(paper_home: Path, zoo_folder: Path) -> None:
    folder = paper_home / "zoos" / "brought"
    folder.mkdir()
    about = json.loads((zoo_folder / "zoo.json").read_text())
    about["tasks"][0]["task"]["dataset"] = about["targets"][0]["dataset"] = "nope"
    (folder / "zoo.json").write_text(json.dumps(about | {"id": "brought"}))
    for name in ("models", "arrays.safetensors"):
        (folder / name).symlink_to(zoo_folder / name)
    for name in ("zoos", "task_map", "votes"):
        test = page(name, zoo="brought")
        assert not test.exception
    assert any("nope" in ", ".join(table.value["Data sets"]) for table in page("zoos").dataframe)


@pytest.mark.parametrize("size", ["1e400", '"32"', "-1", "null", "10" + 400 * "0"])
def test_a_backbone_whose_size_is_no_number_of_pixels_breaks_no_page(paper_home: Path, size: str) -> None:
    file = paper_home / "backbones" / "brought.safetensors"
    file.parent.mkdir()
    record = '{"architecture": "resnet18", "source": "random", "hash": "0", "about": {}, "size": ' + size + "}"
    save_file({"weight": np.zeros((2, 2), np.float32)}, file, {"backbone": record})
    for name, link in (("zoos", {"do": "backbone"}), ("zoos", {"do": "build"}), ("run", {})):
        assert not page(name, **link).exception

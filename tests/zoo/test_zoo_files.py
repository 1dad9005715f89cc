"""The files of a zoo on disk: their names, what they may hold besides, and that a changed one is read anew."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from core.bundle import write_bundle
from core.errors import BadFileError, BadValueError
from core.tasks.catalogue import tasks
from core.tasks.task import ad_hoc_id
from core.zoo.archive import check, files_of, pack, unpack
from core.zoo.zoo import DEFAULT, model_path, open_zoo, version_of
from tests.dashboard.paper_zoo import GROUPS, seal, write_paper_zoo


def test_a_task_id_that_is_a_plain_file_name_is_one() -> None:
    ids = [task.id for task in (*tasks("zoo"), *tasks("targets"))]
    for name in (*ids, "emoji", ad_hoc_id("emoji", ["tool", "plant"])):
        assert model_path(Path("zoo"), name) == Path("zoo") / "models" / f"{name}.safetensors"


@given(st.text(max_size=400))
@pytest.mark.parametrize("prefix", ["", "folder:/"])
def test_any_task_id_is_one_flat_file_name_that_fits_a_file_system(prefix: str, text: str) -> None:
    path = model_path(Path("zoo"), prefix + text)
    assert path.parent == Path("zoo") / "models" and path.suffix == ".safetensors"
    assert path.name.isascii() and path.name.isprintable() and len(path.name) <= 200
    assert not set(path.name) & set('/\\"<>|?* ') and not path.name.startswith(".")


@given(st.lists(st.text("ab/:.~_-é ", max_size=8), unique=True, max_size=20))
def test_different_task_ids_have_different_files(ids: list[str]) -> None:
    assert len({model_path(Path(), name) for name in ids}) == len(ids)


def test_a_folder_tasks_file_name_still_says_which_folder() -> None:
    name = model_path(Path(), "folder:/data/my flowers:rose+tulip").name
    assert name.startswith("folder_data_my_flowers_rose_tulip~")


def test_the_files_of_a_zoo_are_flat(tmp_path: Path) -> None:
    zoo = open_zoo(write_paper_zoo(tmp_path / "paper", zoo_tasks=2))
    zoo.tasks[0] = type(zoo.tasks[0])("folder:/data/flowers", "folder:/data/flowers", ("rose", "tulip"))
    assert all(len(file.parts) <= 2 for file in files_of(zoo))


def test_what_breaks_ties_is_none_in_a_zoo_that_lacks_it(tmp_path: Path) -> None:
    assert open_zoo(write_paper_zoo(tmp_path / "paper", zoo_tasks=2)).tie_break() is None


def test_what_breaks_ties_is_an_importance_of_every_channel(tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / "paper", zoo_tasks=2, tie_break=True)
    found, stored = open_zoo(folder).tie_break(), load_file(folder / "arrays.safetensors")
    assert found is not None and list(found) == list(GROUPS)
    assert all(np.array_equal(values, stored[f"tie_break/{group}"]) for group, values in found.items())


@pytest.mark.parametrize("damage", ["a group lacks it", "too short", "not a number"])
def test_what_breaks_ties_must_fit_the_channel_groups(tmp_path: Path, damage: str) -> None:
    folder = write_paper_zoo(tmp_path / "paper", zoo_tasks=2, tie_break=True)
    arrays = load_file(folder / "arrays.safetensors")
    name = f"tie_break/{next(iter(GROUPS))}"
    if damage == "a group lacks it":
        del arrays[name]
    elif damage == "too short":
        arrays[name] = arrays[name][1:].copy()
    else:
        arrays[name][3] = np.nan
    save_file(arrays, folder / "arrays.safetensors")
    with pytest.raises(BadFileError, match="build or import it again"):
        open_zoo(folder).tie_break()
    with pytest.raises(BadFileError):
        check(open_zoo(folder))


def test_a_model_that_is_made_again_is_read_anew_even_through_a_zoo_that_is_open(tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / "paper", zoo_tasks=2)
    zoo, name = open_zoo(folder), tasks("zoo")[0].id
    before = zoo.selection(name), zoo.importance(name)
    assert zoo.selection(name) is before[0]  # kept while nothing changes
    write_paper_zoo(folder, zoo_tasks=2, seed=1)
    assert zoo.selection(name) != before[0]
    assert not np.array_equal(zoo.importance(name)["conv1"], before[1]["conv1"])


def test_a_zoo_that_is_built_again_has_another_version(tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / "paper", zoo_tasks=2)
    first = open_zoo(folder).version
    assert first == open_zoo(folder).version == version_of(folder)
    write_paper_zoo(folder, zoo_tasks=2, seed=1)
    assert open_zoo(folder).version != first


def test_the_shipped_zoos_tell_the_size_of_their_own_models() -> None:
    for name in ("emoji-resnet18-simclr", "emoji-resnet18-simclr-disjoint"):
        zoo = open_zoo(name)
        model = zoo.model(zoo.tasks[3].id, weights=False)
        assert zoo.layers is not None
        told = zoo.layers.size(model.selection.counts, len(model.classes))
        assert (told.params, told.macs) == (model.origin["achieved"]["params"], model.origin["achieved"]["macs"])
        dense = zoo.layers.size(zoo.groups, len(model.classes))
        assert {"params": dense.params, "macs": dense.macs} == zoo.about["dense"]


def test_a_zoo_built_before_layers_were_stored_tells_no_sizes(tmp_path: Path) -> None:
    assert open_zoo(write_paper_zoo(tmp_path / "paper", zoo_tasks=2)).layers is None


def test_a_zoo_without_its_arrays_is_told_in_a_sentence(tmp_path: Path) -> None:
    folder = write_paper_zoo(tmp_path / "mine", zoo_tasks=2)
    (folder / "arrays.safetensors").unlink()
    with pytest.raises(BadFileError, match="The zoo mine has no readable arrays.safetensors"):
        pack(open_zoo(folder), tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()


@pytest.mark.parametrize("replace", [False, True])
def test_a_zoo_file_is_not_put_over_a_folder_that_is_half_built(home: Path, tmp_path: Path, replace: bool) -> None:
    whole = write_paper_zoo(tmp_path / "mine", zoo_tasks=2)
    seal(whole)
    pack(open_zoo(whole), tmp_path / "mine.zip")
    model = home / "zoos" / "mine" / "models" / "emoji-z00.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"hours of work")
    with pytest.raises(BadValueError, match="A zoo mine is half built in .*: .* remove that folder"):
        unpack(tmp_path / "mine.zip", replace)
    assert model.read_bytes() == b"hours of work" and [path.name for path in (home / "zoos").iterdir()] == ["mine"]


@pytest.mark.parametrize("replace", [False, True])
def test_no_zoo_file_takes_the_place_of_a_zoo_that_ships(home: Path, tmp_path: Path, replace: bool) -> None:
    seal(write_paper_zoo(tmp_path / DEFAULT, zoo_tasks=2))
    pack(open_zoo(tmp_path / DEFAULT), tmp_path / "theirs.zip")
    with pytest.raises(BadValueError, match=f"A zoo {DEFAULT} ships with the project and stays as it is: have"):
        unpack(tmp_path / "theirs.zip", replace)
    assert list((home / "zoos").iterdir()) == []


def test_the_name_is_looked_at_before_anything_that_came_with_a_zoo_is_kept(home: Path, tmp_path: Path) -> None:
    seal(write_paper_zoo(tmp_path / "mine", zoo_tasks=2))
    pack(open_zoo(tmp_path / "mine"), tmp_path / "mine.zip")
    unpack(tmp_path / "mine.zip")
    with pytest.raises(BadValueError, match="A zoo mine is here already"):
        unpack(tmp_path / "mine.zip", fits=lambda _: pytest.fail("looked at what came with it first"))


ALWAYS = ("format", "id", "backbone", "backbone_hash", "keep", "groups", "tasks", "targets")
AT_TIMES = ("architecture", "dense", "config", "cost", "pictures", "trustworthiness", "hash", "layers")


@pytest.mark.parametrize(
    "key, content",
    [
        (key, content)
        for key in (*ALWAYS, *AT_TIMES)
        for content in (None, "", -1, 10**400, {"a": []}, [{}], True)
        if not (key in ("config", "cost", "layers") and content is None)  # which may be so
        and not (key == "config" and isinstance(content, dict))
    ],
)
def test_a_zoo_file_with_a_key_that_is_not_of_its_kind_is_refused_and_leaves_nothing(
    home: Path, tmp_path: Path, key: str, content: object
) -> None:
    about = {**_paper(tmp_path), key: content}
    with pytest.raises(BadFileError, match="damaged|written as they should be|newer version"):
        unpack(_zipped(tmp_path, about), fits=lambda _: pytest.fail("taken for a zoo"))
    assert list((home / "zoos").iterdir()) == []


@pytest.mark.parametrize("key", ALWAYS)
def test_a_zoo_file_without_a_key_that_is_always_there_is_refused(home: Path, tmp_path: Path, key: str) -> None:
    about = {name: value for name, value in _paper(tmp_path).items() if name != key}
    with pytest.raises(BadFileError, match="damaged"):
        unpack(_zipped(tmp_path, about))
    assert list((home / "zoos").iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [{"validation_accuracy": "high"}, {"validation_accuracy": None}, {"validation_accuracy": 2}, {"achieved": 3},
     {"achieved": {"params": "few"}}, {"cost": []}, {"hash": 5}, {"task": {"id": None, "dataset": "emoji"}}],
)  # fmt: skip
def test_an_entry_of_a_zoo_file_that_is_not_of_its_kind_is_refused(
    home: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    about = _paper(tmp_path)
    about["tasks"][0].update(changes)
    with pytest.raises(BadFileError, match="damaged"):
        unpack(_zipped(tmp_path, about))
    assert list((home / "zoos").iterdir()) == []


def test_a_zoo_json_nested_beyond_reading_is_refused(tmp_path: Path) -> None:
    (write_paper_zoo(tmp_path / "paper", zoo_tasks=2) / "zoo.json").write_text("[" * 100_000)
    with pytest.raises(BadFileError, match="damaged"):
        open_zoo(tmp_path / "paper")


def _paper(tmp_path: Path) -> dict[str, Any]:
    """What the zoo.json of a paper zoo that can be passed on says."""
    seal(write_paper_zoo(tmp_path / "paper", zoo_tasks=2))
    return dict(json.loads((tmp_path / "paper" / "zoo.json").read_text()))


def _zipped(tmp_path: Path, about: dict[str, Any]) -> Path:
    """The file of the paper zoo, were it to say that of itself."""
    files = [(str(file), (tmp_path / "paper" / file).read_bytes()) for file in files_of(open_zoo(tmp_path / "paper"))]
    write_bundle(tmp_path / "x.zip", [("zoo.json", json.dumps(about).encode()), *files[1:]])
    return tmp_path / "x.zip"

"""A backbone of one's own can be removed, with nothing else; never one that ships, or that something still needs."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

import core
from core.backbones.backbone import DEFAULT, backbone_ids, load_backbone, save_backbone
from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.runs.record import FINISHED, STORED
from core.runs.store import Store
from core.workshop import work
from core.workshop.backbone_removal import is_removable, remove_backbone
from core.zoo.zoo import open_zoo
from tests.conftest import Sleepers
from tests.dashboard.paper_zoo import write_paper_zoo
from tests.engine import random_backbone


@pytest.fixture
def mine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a backbone "mine"."""
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    made, file = random_backbone(), home / "backbones" / "mine.safetensors"
    save_backbone(
        file, made.tensors, architecture="resnet18", source="random", mean=list(made.mean), std=list(made.std),
        size=32, about={},
    )  # fmt: skip
    return file


def zoo_on(home: Path, hash: str, name: str = "textures") -> Path:
    folder = write_paper_zoo(home / "zoos" / name, 3, 1, backbone_hash=hash)
    about = json.loads((folder / "zoo.json").read_text())
    (folder / "zoo.json").write_text(json.dumps(about | {"backbone": "mine"}))
    return folder


def test_a_backbone_is_removed_and_nothing_else_is(mine: Path, home: Path) -> None:
    other = mine.with_name("other.safetensors")
    other.write_bytes(mine.read_bytes())
    run = Store().create(RunConfig("emoji-t00", "magnitude", backbone="mine", zoo=None), FINISHED)
    zoo_on(home, "f" * 64)  # which says that it was made on another one of that name
    core.remove_backbone("mine")
    assert "mine" not in backbone_ids() and [one.name for one in mine.parent.iterdir()] == ["other.safetensors"]
    assert Store().get(run).config.backbone == "mine"
    with pytest.raises(UnknownNameError, match="no backbone 'mine'"):
        load_backbone("mine")


def test_a_damaged_backbone_can_be_removed(mine: Path, home: Path) -> None:
    zoo_on(home, random_backbone().hash)
    mine.write_bytes(b"nothing")
    assert is_removable("mine")
    remove_backbone("mine", Store())
    assert not mine.exists()


def test_one_that_ships_stays(home: Path) -> None:
    assert not is_removable(DEFAULT)
    with pytest.raises(BadValueError, match="ships with the project: only backbones of your own"):
        remove_backbone(DEFAULT, Store())
    assert DEFAULT in backbone_ids()


@pytest.mark.parametrize("id", ["none", "", "..", "../backbones/mine", "mine.safetensors", "own:Net-1234"])
def test_what_is_no_id_of_a_backbone_is_not_removed(mine: Path, id: str) -> None:
    with pytest.raises(UnknownNameError):
        remove_backbone(id, Store())
    assert mine.exists()


def test_one_that_a_zoo_was_made_on_stays_until_the_zoo_is_gone(mine: Path, home: Path) -> None:
    folder = zoo_on(home, random_backbone().hash)
    assert open_zoo("textures").backbone == "mine"
    with pytest.raises(BadValueError, match="mine is needed by the zoo textures: remove that zoo first"):
        remove_backbone("mine", Store())
    (folder / "zoo.json").unlink()  # half built again, by `zoo build`, which keeps no order
    for model in (folder / "models").iterdir():
        assert model.suffix == ".safetensors"
    with pytest.raises(BadValueError, match="needed by the unfinished zoo textures"):
        remove_backbone("mine", Store())
    assert mine.exists()


def test_one_that_a_build_is_at_work_on_stays(mine: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)
    for name, backbone in (("new", "mine"), ("newer", str(mine))):
        order = work.build({"zoo": name, "keep": 0.3, "backbone": backbone, "tasks": ["emoji:tool+plant"]})
        for stop in (lambda: None, lambda: work.cancel(order)):  # noqa: B023
            stop()
            with pytest.raises(
                BadValueError, match=f"needed by the unfinished zoo {name}: wait for its build to finish"
            ):
                remove_backbone("mine", Store())
        work.forget(order)
    remove_backbone("mine", Store())
    assert not mine.exists()


@pytest.mark.parametrize("status", [one for one in STORED if one != FINISHED])
def test_one_that_an_unfinished_run_could_go_on_with_stays(mine: Path, status: str) -> None:
    store = Store()
    for named in ("mine", str(mine), str(mine.parent / ".." / "backbones" / mine.name)):
        run = store.create(RunConfig("emoji-t00", "magnitude", backbone=named, zoo=None), status)
        with pytest.raises(
            BadValueError, match=f"mine is needed by the unfinished run {run}: let it finish .or resume it., or delete"
        ):
            remove_backbone("mine", store)
        with store.database.write() as connection:
            connection.execute(text("delete from runs where id = :id"), {"id": run})
    store.create(RunConfig("emoji-t00", "magnitude"), status)  # on the embedded backbone
    remove_backbone("mine", store)
    assert not mine.exists()


def test_a_run_that_is_queued_while_a_backbone_goes_brings_it_back(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, listed = Store(), Store.list

    def late(self: Store, status: str | None = None) -> list[object]:
        if not mine.exists() and status == "queued":
            self.create(RunConfig("emoji-t00", "magnitude", backbone="mine", zoo=None))
        return list(listed(self, status=status))

    monkeypatch.setattr(Store, "list", late)
    with pytest.raises(BadValueError, match="needed by the unfinished run"):
        remove_backbone("mine", store)
    assert [one.name for one in mine.parent.iterdir()] == ["mine.safetensors"]

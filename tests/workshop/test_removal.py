"""A zoo of one's own can be removed, with nothing else; never one that ships, is built, or that a run needs."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.runs import jobs
from core.runs.record import RunRecord
from core.runs.store import Store
from core.targets.state import job_folder
from core.tasks.catalogue import named_task
from core.tasks.own import folder_of, keep_task, own_tasks
from core.workshop import work
from core.workshop.removal import is_own, remove_zoo
from core.workshop.state import order_of
from core.zoo.archive import OWNER, half_built
from core.zoo.zoo import DEFAULT, zoo_ids
from tests.conftest import Sleepers
from tests.dashboard.paper_zoo import write_paper_zoo


@pytest.fixture
def mine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("METAVOTE_STORE", raising=False)
    return write_paper_zoo(home / "zoos" / "mine", 3, 1)


def test_a_zoo_is_removed_whole_and_nothing_else_is(mine: Path, home: Path) -> None:
    other = write_paper_zoo(home / "zoos" / "other", 3, 1)
    done = Store().create(RunConfig("emoji-t00", zoo="mine"), "finished")
    keep_task(named_task("own", "emoji", ["tool", "plant"]))
    remove_zoo("mine", Store())
    assert not mine.exists() and sorted(path.name for path in (home / "zoos").iterdir()) == ["other"]
    assert (other / "zoo.json").is_file() and Store().get(done).config.zoo == "mine" and len(own_tasks()) == 1
    assert "mine" not in zoo_ids() and not work.taken("mine")


def test_a_damaged_zoo_can_be_removed(mine: Path) -> None:
    (mine / "zoo.json").write_text("{")
    assert is_own("mine")
    remove_zoo("mine", Store())
    assert not mine.exists()


def test_a_zoo_that_is_a_link_goes_and_what_it_links_to_stays(home: Path, tmp_path: Path) -> None:
    elsewhere = write_paper_zoo(tmp_path / "linked", 3, 1)
    (home / "zoos").mkdir(parents=True)
    (home / "zoos" / "linked").symlink_to(elsewhere)
    remove_zoo("linked", Store())
    assert "linked" not in zoo_ids() and (elsewhere / "zoo.json").is_file()


@pytest.mark.parametrize("status", ["queued", "running", "cancelling"])
def test_a_zoo_that_a_run_still_needs_stays(mine: Path, status: str) -> None:
    store = Store()
    by_id = store.create(RunConfig("emoji-t00", zoo="mine"), status)
    by_folder = store.create(RunConfig("emoji-t00", zoo=str(mine)), status)
    store.create(RunConfig("emoji-t00", zoo="mine", method="magnitude"), status)  # which no zoo votes for
    with pytest.raises(BadValueError, match="cancel them first") as refused:
        remove_zoo("mine", store)
    told = str(refused.value)
    assert by_id in told and by_folder in told and "magnitude" not in told
    assert (mine / "zoo.json").is_file()


def test_a_zoo_that_ships_stays(home: Path) -> None:
    assert not is_own(DEFAULT)
    with pytest.raises(BadValueError, match="ships with the project"):
        remove_zoo(DEFAULT, Store())


@pytest.mark.parametrize("id", ["none", "..", "", "../zoos"])
def test_what_is_no_zoo_of_ones_own_is_not_removed(mine: Path, id: str) -> None:
    with pytest.raises(UnknownNameError):
        remove_zoo(id, Store())
    assert (mine / "zoo.json").is_file()


def test_a_folder_of_a_zoo_is_not_removed(mine: Path) -> None:
    with pytest.raises(BadValueError, match="is a folder"):
        remove_zoo(str(mine), Store())
    assert (mine / "zoo.json").is_file()


def test_a_zoo_in_the_making_is_its_orders(home: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)
    order = order_of(work.build({"zoo": "new", "keep": 0.3, "tasks": ["emoji:tool+plant", "emoji:heart+flag"]}))
    with pytest.raises(BadValueError, match="half built"):
        remove_zoo("new", Store())
    assert half_built("new")
    write_paper_zoo(home / "zoos" / "new", 3, 1)  # whole, and its process not yet done with it
    with pytest.raises(BadValueError, match="being built on the Zoos page"):
        remove_zoo("new", Store())
    work.cancel(order.id)
    with pytest.raises(BadValueError, match="let that build end"):  # which `zoo build` may go on with
        remove_zoo("new", Store())
    (home / "zoos" / "new" / OWNER).unlink()
    remove_zoo("new", Store())
    assert "new" not in zoo_ids()


def test_a_process_that_ranks_a_removed_zoo_is_ended_and_its_target_stays(mine: Path, sleepers: Sleepers) -> None:
    task = named_task("own", "emoji", ["tool", "plant"])
    keep_task(task)
    folder = job_folder(task.id, mine)
    jobs.start(folder, lambda: sleepers(None))
    assert jobs.worker_of(folder) is not None
    remove_zoo("mine", Store())
    assert jobs.worker_of(folder) is None and folder_of(task.id).is_dir()


def test_a_run_that_names_the_zoo_by_another_path_keeps_it(mine: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home)
    for path in (tmp_path / "link" / "zoos" / "mine", mine.parent / ".." / "zoos" / "mine"):
        store = Store()
        run = store.create(RunConfig("emoji-t00", zoo=str(path)))
        with pytest.raises(BadValueError, match=run):
            remove_zoo("mine", store)
        store.delete(run)
    remove_zoo("mine", Store())


def test_a_zoo_that_a_merge_is_at_work_on_stays(
    mine: Path, sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_spawn", sleepers)
    order = work.merge("both", ["mine", DEFAULT])
    with pytest.raises(BadValueError, match="merged into both"):
        remove_zoo("mine", Store())
    work.cancel(order)
    remove_zoo("mine", Store())
    assert not mine.exists()


def test_a_run_that_is_queued_while_a_zoo_goes_brings_it_back(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, looked = Store(), []
    listed = Store.list

    def late(self: Store, status: str | None = None) -> list[RunRecord]:
        looked.append(mine.exists())
        if not mine.exists() and status == "queued":
            self.create(RunConfig("emoji-t00", zoo="mine"))
        return listed(self, status=status)

    monkeypatch.setattr(Store, "list", late)
    with pytest.raises(BadValueError, match="cancel them first"):
        remove_zoo("mine", store)
    assert (mine / "zoo.json").is_file() and {True, False} == set(looked)
    assert [path.name for path in mine.parent.iterdir()] == ["mine"]


def test_what_a_killed_removal_left_goes_with_the_next(mine: Path) -> None:
    old, fresh = mine.parent / ".removed-old", mine.parent / ".removed-fresh"
    for folder in (old, fresh):
        write_paper_zoo(folder / "zoo", 3, 1)
    os.utime(old, (1, 1))
    remove_zoo("mine", Store())
    assert not old.exists() and fresh.exists()


def test_a_damaged_run_that_is_over_is_in_nobodys_way(mine: Path) -> None:
    store = Store()
    run = store.create(RunConfig("emoji-t00", zoo="mine"), "finished")
    with store.database.write() as connection:
        connection.execute(text("update runs set config = '{' where id = :id"), {"id": run})
    remove_zoo("mine", store)
    assert not mine.exists()


def test_a_zoo_whose_folder_has_a_space_can_be_removed(home: Path) -> None:
    folder = write_paper_zoo(home / "zoos" / "my zoo", 3, 1)
    remove_zoo("my zoo", Store())
    assert not folder.exists()

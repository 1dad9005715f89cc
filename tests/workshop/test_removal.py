"""A zoo of one's own can be removed, with nothing else; never one that ships, is built, or that a run needs."""

from pathlib import Path

import pytest

from core.errors import BadValueError, UnknownNameError
from core.pruning.config import RunConfig
from core.runs import jobs
from core.runs.store import Store
from core.targets.state import job_folder
from core.tasks.catalogue import named_task
from core.tasks.own import folder_of, keep_task, own_tasks
from core.workshop import work
from core.workshop.removal import is_own, remove_zoo
from core.workshop.state import order_of
from core.zoo.archive import half_built
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
    with pytest.raises(BadValueError, match=f"(?=.*{by_id})(?=.*{by_folder})(?!.*magnitude).*cancel them first"):
        remove_zoo("mine", store)
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

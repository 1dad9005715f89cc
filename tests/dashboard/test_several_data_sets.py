"""The pages on a zoo whose tasks are of several data sets."""

from pathlib import Path

import pytest

from core.tasks.catalogue import task
from core.tasks.datasets import load_dataset
from core.zoo.zoo import DEFAULT, Zoo, open_zoo
from dashboard import atlas, data
from tests.dashboard.pages import page, use_zoo, words
from tests.dashboard.paper_zoo import write_paper_zoo
from tests.tasks.test_datasets import small_fashion
from tests.tasks.test_folder import fill


@pytest.fixture
def mixed(paper_home: Path, tmp_path: Path) -> Zoo:
    """Six emoji tasks, one of clothes and one of a folder with a list of titles; a target of each kind."""
    small_fashion(paper_home / "datasets" / "FashionMNIST" / "raw")
    load_dataset("fashion-mnist")
    pets = fill(tmp_path / "pets", 4, ("n01440764", "n01443537", "n02012849"))
    (pets / "classes.txt").write_text("n01440764 tench\nn01443537 goldfish\n")
    zoo = [task("fashion-mnist", ["Trouser", "Bag", "Coat"]), task(f"folder:{pets}", ["tench", "goldfish"])]
    targets = [task("fashion-mnist", ["Dress", "Sandal"]), task(f"folder:{pets}")]
    use_zoo(paper_home, write_paper_zoo(tmp_path / DEFAULT, 6, 2, others=(zoo, targets)))
    return open_zoo(paper_home / "zoos" / DEFAULT)


def test_the_map_shows_tasks_of_every_data_set_with_their_pictures(mixed: Zoo) -> None:
    clothes, pets = mixed.tasks[-2:]
    for target, seen in ((mixed.targets[-2], pets), (mixed.targets[-1], clothes)):
        test = page("task_map", task=target.id, k="8", detail=seen.id)
        assert not test.exception and not test.error and not test.warning
        assert set(test.dataframe[0].value["Task"]) == {one.id for one in mixed.tasks}
        assert f"**{seen.id}** is rank" in words(test)
        assert f"shares 0 of {len(target.classes)} classes" in words(test)
    shared = page("task_map", task=mixed.targets[-1].id, detail=pets.id)
    assert "shares 2 of 3 classes" in words(shared) and "goldfish" in words(shared)
    for one in (clothes, pets):
        assert all(data.class_strip(one.dataset, name, 1, "#FFFFFF") for name in one.classes)


@pytest.mark.parametrize("name", ["votes", "run"])
def test_a_target_of_any_data_set_is_voted_and_pruned_for(mixed: Zoo, name: str) -> None:
    for target in mixed.targets[-2:]:
        test = page(name, task=target.id, k="8")
        assert not test.exception and not test.error and not test.warning
        assert test.selectbox(key="task").value == target.id


def test_a_class_is_found_by_the_title_that_its_folder_gives_it(mixed: Zoo) -> None:
    found = atlas.search("goldf", [*mixed.tasks, *mixed.targets])
    assert found is not None and found.tasks == {mixed.tasks[-1].id, mixed.targets[-1].id}
    assert found.classes == ("goldfish (n01443537)",)

"""The tasks that ship, and every way to ask for one."""

import json
import pickle
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import core.tasks.catalogue as catalogue
from core.errors import BadFileError, BadValueError, UnknownNameError
from core.tasks import draw, emoji
from core.tasks.data import load_task
from core.tasks.datasets import class_names
from core.tasks.task import Task, ad_hoc_id, parse_ad_hoc_id

SUBGROUPS = sorted(emoji.aliases())


def test_the_shipped_file_is_what_the_draw_makes() -> None:
    assert catalogue.FILE.read_text() == draw.text()


@pytest.mark.parametrize(
    "setting, dataset, size, zoo, targets, fewest_uses",
    [
        ("emoji", "emoji", 5, ("emoji-z", 48), ("emoji-t", 12), 2),
        ("emoji-disjoint", "emoji", 5, ("emoji-dz", 20), ("emoji-dt", 8), 1),
        ("fashion", "fashion-mnist", 3, ("fashion-z", 20), ("fashion-t", 6), 2),
    ],
)
def test_a_setting_has_distinct_tasks_of_one_size_in_the_data_sets_order(
    setting: str, dataset: str, size: int, zoo: tuple[str, int], targets: tuple[str, int], fewest_uses: int
) -> None:
    order = class_names(dataset)
    for kind, (prefix, number) in (("zoo", zoo), ("targets", targets)):
        assert [task.id for task in catalogue.tasks(kind, setting)] == [f"{prefix}{n:02d}" for n in range(number)]
    every = catalogue.tasks(setting=setting)
    assert len({frozenset(task.classes) for task in every}) == len(every) == zoo[1] + targets[1]
    for task in every:
        assert task.dataset == dataset and len(task.classes) == size
        assert list(task.classes) == sorted(set(task.classes), key=order.index)
    uses = Counter(name for task in catalogue.tasks("zoo", setting) for name in task.classes)
    assert min(uses.values()) >= fewest_uses


def test_the_zoo_uses_every_class_and_the_disjoint_zoo_none_of_its_targets() -> None:
    assert {name for task in catalogue.tasks("zoo") for name in task.classes} == set(class_names("emoji"))
    zoo = {name for task in catalogue.tasks("zoo", "emoji-disjoint") for name in task.classes}
    targets = {name for task in catalogue.tasks("targets", "emoji-disjoint") for name in task.classes}
    assert (len(zoo), len(targets), zoo & targets) == (31, 16, set())
    pairs = [(a, b) for a, b in combinations(catalogue.tasks(setting="emoji-disjoint"), 2) if a.id[:8] != b.id[:8]]
    assert all(a.shared(b) == 0 for a, b in pairs)


def test_a_task_has_its_images_with_every_class_in_every_split() -> None:
    for task in catalogue.tasks("targets"):
        data = load_task(task)
        assert data.size == 32
        for part in (data.train, data.validation, data.test):
            assert set(part.labels) == set(range(5))


def test_a_task_may_be_made_of_any_subgroups_and_has_the_classes_own_names() -> None:
    task = catalogue.task("emoji", classes=["animal-mammal", "animal-bird", "food-fruit", "tool", "face-hand"])
    assert task.classes == ("animal-mammal", "animal-bird", "food-fruit", "tool", "face-neutral")
    assert task.id == "emoji:animal-mammal+animal-bird+food-fruit+tool+face-neutral"
    assert (
        catalogue.task(task.id)
        == task
        == catalogue.task("emoji: animal-mammal + animal-reptile+food-fruit+lock+face-hand")
    )
    assert task.title == "mammals, birds, fruit, tools, neutral faces"


def test_every_shipped_id_leads_to_its_task() -> None:
    for setting in catalogue.settings():
        for task in catalogue.tasks(setting=setting):
            assert catalogue.task(task.id) == task


def test_a_data_set_alone_means_all_of_its_classes() -> None:
    task = catalogue.task("cifar10")
    assert task == Task("cifar10", "cifar10", class_names("cifar10"))
    assert task.title == "airplane, automobile, bird, cat, deer… (10 classes)"
    assert len(catalogue.task("cifar100").classes) == len(set(catalogue.task("cifar100").classes)) == 100


def test_class_names_with_any_characters_come_back_from_the_id() -> None:
    task = catalogue.task("fashion-mnist", ["T-shirt/top", "Ankle boot"])
    assert catalogue.task(task.id) == task


@given(
    st.sampled_from(["emoji", "cifar10"]) | st.text(min_size=1).map("folder:/{}".format),
    st.none() | st.lists(st.text(min_size=1), min_size=1).map(tuple),
)
def test_an_ad_hoc_id_reads_back_as_what_it_was_made_of(dataset: str, classes: tuple[str, ...] | None) -> None:
    assert parse_ad_hoc_id(ad_hoc_id(dataset, classes)) == (dataset, classes)


@given(st.lists(st.sampled_from(SUBGROUPS), min_size=2, max_size=6))
def test_any_subgroups_make_a_task_unless_two_are_one_class(names: list[str]) -> None:
    classes = tuple(emoji.aliases()[name] for name in names)
    if len(set(classes)) < len(classes):
        with pytest.raises(BadValueError, match="listed twice"):
            catalogue.task("emoji", names)
    else:
        task = catalogue.task("emoji", names)
        assert task.classes == classes and catalogue.task(task.id) == task


@pytest.mark.parametrize(
    "name, classes, said",
    [
        ("emoji", ["tool"], "at least two classes, not 1"),
        ("emoji", [], "at least two classes, not 0"),
        ("emoji", ["tool", "plant", "tool"], "'tool' is listed twice: name each class once"),
        ("emoji", ["tool", "lock"], "'tool' and 'lock' are both part of it"),
    ],
)
def test_too_few_or_repeated_classes_are_refused(name: str, classes: list[str], said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        catalogue.task(name, classes)


@pytest.mark.parametrize(
    "name, classes, said",
    [
        ("emoji-t99", None, "no task 'emoji-t99': did you mean emoji-t0"),
        ("emoji:tools+plant", None, "no emoji class 'tools': did you mean tool"),
        ("emoij:tool+plant", None, "no data set 'emoij': did you mean emoji"),
        ("emoji-t00", ["tool", "plant"], "no data set 'emoji-t00'"),
        ("", None, "no task ''"),
        ("emoji:", None, "no emoji class ''"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_known(name: str, classes: list[str] | None, said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        catalogue.task(name, classes)


def test_an_unknown_kind_or_setting_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean targets"):
        catalogue.tasks("target")
    with pytest.raises(UnknownNameError, match="emoji-disjoint"):
        catalogue.tasks(setting="emoji-disjunct")


def test_a_task_is_plain_data() -> None:
    task = catalogue.tasks("zoo")[0]
    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task == pickle.loads(pickle.dumps(task))
    with pytest.raises(BadFileError, match="classes"):
        Task.from_dict({"id": "a", "dataset": "emoji"})


@pytest.mark.parametrize("name", ["co:lon+x", "a%25b", "plain"])
def test_a_folder_and_its_classes_come_back_from_the_id_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    for each in (" lead", "trail ", "in the middle"):
        (folder / each).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / each / "0.png")
    for task in (
        catalogue.task(f"folder:{folder}"),
        catalogue.task(f"folder:{folder}", ["trail ", " lead"]),
    ):
        assert task.dataset == f"folder:{folder}" and catalogue.task(task.id) == task

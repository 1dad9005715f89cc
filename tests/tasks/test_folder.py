"""Any folder of images as a data set, and a clear word on each way it can be wrong."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadFileError, BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.tasks import catalogue, decode, folder, memory
from core.tasks.data import load_task
from core.tasks.datasets import class_names, load_dataset
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION
from core.tasks.summary import outline, summarise
from core.tasks.tree import Folder


def picture(file: Path, size: tuple[int, int] = (20, 20), colour: tuple[int, ...] = (200, 30, 30)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(file)


def fill(
    path: Path, number: int = 10, classes: tuple[str, ...] = ("cat", "dog"), size: tuple[int, int] = (20, 20)
) -> Path:
    for label, name in enumerate(classes):
        for n in range(number):
            picture(path / name / f"{n}.png", size, (label, n, 255))
    return path


def sides(path: Path) -> dict[tuple[int, int], str]:
    """(red, green) of each picture, which `fill` made unlike any other's -> its split."""
    loaded = folder.load(folder.listed(path))
    keys = [(int(image[0, 0, 0]), int(image[0, 0, 1])) for image in loaded.images]
    assert [key[0] for key in keys] == list(loaded.labels)
    return dict(zip(keys, (SPLITS[s] for s in loaded.split), strict=True))


def test_class_subfolders_are_split_by_file_name_with_every_class_in_every_split(tmp_path: Path) -> None:
    found = sides(fill(tmp_path, 20))
    per_class = [Counter(split for (label, _), split in found.items() if label == which) for which in (0, 1)]
    assert per_class == [Counter({TRAIN: 13, VALIDATION: 3, TEST: 4})] * 2
    assert found == sides(tmp_path)


def test_the_split_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    assert sides(fill(tmp_path / "a")) == sides(fill(tmp_path / "elsewhere" / "b"))


def test_three_images_are_one_for_each_split(tmp_path: Path) -> None:
    found = sides(fill(tmp_path, 3))
    assert sorted(split for (label, _), split in found.items() if label == 1) == sorted(SPLITS)


@pytest.mark.parametrize("name", ["val", "validation", "Valid"])
def test_split_subfolders_are_taken_at_their_word(tmp_path: Path, name: str) -> None:
    for label, animal in enumerate(("cat", "dog")):
        for n, split in enumerate(("train", "train", name, "test")):
            picture(tmp_path / split / animal / f"{n}.png", colour=(label, n, 0))
    found = sides(tmp_path)
    assert found == {(label, n): split for label in (0, 1) for n, split in enumerate((TRAIN, TRAIN, VALIDATION, TEST))}


def test_a_missing_validation_part_is_taken_from_training_images(tmp_path: Path) -> None:
    fill(tmp_path / "train", 10)
    fill(tmp_path / "test", 2)
    counts = Counter(SPLITS[s] for s in folder.load(folder.listed(tmp_path)).split)
    assert counts == {TRAIN: 16, VALIDATION: 4, TEST: 4}


def fill_imagenet(path: Path, classes: tuple[str, ...] = ("n01440764", "n01443537"), train: int = 10) -> Path:
    """ImageNet's layout: many training images, few others, no test; each picture unlike any other, as in `fill`."""
    for label, name in enumerate(classes):
        for n in range(train):
            picture(path / "train" / name / f"{name}_{n}.JPEG", colour=(label * 40 % 256, n * 5, 255))
        for n in range(4):
            picture(
                path / "val" / name / f"ILSVRC2012_val_{label}{n}.JPEG", colour=(label * 40 % 256, 200 + n * 5, 255)
            )
    return path


def test_without_a_test_part_the_held_out_images_are_it_and_validation_is_drawn_from_training_ones(
    tmp_path: Path,
) -> None:
    loaded = folder.load(folder.listed(fill_imagenet(tmp_path)))
    by_split = {split: loaded.images[loaded.split == number] for number, split in enumerate(SPLITS)}
    assert {split: len(images) for split, images in by_split.items()} == {TRAIN: 16, VALIDATION: 4, TEST: 8}
    held_out = {split: {bool(image[0, 0, 1] > 150) for image in images} for split, images in by_split.items()}
    assert held_out == {TRAIN: {False}, VALIDATION: {False}, TEST: {True}}
    assert outline(f"folder:{tmp_path}").split == (
        "By folder: 'train' for training, 15 % of all images of each class, drawn by file-name hash "
        "from 'train', for validation, "
        "'val' for test."
    )


def test_how_a_folder_is_split_is_said_in_a_sentence(tmp_path: Path) -> None:
    assert "20 % of each class for test" in outline(f"folder:{fill(tmp_path / 'plain', 4)}").split
    for split in ("train", "val", "test"):
        fill(tmp_path / "whole" / split, 4)
    rule = outline(f"folder:{tmp_path / 'whole'}").split
    assert rule == "By folder: 'train' for training, 'val' for validation, 'test' for test."
    picture(fill_imagenet(tmp_path / "loose") / "test" / "1.png")  # images of no class, as ImageNet's own test images
    assert "'val' for test; left out (no class folders): test." in outline(f"folder:{tmp_path / 'loose'}").split
    survey = folder.survey(folder.listed(tmp_path / "loose", ["n01440764"]))
    assert survey.counts["n01440764"] == {TRAIN: 8, VALIDATION: 2, TEST: 4}


def test_only_the_classes_of_a_task_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = tuple(f"n{number:08d}" for number in range(20))
    path = fill_imagenet(tmp_path, classes)
    walked: list[Path] = []
    walk, decode_file = Folder.walk, decode.decode_file
    monkeypatch.setattr(Folder, "walk", lambda place: walked.append(place.place) or walk(place))
    opened: list[Path] = []
    monkeypatch.setattr(decode, "decode_file", lambda file: opened.append(file) or decode_file(file))
    (path / "train" / classes[7] / "broken.JPEG").write_bytes(b"never looked at")
    task = catalogue.task(f"folder:{path}", [classes[3], classes[1]])
    data = load_task(task, 32)
    assert len(data.train) == 16 and len(data.test) == 8
    assert {place.name for place in walked} == {file.parent.name for file in opened} == {classes[3], classes[1]}
    assert len(opened) == 2 * 14


def test_a_part_of_a_folder_is_the_same_images_as_in_the_whole(tmp_path: Path) -> None:
    path = fill(tmp_path, 6, ("cat", "dog", "eel"))
    whole, part = folder.load(folder.listed(path)), folder.load(folder.listed(path, ["eel", "cat"]))
    assert part.classes == ("cat", "eel")
    for split in SPLITS:
        expected, got = (found.part(split, ["eel", "cat"]) for found in (whole, part))
        assert np.array_equal(expected.images, got.images) and np.array_equal(expected.labels, got.labels)


def test_tasks_that_share_classes_decode_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"folder:{fill(tmp_path, 4, ('cat', 'dog', 'eel'))}"
    load_dataset(name, size=16, classes=["cat", "dog"])
    decode_file, opened = decode.decode_file, list[Path]()
    monkeypatch.setattr(decode, "decode_file", lambda file: opened.append(file) or decode_file(file))
    load_dataset(name, size=16, classes=["dog", "eel"])
    assert {file.parent.name for file in opened} == {"eel"}
    picture(tmp_path / "dog" / "0.png", colour=(1, 2, 3))
    again = load_dataset(name, size=16, classes=["dog", "eel"])
    assert (again.images == (1, 2, 3)).all(axis=(1, 2, 3)).any()


@pytest.mark.parametrize(
    "read",
    [load_dataset, lambda name: load_dataset(name, classes=["cat", "dog"]), summarise, outline],
    ids=["all", "some", "summary", "outline"],
)
def test_a_folder_is_looked_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]
) -> None:
    looked, walked = list[str](), list[str]()
    layout_of, walk = folder.layout_of, Folder.walk
    monkeypatch.setattr(folder, "layout_of", lambda top, what: looked.append(what) or layout_of(top, what))
    monkeypatch.setattr(Folder, "walk", lambda place: walked.append(place.name) or walk(place))
    path = fill(tmp_path, 4, ("cat", "dog", "eel"))
    for times in (1, 2):
        read(f"folder:{path}")
        assert looked == [str(path)] * times and len(set(walked)) * times == len(walked)


def test_a_class_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean dog"):
        folder.listed(fill(tmp_path, 3), ["cat", "dogs"])


def test_more_images_than_memory_holds_are_refused_before_any_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(tmp_path, 5)
    monkeypatch.setattr(memory, "physical_memory", lambda: 100_000)
    monkeypatch.setattr(decode, "decode_file", lambda *_: pytest.fail("decoded"))
    with pytest.raises(BadValueError, match="10 images of .* choose fewer of its classes"):
        folder.load(folder.listed(path), 224)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert folder.load(folder.listed(fill(tmp_path, 3, ("bus", "train", "car")))).classes == ("bus", "car", "train")


@pytest.mark.parametrize("size, side", [((20, 20), 32), ((32, 30), 32), ((40, 20), 64), ((300, 200), 64)])
def test_small_images_stay_small(tmp_path: Path, size: tuple[int, int], side: int) -> None:
    assert folder.load(folder.listed(fill(tmp_path, 3, size=size))).images.shape == (6, side, side, 3)


def test_images_are_cut_to_the_middle_and_laid_on_white(tmp_path: Path) -> None:
    fill(tmp_path, 3, size=(64, 64))
    wide = Image.new("RGB", (128, 64), "red")
    wide.paste(Image.new("RGB", (64, 64), "blue"), (32, 0))
    wide.save(tmp_path / "cat" / "0.png")
    picture(tmp_path / "dog" / "0.png", (64, 64), (9, 9, 9, 0))
    loaded = folder.load(folder.listed(tmp_path))
    assert any((image == (0, 0, 255)).all() for image in loaded.images)
    assert any((image == 255).all() for image in loaded.images)


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    Image.fromarray(np.full((20, 20), 100 * 256 + 7, np.uint16)).save(tmp_path / "dog" / "1.png")
    assert any((image == 100).all() for image in folder.load(folder.listed(tmp_path)).images)


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    (tmp_path / "cat" / "._0.png").write_bytes(b"left by a file manager")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.md").write_text("hello")
    assert len(folder.load(folder.listed(tmp_path)).images) == 6


def test_a_folder_is_a_task_by_id(tmp_path: Path) -> None:
    path = fill(tmp_path / "my+pets: all", 4, ("cat", "dog", "c+d:e"))
    whole = catalogue.task(catalogue.task(f"folder:{path}", classes=("dog", "c+d:e")).id)
    assert whole.classes == ("dog", "c+d:e") and whole.dataset == f"folder:{path}"
    assert set(load_task(whole).train.labels) == {0, 1}
    plain = fill(tmp_path / "plain", 4)
    assert catalogue.task(f"folder:{plain}").classes == class_names(f"folder:{plain}") == ("cat", "dog")
    assert catalogue.task(f"folder:{plain}:dog+cat").classes == ("dog", "cat")
    assert catalogue.task(f"folder:{plain}").id == f"folder:{plain}"


def test_a_relative_folder_gives_the_same_id_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "pets", 4)
    monkeypatch.chdir(tmp_path)
    assert catalogue.task("folder:pets").id == f"folder:{tmp_path / 'pets'}"


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    name = f"folder:{fill(tmp_path, 4)}"
    assert load_dataset(name) is load_dataset(name)
    before = load_dataset(name)
    picture(tmp_path / "cat" / "new.png")
    assert len(load_dataset(name).images) == len(before.images) + 1
    assert np.array_equal(before.labels, [0] * 4 + [1] * 4)


def test_a_link_to_nothing_is_a_broken_image(tmp_path: Path) -> None:
    (fill(tmp_path, 4) / "cat" / "gone.png").symlink_to(tmp_path / "elsewhere.png")
    assert "gone.png" in said(tmp_path, BadFileError)


def said(path: Path, kind: type[MetaVoteError]) -> str:
    with pytest.raises(kind) as caught:
        load_dataset(f"folder:{path}")
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    return text


def test_no_such_folder(tmp_path: Path) -> None:
    assert "check its name" in said(tmp_path / "nowhere", MissingDataError)


def test_only_one_class(tmp_path: Path) -> None:
    assert "only one class, 'cat'" in said(fill(tmp_path, 5, ("cat",)), BadValueError)


def test_no_images(tmp_path: Path) -> None:
    picture(tmp_path / "loose.png")
    assert "give each class a subfolder" in said(tmp_path, BadValueError)


def test_too_few_images_of_a_class(tmp_path: Path) -> None:
    fill(tmp_path, 5, ("cat", "dog"))
    fill(tmp_path, 2, ("eel",))
    assert "'eel'" in (text := said(tmp_path, BadValueError)) and "has 2 image(s)" in text


def test_a_class_without_training_images(tmp_path: Path) -> None:
    fill(tmp_path / "train", 5, ("dog", "eel"))
    fill(tmp_path / "test", 5, ("cat", "dog", "eel"))
    assert "for train" in (text := said(tmp_path, BadValueError)) and "'cat'" in text


@pytest.mark.parametrize("content", [b"", b"no image at all", b"cut"])
def test_a_broken_image_is_named(tmp_path: Path, content: bytes) -> None:
    broken = fill(tmp_path, 4, size=(50, 50)) / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:60] if content == b"cut" else content)
    assert str(broken) in (text := said(tmp_path, BadFileError)) and "replace it, or remove it" in text

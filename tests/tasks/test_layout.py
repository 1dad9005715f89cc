"""Which folder serves which split: read rightly, or refused in a sentence that names what was seen."""

import hashlib
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadValueError, MetaVoteError
from core.tasks import folder
from core.tasks.catalogue import task
from core.tasks.data import load_task
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION
from core.tasks.listing import listing_of, split_of_each
from core.tasks.split_names import split_named
from core.tasks.summary import outline
from core.tasks.upload import take_in
from tests.tasks.folders import classes, loose, make, split_set


def read(path: Path) -> dict[str, str]:
    """Path of each image -> its split."""
    found = folder.layout(path)
    listing = listing_of(found, found.classes, str(path))
    return {
        "/".join(file.parts): split for name in listing.images for file, split in split_of_each(listing, name).items()
    }


def served(path: Path) -> dict[str, set[str]]:
    """The first folder of each image's path -> the splits of the images in it."""
    found: dict[str, set[str]] = {}
    for file, split in read(path).items():
        found.setdefault(file.split("/")[0], set()).add(split)
    return found


PINNED = {  # of layouts that were read rightly before: SHA-256 of each image's path and split, as they were then
    "db1131ab001e6d4b": classes("cat", "dog", "train", images=23),
    "dcdc8671151721bb": {f"{part}/{n}.png" for part in ("cat/a", "cat/b", "dog/a", "dog/c") for n in range(11)},
    "bd1f22aec6a99410": classes("cat", "dog", within="train", images=20)
    | classes("cat", "dog", within="test", images=5),
    "ed2024b4ae2e1d6d": classes("cat", "dog", within="train", images=20, ending=".jpeg")
    | classes("cat", "dog", within="val", images=5, ending=".jpeg"),
    "172a444cae8c0b30": classes("cat", "dog", within="Train", images=20)
    | classes("cat", "dog", within="valid", images=4)
    | classes("cat", "dog", within="TEST", images=5),
    "1017c7be119e7eb3": classes("cat", "dog", within="train", images=20, ending=".JPEG") | {"test/1.JPEG"},
}


@pytest.mark.parametrize("digest", PINNED)
def test_what_was_read_rightly_before_is_split_as_it_was_image_by_image(tmp_path: Path, digest: str) -> None:
    rows = [f"{file} {split}" for file, split in read(make(tmp_path, PINNED[digest])).items()]
    assert hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    "train, validation, test",
    [
        ("Training", "Validation", "Testing"), ("train", "val", "test"), ("TRAIN", "VALID", "TEST"),
        ("train", "dev", "test"), ("train", "dev", "eval"), ("train", "eval", "test"),
        ("train2017", "val2017", "test2017"),
        ("train_images", "val_images", "test_images"), ("TrainSet", "ValSet", "TestSet"),
        ("trainset", "valset", "testset"),
        ("seg_train", "seg_val", "seg_test"), ("training-data", "validation-data", "test-data"),
        ("1_train", "2_val", "3_test"), ("Training Set", "Validation Set", "Test Set"),
    ],
)  # fmt: skip
def test_folders_named_as_splits_serve_them(tmp_path: Path, train: str, validation: str, test: str) -> None:
    expected = {train: {TRAIN}, validation: {VALIDATION}, test: {TEST}}
    assert served(make(tmp_path, split_set(train, validation, test))) == expected


@pytest.mark.parametrize("held_out", ["val", "Validation", "dev", "eval", "evaluation"])
def test_without_a_test_folder_what_others_held_out_is_the_test_part(tmp_path: Path, held_out: str) -> None:
    assert served(make(tmp_path, split_set("train", held_out))) == {"train": {TRAIN, VALIDATION}, held_out: {TEST}}


@pytest.mark.parametrize(
    "beside",
    [
        loose("annotations"), loose("extra", "preview"), {"annotations/0.xml", "labels/0.txt"},
        classes("cat", within="unlabelled"),
        {"__MACOSX/train/cat/._0.png"}, {".cache/0.png"}, {"readme.md", "0.png"}, {"docs/more/0.md"}, loose("__MACOSX"),
    ],
)  # fmt: skip
def test_folders_beside_split_folders_are_no_classes(tmp_path: Path, beside: set[str]) -> None:
    path = make(tmp_path, split_set("train", "val", "test") | beside)
    assert folder.class_names(path) == ("cat", "dog")
    assert served(path) == {"train": {TRAIN}, "val": {VALIDATION}, "test": {TEST}}


@pytest.mark.parametrize("wrapper", ["pets", "a/b/c", "data", "training data of pets/v2", "train"])
@pytest.mark.parametrize(
    "files",
    [split_set("train", "test"), classes("cat", "dog", images=8), split_set("Training", "Validation", "Testing")],
)
def test_a_folder_around_everything_changes_nothing(tmp_path: Path, wrapper: str, files: set[str]) -> None:
    plain = read(make(tmp_path / "plain", files))
    wrapped = make(tmp_path / "wrapped", {f"{wrapper}/{file}" for file in files} | {"readme.md", "docs/0.md"})
    if wrapper == "train" and files == classes("cat", "dog", images=8):  # then it is a split folder
        assert folder.class_names(wrapped) == ("cat", "dog")
    else:
        assert {file.removeprefix(f"{wrapper}/"): split for file, split in read(wrapped).items()} == plain


def test_a_training_folder_alone_is_split_by_file_name(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("train"))
    assert Counter(read(path).values()) == {TRAIN: 10, VALIDATION: 2, TEST: 4}
    assert "'train' for training" in outline(f"folder:{path}").split


def test_folders_repeated_inside_split_folders_are_no_classes(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("seg_train/seg_train", "seg_test/seg_test") | loose("seg_pred/seg_pred"))
    assert folder.class_names(path) == ("cat", "dog")
    assert served(path) == {"seg_train": {TRAIN, VALIDATION}, "seg_test": {TEST}}


@pytest.mark.parametrize("name", ["train", "test", "val", "dev", "Training"])
def test_a_class_may_be_called_as_a_split_among_ordinary_classes(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, classes("bus", "car", name))
    assert folder.class_names(path) == tuple(sorted(("bus", "car", name)))


@pytest.mark.parametrize("names", [("train_station", "test_tube"), ("cat", "trainer"), ("validator", "developer")])
def test_names_that_only_contain_a_splits_name_are_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert folder.class_names(make(tmp_path, classes(*names))) == tuple(sorted(names))


def test_a_split_folder_named_plainly_serves_its_split_beside_a_named_family(tmp_path: Path) -> None:
    expected = {"train_small": {TRAIN}, "val_small": {VALIDATION}, "test": {TEST}}
    assert served(make(tmp_path, split_set(*expected))) == expected


def test_a_folder_of_another_family_is_left_out_if_the_split_that_it_names_is_stated(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("train", "test", "test_hard"))
    assert served(path) == {"train": {TRAIN, VALIDATION}, "test": {TEST}}
    assert "test_hard" in outline(f"folder:{path}").split


@pytest.mark.parametrize("insides", [("a", "b", "a", "c"), ("a", "b", "c", "d"), ("a", "a", "b", "c")])
def test_classes_may_have_subfolders_if_these_cannot_be_the_classes(
    tmp_path: Path, insides: tuple[str, str, str, str]
) -> None:
    one, two, three, four = insides
    path = make(tmp_path, loose(f"cat/{one}", f"cat/{two}", f"dog/{three}", f"dog/{four}"))
    assert folder.class_names(path) == ("cat", "dog")


def test_classes_with_images_of_their_own_may_share_subfolders(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("cat", "dog", names=("indoor", "outdoor")) | loose("cat", "dog"))
    assert folder.class_names(path) == ("cat", "dog")


REFUSED = {
    "a class missing from test": (
        split_set("train", "test", "val") | classes("eel", within="train"), ["'eel'", "'test'"]
    ),
    "a class missing from val": (
        split_set("train", "test", "val") | classes("eel", within="train") | classes("eel", within="test"),
        ["'eel'", "'val'"],
    ),
    "a class only in test": (split_set("train", "test") | classes("eel", within="test"), ["'eel'", "for train"]),
    "two validation folders": (split_set("train", "val", "valid", "test"), ["'val' and 'valid'", "merge them"]),
    "two test folders": (split_set("train", "test", "testing"), ["'test' and 'testing'"]),
    "two training folders": (split_set("train", "Training", "test"), ["'Training' and 'train'"]),
    "no training folder": (split_set("val", "test"), ["'test' and 'val'", "no training folder"]),
    "images directly in split folders": (loose("train", "test"), ["'test' and 'train'", "no class folders"]),
    "and beside others": (loose("train", "val", "bus"), ["'train' and 'val'", "no class folders"]),
    "several styles": (loose("trainA", "trainB", "testA", "testB"), ["'testA'", "'trainB'"]),
    "training images beside annotations": (loose("train", "annotations"), ["'annotations' and 'train'"]),
    "images beside annotations": (loose("images", "annotations/masks"), ["'annotations' and 'images'"]),
    "images beside masks in split folders": (
        split_set("train", "val", names=("images", "masks")), ["'images' and 'masks'", "do not look like classes"]
    ),
    "in the training folder alone": (split_set("train", names=("images", "masks")), ["'images' and 'masks'"]),
    "images beside labels of classes": (
        split_set("train/images", "train/labels"), ["'images' and 'labels'", "do not look like classes"]
    ),
    "splits as classes of splits": (split_set("train", "val", names=("dev", "val")), ["'dev' and 'val'"]),
    "folds": (split_set("fold1", "fold2"), ["'fold1' and 'fold2'", "'cat' and 'dog'", "ambiguous"]),
    "folds around wrappers": (split_set("fold1/images", "fold2/images"), ["'fold1' and 'fold2'", "'cat' and 'dog'"]),
    "folds of which one lacks a class": (
        split_set("fold1", "fold2") | classes("eel", within="fold2"), ["'fold1' and 'fold2'", "'cat' and 'dog'"]
    ),
    "folds beside a class": (split_set("seen", "unseen") | classes("eel"), ["'seen' and 'unseen'", "'cat' and 'dog'"]),
    "splits in another language": (split_set("Trainingsdaten", "Testdaten"), ["'Testdaten' and 'Trainingsdaten'"]),
    "two levels of classes": (
        split_set("train/left", "train/right", "val/left", "val/right"), ["'left' and 'right'", "'cat' and 'dog'"]
    ),
    "two plain test folders": (split_set("train_small", "val_small", "test", "testing"), ["'test' and 'testing'"]),
    "two families of training folders": (
        split_set("train_small", "val_small", "train", "test"), ["'train'", "'train_small'"]
    ),
    "a split of another family": (split_set("train", "val", "test_final"), ["'test_final'", "rename"]),
    "an evaluation folder of another family": (split_set("train_a", "test_a", "eval_b"), ["'eval_b'", "rename"]),
    "a class or a split": (split_set("train") | classes("bus", "car"), ["'train'", "'bus' and 'car'", "ambiguous"]),
    "held-out images beside classes": (classes("cat", "dog") | split_set("test"), ["'test'", "'cat' and 'dog'"]),
    "splits inside classes": (
        {f"{name}/{file}" for name in ("cat", "dog") for file in loose("train", "test")},
        ["'cat/test' and 'cat/train'", "outside"],
    ),
    "a wrapper beside others": (split_set("train", "test", within="pets") | loose("preview"), ["'pets/test'", "pets"]),
}  # fmt: skip


def zipped(files: set[str], root: Path) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for file in sorted(files):
            archive.write(make(root, {file}) / file, file)
    return output.getvalue()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_in_one_way_is_refused_in_a_sentence_that_names_it(
    tmp_path: Path, home: Path, case: str
) -> None:
    files, words = REFUSED[case]
    path = make(tmp_path / "folder", files)
    with pytest.raises(BadValueError) as refused:
        load_task(task(f"folder:{path}"), 8)
    with pytest.raises(BadValueError) as zip_refused:
        take_in(zipped(files, tmp_path / "zip"), "pets.zip")
    assert str(zip_refused.value) == str(refused.value).replace(str(path), "pets.zip")
    assert all(word in str(refused.value) for word in words) and "\n" not in str(refused.value)


def test_a_class_missing_from_a_split_is_no_hindrance_to_tasks_without_it(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("train", "test") | classes("eel", within="train"))
    assert len(load_task(task(f"folder:{path}", ["cat", "dog"]), 8).test) == 16


WORDS = st.sampled_from(["train", "Test", "val", "bus", "annotations", "cat", "dog", "__MACOSX", "train2", "docs"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.tuples(WORDS, WORDS), st.integers(3, 6), min_size=1, max_size=7), st.sets(WORDS, max_size=3))
def test_any_tree_is_read_or_refused_alike_as_folder_and_as_zip_and_every_image_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, home: Path, nested: dict[tuple[str, str], int], direct: set[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    files = {f"{a}/{b}/{n}.png" for (a, b), number in nested.items() for n in range(number)} | loose(*direct)
    path = make(root / "folder", files)
    try:
        found: object = Counter(read(path).values())
        survey = folder.survey(folder.listed(path))
        used = sum(sum(counts.values()) for counts in survey.counts.values())
        hidden = sum(file.startswith("__MACOSX/") or "/__MACOSX/" in file for file in files)
        left_out = sum(one.count for one in survey.findings.left_out if one.reason != "hidden")
        assert used + left_out + hidden == len(files)
    except MetaVoteError as error:
        found = str(error).replace(str(path), "tree.zip")
    try:
        taken = folder.path_of(take_in(zipped(files, root / "zip"), "tree.zip"))
        from_zip: object = Counter(read(taken).values())
    except MetaVoteError as error:
        from_zip = str(error)
    assert from_zip == found


@given(st.text(max_size=12))
def test_any_name_means_at_most_one_split(name: str) -> None:
    found = split_named(name)
    assert found is None or found[0] in (*SPLITS, "evaluation")

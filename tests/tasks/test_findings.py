"""What is said of a folder's files before training: left out, unreadable, skipped, in two classes or in two splits."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadFileError, BadValueError, MissingDataError
from core.tasks import catalogue, decode, folder
from core.tasks.data import load_task
from core.tasks.findings import LISTED
from core.tasks.images import SPLITS
from core.tasks.summary import Summary, summarise
from core.tasks.thumbnails import thumbnails
from tests.tasks.folders import classes, make, split_set
from tests.tasks.test_decode import HEIC


def pets(path: Path, images: int = 8) -> Path:
    return make(path, classes("cat", "dog", images=images))


def summed(path: Path, skip: bool = False) -> Summary:
    return summarise(f"folder:{path}", None, skip, check=True)


def left_out(path: Path) -> dict[str, int]:
    return {one.reason: one.count for one in summed(path).findings.left_out}


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    "name, make_it, reason",
    [
        ("cat/a.heic", written(HEIC), "unsupported format"),
        ("cat/A.CR2", written(b"II*\0"), "unsupported format"),
        ("cat/a.svg", written(b"<svg/>"), "unsupported format"),
        ("cat/photo", written(HEIC), "unsupported format"),
        ("cat/a.txt", written(b"words"), "unknown extension"),
        ("cat/a.png.part", written(b""), "unknown extension"),
        ("cat/README", written(b"words"), "no extension and not an image"),
        ("cat/empty", written(b""), "no extension and not an image"),
        ("cat/.DS_Store", written(b""), "hidden"),
        ("cat/Thumbs.db", written(b""), "hidden"),
        ("cat/._0.png", written(b""), "hidden"),
        ("cat/pipe.png", os.mkfifo, "not a regular file"),
        ("cat/pipe", os.mkfifo, "not a regular file"),
        ("cat/socket.jpg", unix_socket, "not a regular file"),
        ("cat/gone", lambda path: path.symlink_to("nowhere"), "not a regular file"),
        ("cat/round", lambda path: path.symlink_to("round"), "not a regular file"),
        ("cat/linked", lambda path: path.symlink_to("../dog"), "in a linked folder, which is not followed"),
        ("cat/.hidden/a.png", written(b""), "hidden"),
        ("loose.png", lambda path: Image.new("RGB", (2, 2)).save(path), "outside the class folders"),
        ("classes.csv", written(b""), "unknown extension"),
        ("docs/LICENSE", written(b"words"), "no extension and not an image"),
    ],
)  # fmt: skip
def test_every_file_that_is_no_image_of_a_class_is_counted_by_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make_it: Callable[[Path], object], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = pets(tmp_path)
    (path / name).parent.mkdir(exist_ok=True)
    make_it(path / name)
    found = summed(path)
    assert left_out(path) == {reason: 1} and found.images == {"train": 10, "validation": 2, "test": 4}
    assert found.findings.left_out[0].examples == (name.removesuffix("/a.png"),)
    assert len(load_task(catalogue.task(f"folder:{path}"), 8).test) == 4


def test_files_in_folders_that_are_no_split_are_counted(tmp_path: Path) -> None:
    beside = {"annotations/0.xml", "annotations/0.png", "extra/cat/0.png", "test.txt", "train/0.png", "train/readme.md"}
    path = make(tmp_path, split_set("train", "test") | beside)
    assert left_out(path) == {
        "in a folder that is not a split": 3,
        "outside the class folders": 1,
        "unknown extension": 2,
    }
    found = summed(path).to_dict()
    assert found["splits"] == {"train": ["train"], "test": ["test"]}
    assert "left out (not a split): annotations, extra" in found["split"]


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".JPG", ".Png", ".avif", ".TIFF", "", ".webp", ".jp2", ".0001"])
def test_images_of_every_readable_kind_of_name_are_read(tmp_path: Path, ending: str) -> None:
    path = make(tmp_path, classes("cat", ending=ending) | classes("dog"))
    assert sum(summed(path).images.values()) == 8 and left_out(path) == {}
    assert folder.load(folder.listed(path)).classes == ("cat", "dog")


@pytest.mark.parametrize("ending, content", [(".heic", HEIC), ("", HEIC), (".cr2", b"II*\0"), (".svg", b"<svg/>")])
def test_a_class_that_holds_only_pictures_of_unsupported_formats_does_not_disappear(
    tmp_path: Path, ending: str, content: bytes
) -> None:
    path = pets(tmp_path)
    for file in classes("eel", ending=ending):
        (path / file).parent.mkdir(exist_ok=True)
        (path / file).write_bytes(content)
    assert folder.class_names(path) == ("cat", "dog", "eel")
    with pytest.raises(BadValueError, match=r"'eel' .* has 0 image\(s\), .*, with 4 left out: unsupported format"):
        load_task(catalogue.task(f"folder:{path}"))
    assert len(load_task(catalogue.task(f"folder:{path}", ["cat", "dog"])).test) == 4


def broken(path: Path, number: int) -> list[Path]:
    files = [path / "cat" / f"{n}.png" for n in range(number)]
    for file in files:
        file.write_bytes(b"no image")
    return files


def test_all_unreadable_images_are_listed_at_once_with_reasons(tmp_path: Path) -> None:
    path = pets(tmp_path)
    (path / "dog" / "3.png").write_bytes(b"")
    broken(path, 2)
    with pytest.raises(BadFileError) as refused:
        folder.load(folder.listed(path))
    assert "3 of the 16 images" in str(refused.value) and "--skip-unreadable" in str(refused.value)
    for words in ("cat/0.png (not an image)", "cat/1.png (not an image)", "dog/3.png (empty)"):
        assert words in str(refused.value)
    document = summed(path).to_dict()
    assert document["unreadable"]["count"] == 3 and document["skipped"]["count"] == 0
    assert document["unreadable"]["files"][2] == {"file": "dog/3.png", "reason": "empty"}


def test_of_many_unreadable_images_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    broken(pets(tmp_path, 40), 30)
    with pytest.raises(BadFileError, match=r"30 of the 80 images .* and 10 more") as refused:
        folder.load(folder.listed(tmp_path))
    assert str(refused.value).count("(not an image)") == LISTED == 20


@pytest.mark.parametrize("layout", [classes("cat", "dog", images=8), split_set("train", "val", "test")])
def test_skipped_images_are_as_if_they_were_not_there(tmp_path: Path, layout: set[str]) -> None:
    path = make(tmp_path / "a", layout)
    gone = sorted(layout)[1::6]
    for file in gone:
        (path / file).write_bytes(b"no image")
    found = folder.load(folder.listed(path), 8, skip_unreadable=True)
    shutil.copytree(path, tmp_path / "b")
    for file in gone:
        (tmp_path / "b" / file).unlink()
    expected = folder.load(folder.listed(tmp_path / "b"), 8)
    for one, other in ((found.images, expected.images), (found.labels, expected.labels), (found.split, expected.split)):
        assert np.array_equal(one, other)
    assert [one.file for one in found.findings.skipped] == sorted(
        gone, key=lambda file: file.split("/")[-2:-1] + file.split("/")
    ) and expected.findings.skipped == ()
    assert summed(path, skip=True).images == summed(tmp_path / "b").images != summed(path).images


def test_a_class_with_too_few_readable_images_is_refused_even_if_unreadable_ones_are_skipped(tmp_path: Path) -> None:
    broken(pets(tmp_path), 6)
    with pytest.raises(BadValueError, match=r"'cat' .* has 2 image\(s\)"):
        folder.load(folder.listed(tmp_path), skip_unreadable=True)


def test_thumbnails_leave_unreadable_images_out(tmp_path: Path) -> None:
    broken(pets(tmp_path), 6)
    found = thumbnails(f"folder:{tmp_path}", "cat")
    assert found is not None and 1 <= len(found) <= 2


def test_an_image_in_two_classes_or_two_splits_is_reported_and_one_twice_in_a_class_is_not(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("train", "val", "test"))
    shutil.copy(path / "train/cat/0.png", path / "train/dog/same.png")
    Image.open(path / "train/cat/1.png").convert("RGB").save(path / "test/cat/same.bmp")
    shutil.copy(path / "train/cat/2.png", path / "train/cat/same.png")
    for found in (folder.load(folder.listed(path)).findings, summed(path).findings):
        assert [(one.files, one.classes, one.splits) for one in found.repeats] == [
            (("test/cat/same.bmp", "train/cat/1.png"), ("cat",), ("test", "train")),
            (("train/cat/0.png", "train/dog/same.png"), ("cat", "dog"), ("train",)),
        ]
        in_classes, in_splits = found.sentences()
        assert in_classes == "1 image is in more than one class, such as train/cat/0.png = train/dog/same.png."
        assert in_splits == "1 image is in more than one split, such as test/cat/same.bmp = train/cat/1.png."
    assert summed(path).to_dict()["repeats"]["count"] == 2


def test_images_that_differ_only_where_they_are_cut_away_are_not_the_same(tmp_path: Path) -> None:
    path = pets(tmp_path)
    wide = Image.new("RGB", (9, 3))
    wide.save(path / "cat" / "0.png")
    wide.putpixel((0, 0), (1, 1, 1))
    wide.save(path / "dog" / "0.png")
    assert folder.load(folder.listed(path), 8).findings.repeats == ()


def test_each_image_is_decoded_once_for_its_pixels_and_for_what_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened, decode_file = pets(tmp_path), list[Path](), decode.decode_file
    monkeypatch.setattr(decode, "decode_file", lambda file: opened.append(file) or decode_file(file))
    assert load_task(catalogue.task(f"folder:{path}"), 8).notices == []
    assert len(opened) == len(set(opened)) == 16


LATIN = b"caf\xe9"


def non_utf8(path: Path, name: bytes) -> Path:
    file = Path(os.fsdecode(os.fsencode(path) + b"/" + name))
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        Image.new("RGB", (2, 2), "red").save(os.fsencode(file), "PNG")
        return file
    pytest.skip("this file system has no such names")


def test_file_names_that_are_not_utf8_are_read_and_printed_with_escapes(tmp_path: Path) -> None:
    path = pets(tmp_path)
    file = non_utf8(path, b"cat/" + LATIN + b".png")
    before = folder.load(folder.listed(path))
    assert len(before.images) == 17 and {SPLITS[one] for one in before.split} == set(SPLITS)
    with open(os.fsencode(file), "wb") as out:
        out.write(b"no image")
    with pytest.raises(BadFileError) as refused:
        folder.load(folder.listed(path))
    assert r"caf\xe9.png" in str(refused.value) and str(refused.value).encode()
    json.dumps(summed(path).to_dict(), ensure_ascii=False).encode()


def test_a_class_or_folder_whose_name_is_not_utf8_is_refused_with_it(tmp_path: Path) -> None:
    path = pets(tmp_path / "a")
    non_utf8(path, LATIN + b"/0.png")
    with pytest.raises(BadValueError, match=r"class folder 'caf\\xe9' .* not valid UTF-8: rename it"):
        catalogue.task(f"folder:{path}")
    with pytest.raises(BadValueError, match=r"caf\\xe9 is not valid UTF-8"):
        catalogue.task("folder:" + os.fsdecode(os.fsencode(tmp_path) + b"/" + LATIN))


def test_a_folder_beside_the_splits_may_have_any_name(tmp_path: Path) -> None:
    path = make(tmp_path, split_set("train", "test"))
    non_utf8(path, LATIN + b"/0.png")
    assert r"caf\xe9" in summed(path).split


@pytest.mark.parametrize("name", ["folder:~nosuchuser", "folder:~nosuchuser/pets", "~nosuchuser"])
def test_the_home_of_no_user_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(MissingDataError, match="No user has the home folder ~nosuchuser: check the path"):
        catalogue.task(name)


@pytest.mark.parametrize("name", ["folder:/" + "x" * 300, "folder:/a\0b", "folder:/dev/null"])
def test_what_can_be_no_folder_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(MissingDataError, match="There is no folder"):
        catalogue.task(name)


def test_pipes_where_titles_are_looked_for_do_not_block(tmp_path: Path) -> None:
    path = pets(tmp_path)
    os.mkfifo(path / "classes.txt")
    assert [one.title for one in summed(path).classes] == ["cat", "dog"]

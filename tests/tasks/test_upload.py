"""Zips of image folders: what is taken in, under which classes, and what is refused in a sentence."""

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadFileError, BadValueError, MetaVoteError
from core.tasks import upload
from core.tasks.catalogue import task as task_of
from core.tasks.data import load_task
from core.tasks.datasets import class_names
from core.tasks.summary import summarise
from core.tasks.thumbnails import thumbnails
from core.tasks.upload import found_in_zip, is_upload, remove_upload, take_in, uploaded


def picture(shade: int = 0, side: int = 8) -> bytes:
    output = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade, np.uint8)).save(output, "PNG")
    return output.getvalue()


def zipped(members: dict[str, bytes], compress: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compress) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output.getvalue()


def folders(*names: str, images: int = 4) -> dict[str, bytes]:
    return {f"{name}/{n}.png": picture(10 * n + 60 * place) for place, name in enumerate(names) for n in range(images)}


@pytest.mark.parametrize("around", ["", "pets/", "a/b/c/", "train/"])
def test_folders_of_images_become_a_data_set_whatever_folder_is_around_them(home: Path, around: str) -> None:
    members = {around + name: content for name, content in folders("cat", "dog").items()}
    dataset = take_in(zipped(members), "My pets.zip")
    assert class_names(dataset) == ("cat", "dog")
    assert uploaded() == [dataset] and Path(dataset.removeprefix("folder:")).name.startswith("My-pets-")
    task = task_of(dataset)
    assert len(load_task(task).train) == 4 and thumbnails(dataset, "cat").shape[1:] == (64, 64, 3)


def test_splits_that_a_zip_states_are_kept(home: Path) -> None:
    members = {f"d/{split}/{name}": c for split in ("train", "test") for name, c in folders("cat", "dog").items()}
    data = load_task(task_of(take_in(zipped(members), "d.zip")))
    assert data.task.classes == ("cat", "dog") and len(data.test) == 8


def test_what_systems_leave_behind_and_what_is_no_image_is_passed_over(home: Path) -> None:
    extra = {"__MACOSX/cat/._0.png": b"x", ".DS_Store": b"x", "cat/.hidden.png": b"x", "notes.txt": b"x"}
    dataset = take_in(zipped(folders("cat", "dog") | extra), "pets.zip")
    files = [path.name for path in Path(dataset.removeprefix("folder:")).rglob("*") if path.is_file()]
    assert len(files) == 8 and all(name.endswith(".png") for name in files)


def test_the_same_zip_twice_is_one_data_set_which_can_be_removed(home: Path) -> None:
    content = zipped(folders("cat", "dog"))
    dataset = take_in(content, "pets.zip")
    assert take_in(content, "pets.zip") == dataset and is_upload(dataset)
    remove_upload(dataset)
    assert uploaded() == [] and not is_upload(dataset)


@pytest.mark.parametrize(
    "name",
    ["../../evil/0.png", "/etc/evil/0.png", "cat/../../../evil.png", "..\\..\\evil\\0.png", "C:\\evil\\0.png"],
)
def test_a_place_outside_of_the_zip_is_refused_and_nothing_is_left(home: Path, name: str) -> None:
    with pytest.raises(BadFileError, match="names a place outside of itself"):
        take_in(zipped(folders("cat", "dog") | {name: picture()}), "evil.zip")
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert list(upload.uploads().iterdir()) == []


@pytest.mark.parametrize(
    "members, sentence",
    [
        ({"a.txt": b"x"}, "holds no images"),
        (folders("cat"), "has only one class, 'cat'"),
        ({"0.png": picture(), "1.png": picture()}, "images outside class folders have no class"),
        (folders("cat", "dog", images=2), "The class 'cat' in z.zip has 2 image(s), and each class needs 3 or more"),
        (folders("cat", "dog") | {"cat/9.png": b"not an image"}, "The image cat/9.png cannot be read"),
        (folders("cat", "dog") | {"cat/9.png": picture(side=300)[:-60]}, "The image cat/9.png cannot be read"),
    ],
)
def test_what_is_no_data_set_is_refused_in_a_sentence(home: Path, members: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(MetaVoteError) as refused:
        take_in(zipped(members), "z.zip")
    assert sentence in str(refused.value) and "\n" not in str(refused.value)
    assert uploaded() == []


@pytest.mark.parametrize("content", [b"", b"plain text", zipped(folders("cat", "dog"))[:-40]])
def test_what_is_no_whole_zip_is_refused(home: Path, content: bytes) -> None:
    with pytest.raises(BadFileError, match="is not a whole zip file"):
        take_in(content, "z.zip")


def test_sizes_are_bounded_whatever_the_zip_states(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = folders("cat", "dog")
    monkeypatch.setattr(upload, "MOST_IMAGES", 7)
    with pytest.raises(BadValueError, match="holds 8 images"):
        take_in(zipped(members), "z.zip")
    monkeypatch.setattr(upload, "MOST_IMAGES", 8)
    monkeypatch.setattr(upload, "LARGEST_IMAGE", 50)
    with pytest.raises(BadValueError, match="is larger than"):
        take_in(zipped(members), "z.zip")
    monkeypatch.setattr(upload, "LARGEST_IMAGE", 10**6)
    monkeypatch.setattr(upload, "MOST_PIXELS", 60)
    with pytest.raises(BadValueError, match="8 × 8 pixels"):
        take_in(zipped(members), "z.zip")
    monkeypatch.setattr(upload, "LARGEST", 100)
    with pytest.raises(BadValueError, match="unpacks to more than"):
        take_in(zipped(members), "z.zip")


def test_what_was_found_in_a_zip_is_kept_with_its_own_names_until_the_images_are_removed(home: Path) -> None:
    pets = folders("cat", "dog")
    members = {f"pets/{split}/{name}": content for split in ("Train", "Testing") for name, content in pets.items()}
    members |= {"pets/annotations/0.xml": b"x", "pets/Train/dog/0.heic": b"x", "pets/Train/dog/README": b"x"}
    dataset = take_in(zipped(members), "pets.zip")
    found = found_in_zip(dataset)
    assert {one.reason: one.count for one in found.left_out} == {
        "in a folder that is not a split": 1, "unsupported format": 1, "no extension and not an image": 1,
    }  # fmt: skip
    assert found.repeats[0].files == ("pets/Testing/cat/0.png", "pets/Train/cat/0.png") and len(found.repeats) == 8
    summary = summarise(dataset)
    assert summary.splits == {"train": ["Train"], "test": ["Testing"]} and summary.findings.left_out == found.left_out
    remove_upload(dataset)
    assert list(upload.uploads().iterdir()) == [] and found_in_zip(dataset).left_out == ()


def test_a_zip_taken_in_before_findings_were_kept_has_none(home: Path) -> None:
    dataset = take_in(zipped(folders("cat", "dog")), "pets.zip")
    Path(dataset.removeprefix("folder:")).with_suffix(".json").write_text("{}")
    assert found_in_zip(dataset).left_out == () and summarise(dataset).images["test"] == 2


def test_all_unreadable_images_of_a_zip_are_named_at_once(home: Path) -> None:
    with pytest.raises(BadFileError, match=r"2 of the 10 images .* cat/8.png \(empty\), dog/9.jpg \(not an image\)"):
        take_in(zipped(folders("cat", "dog") | {"cat/8.png": b"", "dog/9.jpg": b"words"}), "z.zip")


def test_images_in_a_zip_are_known_by_content_if_they_have_no_ending(home: Path) -> None:
    members = {name.removesuffix(".png"): content for name, content in folders("cat", "dog").items()}
    assert len(load_task(task_of(take_in(zipped(members), "z.zip"))).test) == 2


def test_links_and_pipes_in_a_zip_are_left_out(home: Path) -> None:
    output = io.BytesIO(zipped(folders("cat", "dog")))
    with zipfile.ZipFile(output, "a") as archive:
        for kind, name in ((stat.S_IFLNK, "cat/link.png"), (stat.S_IFIFO, "cat/pipe.png")):
            member = zipfile.ZipInfo(name)
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, b"/etc/passwd")
    (left_out,) = found_in_zip(take_in(output.getvalue(), "z.zip")).left_out
    assert (left_out.reason, left_out.count) == ("not a regular file", 2)

"""Visitors read shipped and uploaded data sets and folders that an operator allowed, and learn of no other folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import MetaVoteError, MissingDataError
from core.tasks import allowed
from core.tasks.catalogue import named_task, task
from core.tasks.data import load_task
from core.tasks.datasets import class_names, class_title, load_dataset
from core.tasks.own import keep_task
from core.tasks.summary import summarise
from core.tasks.task import Task
from core.tasks.thumbnails import thumbnails
from core.workers import in_processes


def images(folder: Path) -> Path:
    """A folder of two classes with four images each."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((8, 8, 3), 40 * number, np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    (folder / "classes.txt").write_text("cat Secret title\ndog Other\n")
    return folder


@pytest.fixture
def secret(home: Path, tmp_path: Path) -> Path:
    return images(tmp_path / "secret")


def refused(name: str) -> str:
    """What a visitor is told of a data set, by every way to it: always the same."""
    asked = (
        lambda: task(name),
        lambda: task(name, ["cat", "dog"]),
        lambda: task(f"{name}:cat+dog"),
        lambda: named_task("mine", name, ["cat", "dog"]),
        lambda: class_names(name),
        lambda: load_dataset(name, classes=["cat", "dog"]),
        lambda: load_task(Task("any", name, ("cat", "dog"))),
    )
    said = set()
    for ask in asked:
        with pytest.raises(MissingDataError) as error:
            ask()
        said.add(str(error.value))
    assert thumbnails(name, "cat") is None and class_title(name, "cat") == "cat"
    (only,) = said
    return only


def test_the_sentence_is_the_same_whether_or_not_a_folder_is_there(secret: Path, tmp_path: Path) -> None:
    allowed.restrict()
    told = {refused(f"folder:{path}") for path in (secret, tmp_path / "nothing", "/etc", "/var/x", "~nosuchuser/x", "")}
    assert told == {allowed.REFUSED}


@pytest.mark.parametrize(
    "way",
    [
        "{uploads}/../../../secret",
        "{uploads}/a-1/../../../../secret",
        "{uploads}/link-1",
        "{uploads}/link-1/",
        "{uploads}",
        "{uploads}/.unpack-x",
        "{uploads}/a-1/cat",
        "{open}/../secret",
        "{open}x",
        "{OPEN}",
        "{open}/link",
        "{secret}/",
        "{secret}/.",
        "//{secret}",
    ],
)
def test_no_way_of_writing_a_path_gets_around_it(
    secret: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    opened = images(tmp_path / "open")
    monkeypatch.setenv(allowed.FOLDERS, str(opened))
    images(allowed.uploads() / "a-1")
    images(tmp_path / "openx")
    (allowed.uploads() / "link-1").symlink_to(secret)
    (opened / "link").symlink_to(secret)
    allowed.restrict()
    names = {"uploads": allowed.uploads(), "open": opened, "OPEN": str(opened).upper(), "secret": secret}
    assert refused(f"folder:{way.format(**names)}") == allowed.REFUSED


def test_percent_encoding_in_an_ad_hoc_id_does_not_get_around_it(secret: Path) -> None:
    allowed.restrict()
    for name in (f"folder:{secret}%3Ax", f"folder:%2e%2e{secret}", f"folder:{secret}:cat+dog", f"folder:{secret}%25"):
        with pytest.raises(MissingDataError, match="The dashboard may not read this folder"):
            task(name)


def test_a_bare_path_discloses_no_folder(secret: Path, tmp_path: Path) -> None:
    allowed.restrict()
    told = []
    for path in (secret, tmp_path / "nothing"):
        with pytest.raises(MetaVoteError) as error:
            task(str(path))
        told.append(str(error.value).replace(str(path), ""))
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["..", ".", "../../secret/cat", "a/../..", "", "/etc", "..\\x"])
def test_a_class_leads_out_of_no_folder(secret: Path, name: str) -> None:
    upload = images(allowed.uploads() / "a-1")
    allowed.restrict()
    assert thumbnails(f"folder:{upload}", name) is None
    with pytest.raises(MetaVoteError):
        load_dataset(f"folder:{upload}", classes=["cat", name])


def test_uploads_and_folders_of_the_operator_are_read(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = images(tmp_path / "open" / "pets")
    upload = images(allowed.uploads() / "pets-12345678")
    monkeypatch.setenv(allowed.FOLDERS, f"/nowhere:{tmp_path / 'open'}:")
    allowed.restrict()
    for folder in (inside, upload):
        assert task(f"folder:{folder}").classes == ("cat", "dog")
        assert len(load_dataset(f"folder:{folder}").images) == 8 and thumbnails(f"folder:{folder}", "cat") is not None


def test_a_folder_that_the_command_line_was_given_is_read_by_the_dashboard_too(secret: Path, home: Path) -> None:
    task(f"folder:{secret}")
    allowed.restrict()
    assert task(f"folder:{secret}").classes == ("cat", "dog")
    with pytest.raises(MissingDataError):
        task(f"folder:{secret.parent}")
    assert json.loads((home / allowed.FILE).read_text()) == [str(secret)]


def permitted(home: Path) -> list[str]:
    """The folders that the dashboard may read, as they are kept."""
    file = home / allowed.FILE
    return json.loads(file.read_text()) if file.exists() else []


@pytest.mark.parametrize("ask", [task, summarise, lambda name: task(name, ["cat", "dog"])])
def test_only_a_folder_that_is_a_data_set_becomes_known_to_the_dashboard(
    home: Path, secret: Path, ask: Callable[[str], object]
) -> None:
    (empty := home.parent / "empty").mkdir()
    for path in (secret / "cat", empty, secret / "nothing"):
        with pytest.raises(MetaVoteError):
            ask(f"folder:{path}")
    assert permitted(home) == []
    ask(f"folder:{secret}")
    assert permitted(home) == [str(secret)]


def test_a_task_of_a_folder_under_the_users_own_name_is_read_by_the_dashboard_once_it_was_named_here(
    home: Path, secret: Path
) -> None:
    own = Task("mine-1234", f"folder:{secret}", ("cat", "dog"))
    keep_task(own)  # before folders were kept
    allowed.restrict()
    assert task(own.id) == own and permitted(home) == []
    with pytest.raises(MissingDataError, match="python -m core tasks --dataset folder:/path/to/images"):
        load_task(own)
    os.environ[allowed.RESTRICTED] = ""
    assert task(own.id) == own and permitted(home) == [str(secret)]
    allowed.restrict()
    assert len(load_task(own).test) == 2


@pytest.mark.parametrize("folder", ["nothing", "secret/cat"])
def test_an_own_task_whose_folder_is_gone_or_no_data_set_is_still_a_task_and_opens_nothing(
    home: Path, secret: Path, folder: str
) -> None:
    own = Task("mine-1234", f"folder:{secret.parent / folder}", ("cat", "dog"))
    keep_task(own)
    assert task(own.id) == own and permitted(home) == []


def test_no_folder_is_lost_if_several_are_made_known_at_once(home: Path, tmp_path: Path) -> None:
    folders = [tmp_path / f"pets{number}" for number in range(40)]
    for path in folders:
        path.mkdir()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(allowed.permit, folders))
    assert sorted(permitted(home)) == sorted(map(str, folders))


def restricted(_: int) -> bool:
    return allowed.is_restricted()


def test_the_children_of_a_restricted_process_are_restricted_and_others_are_not() -> None:
    assert dict(in_processes(restricted, [1], 1)) == {1: False}
    allowed.restrict()
    assert dict(in_processes(restricted, [1, 2], 2)) == {1: True, 2: True}
    code = "import sys; from core.tasks import allowed; sys.exit(allowed.is_restricted())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1


def test_what_a_visitor_asks_for_never_widens_what_is_allowed(secret: Path, home: Path) -> None:
    allowed.restrict()
    refused(f"folder:{secret}")
    allowed.permit(secret)
    assert not (home / allowed.FILE).exists()


@pytest.mark.parametrize("content", ["", "{", "5", '{"a": 1}', "[5, null]", "[" * 10_000])
def test_a_damaged_list_of_folders_allows_none(secret: Path, home: Path, content: str) -> None:
    home.mkdir(exist_ok=True)
    (home / allowed.FILE).write_text(content)
    allowed.restrict()
    assert refused(f"folder:{secret}") == allowed.REFUSED


def test_the_command_line_and_python_are_not_restricted(secret: Path, tmp_path: Path) -> None:
    assert task(f"folder:{secret}").classes == ("cat", "dog")
    assert class_title(f"folder:{secret}", "cat") == "Secret title"
    with pytest.raises(MissingDataError, match="There is no folder"):
        class_names(f"folder:{tmp_path / 'nothing'}")

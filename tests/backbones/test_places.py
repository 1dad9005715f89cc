"""Backbones and zoos named by a path: visitors name none, the operator's own work, and none breaks anything."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.backbones.backbone import keep_backbone, load_backbone
from core.backbones.listing import DEFAULT, about, find_backbone
from core.backbones.places import REFUSED
from core.errors import BadFileError, BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.paths import ASSETS
from core.runs.execute import events_of
from core.runs.settings import run_config
from core.tasks import allowed
from core.zoo.recipe import parsed, read_recipe
from core.zoo.zoo import DEFAULT as ZOO
from core.zoo.zoo import find_zoo, open_zoo
from core.zoo.zoo import roots as zoo_roots

FILE = ASSETS / "backbones" / f"{DEFAULT}.safetensors"
FOLDER = ASSETS / "zoo" / ZOO


def recipe(backbone: str) -> object:
    return parsed(f"zoo: a\nbackbone: {backbone!r}\ntasks: [emoji-t00, emoji-t01]\n".encode(), "a.yaml")


def sentence(ask: Callable[[], object]) -> str:
    with pytest.raises(MetaVoteError) as error:
        ask()
    return str(error.value)


@pytest.fixture
def secret(home: Path, tmp_path: Path) -> Path:
    """A folder outside of the user's, with a backbone file, another file, and a zoo."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "there.safetensors").symlink_to(FILE)
    (folder / "there.txt").write_text("secret")
    (folder / "zoo").symlink_to(FOLDER)
    (home / "backbones").mkdir(parents=True)
    (home / "zoos").mkdir()
    return folder


@pytest.mark.parametrize("find", [find_backbone, about, load_backbone, keep_backbone, recipe])
def test_a_visitor_learns_of_no_file_by_naming_a_backbone(
    secret: Path, monkeypatch: pytest.MonkeyPatch, find: Callable[[str], object]
) -> None:
    allowed.restrict()
    monkeypatch.chdir(secret)
    names = [f"{secret}/there.safetensors", f"{secret}/not.safetensors", "/etc/passwd", "/etc/nopasswd", "~root/x"]
    names += ["../../secret/there", "../../secret/there.safetensors", "there.safetensors", "~nosuch/x", "..", "a\\b"]
    names += ["x" * 5000 + "/y", "/" + "x" * 5000]
    assert {sentence(lambda name=name: find(name)).removeprefix("a.yaml, line 2: ") for name in names} == {REFUSED}
    if find is not recipe:
        assert sentence(lambda: find("there.txt")).startswith("There is no backbone 'there.txt'")


@pytest.mark.parametrize("find", [find_zoo, open_zoo])
def test_a_visitor_learns_of_no_folder_by_naming_a_zoo(secret: Path, find: Callable[[str], object]) -> None:
    allowed.restrict()
    names = [f"{secret}/zoo", f"{secret}/not", "../../secret/zoo", "..", ".", "~nosuch/x", "~", "/" + "x" * 5000]
    assert {sentence(lambda name=name: find(name)) for name in names} == {REFUSED}
    assert find_zoo(FOLDER) == FOLDER, "a place that the program chose itself"


@pytest.mark.parametrize("id", ["../secret/there", "../there", "..", "a/b", ""])
def test_an_id_never_leaves_its_folder(secret: Path, id: str) -> None:
    (secret.parent / "home" / "there.safetensors").symlink_to(FILE)
    (secret.parent / "home" / "zoo.json").symlink_to(FOLDER / "zoo.json")
    for find in (find_backbone, find_zoo):
        with pytest.raises(UnknownNameError):
            find(id)


@pytest.mark.parametrize("name", ["~nosuch/x", "~nosuch/x.safetensors", "/" + "x" * 5000, "a/" + "y" * 300, "a/b\0c"])
@pytest.mark.parametrize("find", [find_backbone, find_zoo])
def test_a_path_that_cannot_be_is_refused_in_a_short_sentence(find: Callable[[str], object], name: str) -> None:
    assert len(sentence(lambda: find(name))) < 300


def test_a_name_of_any_length_is_refused_in_a_short_sentence() -> None:
    for find in (find_backbone, find_zoo):
        assert len(sentence(lambda find=find: find("x" * 5000))) < 500


def test_what_the_operator_named_may_be_used_by_workers(secret: Path) -> None:
    file, folder = f"{secret}/there.safetensors", f"{secret}/zoo"
    configs = [
        run_config({"task": "emoji-t00", "method": "taylor", "backbone": file}),
        run_config({"task": "emoji-t00", "zoo": folder}),
    ]
    allowed.restrict()
    assert load_backbone(configs[0].backbone).id == "there"
    assert configs[1].zoo == folder and open_zoo(folder).id == ZOO
    assert run_config(configs[0].to_dict()) == configs[0] and run_config(configs[1].to_dict()) == configs[1]
    other = secret / "other.safetensors"
    other.symlink_to(ASSETS / "backbones" / "emoji-resnet18-supervised.safetensors")
    assert sentence(lambda: find_backbone(str(other))) == REFUSED


def test_a_worker_prunes_the_operators_file_and_zoo_folder(secret: Path) -> None:
    usual = {"task": "emoji-t00", "iterations": 0, "threads": 1}
    configs = [
        run_config({**usual, "method": "magnitude", "backbone": f"{secret}/there.safetensors"}),
        run_config({**usual, "method": "mvp", "zoo": f"{secret}/zoo"}),
    ]
    allowed.restrict()
    for config in configs:
        assert any(event.kind == "finished" for event in events_of(config))


def test_a_folder_that_the_operator_opened_holds_backbones_too(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(allowed.FOLDERS, str(secret))
    (secret / "there.safetensors").unlink()
    (secret / "there.safetensors").write_bytes(FILE.read_bytes())
    allowed.restrict()
    assert find_backbone(f"{secret}/there.safetensors")


def test_a_visitor_permits_nothing(secret: Path) -> None:
    allowed.restrict()
    with pytest.raises(MissingDataError):
        run_config({"task": "emoji-t00", "method": "taylor", "backbone": f"{secret}/there.safetensors"})
    assert not (zoo_roots()[0].parent / allowed.FILE).exists()


def test_a_recipe_is_a_plain_file_of_limited_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(BadFileError, match="is not a plain file"):
            read_recipe(file)
    for name in ("~nosuch/x.yaml", "x" * 5000):
        with pytest.raises(BadValueError):
            read_recipe(Path(name))


@pytest.mark.parametrize(
    "words",
    [
        ["backbones", "info", "~nosuch/x"],
        ["zoo", "info", "~nosuch/x"],
        ["zoo", "export", ZOO, "~nosuch/x.zip"],
        ["zoo", "import", "x" * 5000],
        ["zoo", "build", "a", "--tasks", "emoji-t00", "emoji-t01", "--out", "~nosuch/x"],
        ["backbones", "add", "~nosuch/x.pth", "--architecture", "resnet18"],
        ["runs", "import", "~nosuch/x"],
    ],
)
def test_the_command_line_refuses_paths_that_cannot_be(home: Path, words: list[str]) -> None:
    environment = {**os.environ, "METAVOTE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "core", *words], capture_output=True, text=True, env=environment)
    assert done.returncode in (1, 2) and "should not happen" not in done.stderr and len(done.stderr) < 400

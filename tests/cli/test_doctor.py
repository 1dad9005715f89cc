import shutil
from pathlib import Path
from typing import Any

import pytest

from core.backbones import backbone, listing
from core.cli import main as entry
from core.cli import tasks as verb
from core.pruning.config import RunConfig
from core.runs.store import Store
from core.zoo import zoo
from tests.cli.conftest import Run, add_finished


def checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document["checks"]}


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of assets without backbones and zoos."""
    folder = tmp_path / "assets"
    monkeypatch.setattr(zoo, "ASSETS", folder)
    monkeypatch.setattr(listing, "FOLDER", folder / "backbones")
    return folder


def test_a_whole_checkout_is_ready(run: Run, store: Store) -> None:
    add_finished(store, RunConfig("emoji-t00"), 0.7)
    said = run("doctor", "--json")
    assert said.code == 0 and said.document["ready"] is True
    found = checks(said.document)
    assert found["data set emoji"]["facts"]["images"] > 0
    assert found[f"backbone {backbone.DEFAULT}"]["facts"]["hash"] == zoo.open_zoo().backbone_hash
    assert found[f"zoo {zoo.DEFAULT}"]["facts"]["tasks"] == len(zoo.open_zoo().tasks)
    assert found["store"]["facts"]["runs"] == {"finished": 1}
    assert {"torch", "gpu", "packages", "worker", "disk", "onnx"} <= set(found)
    assert said.document["versions"]["torch"] and "onnx" in said.document["versions"]


def test_everything_that_is_not_well_says_what_to_do(run: Run) -> None:
    for one in run("doctor", "--json").document["checks"]:
        assert (one["state"] == "ok") == (one["remedy"] == ""), one


def test_optional_things_may_be_missing(run: Run) -> None:
    said = run("doctor")
    assert said.code == 0 and "Ready to prune." in said.out and said.err == ""
    assert "data set cifar10" in said.out and "missing (optional)" in said.out and "->" in said.out


def test_without_backbone_and_zoo_the_main_job_cannot_run(run: Run, assets: Path) -> None:
    said = run("doctor", "--json")
    assert said.code == 1 and said.document["ready"] is False
    found = checks(said.document)
    assert found[f"backbone {backbone.DEFAULT}"]["state"] == "missing"
    assert found[f"zoo {zoo.DEFAULT}"]["state"] == "missing"
    assert "assets/zoo" in found[f"zoo {zoo.DEFAULT}"]["remedy"]
    assert "Not ready" in run("doctor").out


def test_a_backbone_whose_weights_changed_is_told(run: Run, assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.paths import ASSETS

    name = f"{backbone.DEFAULT}.safetensors"
    (assets / "backbones").mkdir(parents=True)
    shutil.copy(ASSETS / "backbones" / name, assets / "backbones" / name)
    with open(assets / "backbones" / name, "r+b") as file:
        file.seek(-1000, 2)
        file.write(b"\1" * 500)
    found = checks(run("doctor", "--json").document)
    assert found[f"backbone {backbone.DEFAULT}"]["state"] == "broken"
    assert "does not hold the weights" in found[f"backbone {backbone.DEFAULT}"]["remedy"]


def test_a_zoo_whose_models_are_not_those_it_was_made_with_is_told(run: Run, home: Path) -> None:
    folder = home / "zoos" / "mine"
    shutil.copytree(zoo.open_zoo().path, folder)
    models = sorted((folder / "models").iterdir())
    models[0].write_bytes(models[1].read_bytes())
    found = checks(run("doctor", "--json").document)["zoo mine"]
    assert found["state"] == "broken" and "another task's" in found["remedy"] and not found["needed"]


def test_a_store_that_cannot_be_used_is_told_and_the_rest_still_checked(run: Run, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "runs.db").write_bytes(b"something else entirely" * 100)
    said = run("doctor", "--json")
    assert said.code == 1
    found = checks(said.document)
    assert found["store"]["state"] == "broken" and "runs.db" in found["store"]["remedy"]
    assert found["disk"]["state"] == "ok"


def test_a_defect_is_one_sentence_unless_asked_for_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(verb, "task_of", broken)
    run("neighbours", "emoji-t00").refused(1, "ZeroDivisionError", "METAVOTE_DEBUG")
    monkeypatch.setenv("METAVOTE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        entry.main(["neighbours", "emoji-t00"])


def test_what_a_library_prints_does_not_spoil_the_document(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = verb.ranked

    def chatty(*arguments: Any) -> Any:
        print("loading...")
        return ranked(*arguments)

    monkeypatch.setattr(verb, "ranked", chatty)
    said = run("neighbours", "emoji-t00", "--json")
    assert len(said.document) == 5 and "loading" in said.err

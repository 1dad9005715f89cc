"""One backbone is one set of weights, image size and normalisation: nothing that differs in one of them is paired."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core
from core.backbones.backbone import load_backbone, save_backbone
from core.backbones.identity import Identity
from core.backbones.listing import DEFAULT
from core.errors import BadFileError, MismatchError
from core.runs.settings import run_config
from core.zoo.pairing import check_pair
from core.zoo.similarity import _cache_file
from core.zoo.zoo import open_zoo

TWINS: dict[str, dict[str, Any]] = {
    "mean": {"mean": [0.1, 0.2, 0.3]},
    "standard deviation": {"std": [1.0] * 3},
    "image size": {"size": 64},
}


def twin(home: Path, id: str, **other: Any) -> str:
    """A backbone with the shipped tensors that is given other images."""
    made = load_backbone()
    usual = {"mean": list(made.mean), "std": list(made.std), "size": made.size}
    save_backbone(
        home / "backbones" / f"{id}.safetensors", made.tensors, architecture=made.architecture, source=made.source,
        about={}, **(usual | other),
    )  # fmt: skip
    assert load_backbone(id).hash == made.hash
    return id


@pytest.mark.parametrize("method", ["mvp", "magnitude"])
@pytest.mark.parametrize("differs", TWINS)
def test_the_same_tensors_given_other_images_are_not_the_zoos_backbone(home: Path, differs: str, method: str) -> None:
    id = twin(home, "twin", **TWINS[differs])
    with pytest.raises(MismatchError, match=rf"not on twin \({differs} .*, here .*\): name a zoo"):
        core.prune("emoji-t00", backbone=id, zoo=DEFAULT, method=method, iterations=0)
    assert run_config({"task": "emoji-t00", "backbone": twin(home, "equal"), "zoo": DEFAULT}).backbone == "equal"


def test_inputs_record_the_normalisation_so_that_twins_are_on_other_grounds(home: Path) -> None:
    twin(home, "twin", **TWINS["mean"])
    inputs = [
        core.prune("emoji-t00", backbone=id, method="dense", iterations=0, threads=1).result.inputs
        for id in (DEFAULT, "twin")
    ]
    assert [one["normalisation"] for one in inputs if one] == [  # type: ignore[union-attr]
        [list(made.mean), list(made.std)] for made in map(load_backbone, (DEFAULT, "twin"))
    ]


def zoo_with(folder: Path, **about: Any) -> Path:
    (folder / "models").parent.mkdir(parents=True)
    (folder / "models").symlink_to(open_zoo().path / "models")
    (folder / "zoo.json").write_text(json.dumps(json.loads((open_zoo().path / "zoo.json").read_text()) | about))
    return folder


def test_a_zoo_that_does_not_record_them_goes_by_its_first_model(tmp_path: Path) -> None:
    assert not {"size", "mean", "std"} & set(open_zoo().about)
    assert open_zoo().identity.difference(load_backbone().identity) == ""
    assert open_zoo().identity.size == load_backbone().size and open_zoo().identity.mean == load_backbone().mean
    bare = zoo_with(tmp_path / "bare")
    (bare / "models").unlink()
    assert open_zoo(bare).identity == Identity(load_backbone().hash)


def test_a_zoo_that_records_them_goes_by_that(tmp_path: Path) -> None:
    made = load_backbone()
    there = open_zoo(zoo_with(tmp_path / "z", size=64, mean=list(made.mean), std=list(made.std)))
    with pytest.raises(MismatchError, match="image size 64, here 32"):
        check_pair(there, made.id, made.identity)
    check_pair(there, made.id, replace(made.identity, size=64))


@pytest.mark.parametrize("wrong", [{"size": "x"}, {"mean": [0.5]}, {"std": [0.0] * 3}], ids=str)
def test_a_zoo_that_records_them_wrongly_is_damaged(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadFileError):
        open_zoo(zoo_with(tmp_path / "z", **wrong))


def test_kept_similarities_are_of_one_normalisation(tmp_path: Path) -> None:
    task = core.task("emoji-t00")
    data = core.tasks.data.load_task(task, 32)
    made = load_backbone()
    usual = {"size": 32, "mean": list(made.mean), "std": list(made.std)}
    zoos = [open_zoo(zoo_with(tmp_path / name, **usual | TWINS[name])) for name in TWINS]
    assert len({_cache_file(zoo, task, data) for zoo in (open_zoo(), *zoos)}) == 4


COLOURS = st.none() | st.tuples(*[st.floats(0, 1)] * 3)


@given(st.builds(Identity, st.sampled_from("ab"), st.none() | st.sampled_from([32, 64]), COLOURS, COLOURS), st.data())
def test_an_identity_fits_itself_and_what_records_less(one: Identity, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["size", "mean", "std"]))
    assert one.difference(one) == one.difference(replace(one, **{name: None})) == ""
    assert one.difference(replace(one, hash="c")).startswith("weights ")

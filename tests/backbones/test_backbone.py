"""Backbone files: what is loaded is what was saved, whole, or it is refused in a sentence."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.backbones.architectures import architecture, head_of
from core.backbones.backbone import (
    FOLDER,
    backbone_ids,
    keep_backbone,
    load_backbone,
    save_backbone,
    tensors_hash,
)
from core.errors import BadFileError, MismatchError, UnknownNameError, UnsupportedError
from tests.engine import images, random_backbone


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def saved(path: Path, leave_out: str = "nothing", seed: int = 0) -> str:
    backbone = random_backbone(seed=seed)
    tensors = {name: t for name, t in backbone.tensors.items() if not name.startswith(leave_out)}
    return save_backbone(
        path, tensors, architecture="resnet18", source="random", mean=[0.5] * 3, std=[0.25] * 3, size=32,
        about={"made": "in a test"},
    )  # fmt: skip


def test_what_was_saved_is_loaded_as_float32_with_its_metadata(tmp_path: Path) -> None:
    digest = saved(tmp_path / "mine.safetensors")
    backbone = load_backbone(str(tmp_path / "mine.safetensors"))
    assert (backbone.id, backbone.architecture, backbone.source) == ("mine", "resnet18", "random")
    assert backbone.hash == digest
    assert (backbone.mean, backbone.std, backbone.size) == ((0.5,) * 3, (0.25,) * 3, 32)
    assert backbone.about == {"made": "in a test"} and len(repr(backbone)) < 400
    for name, tensor in random_backbone().tensors.items():
        assert torch.equal(backbone.tensors[name], tensor) and backbone.tensors[name].dtype == tensor.dtype


def test_its_plain_form_is_all_but_the_weights(tmp_path: Path) -> None:
    saved(tmp_path / "mine.safetensors")
    document = load_backbone(str(tmp_path / "mine.safetensors")).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert (document["id"], document["mean"], document["about"]["made"]) == ("mine", [0.5] * 3, "in a test")
    assert "tensors" not in document


def test_a_file_that_is_kept_is_found_by_its_id_from_then_on(tmp_path: Path, home: Path) -> None:
    digest = saved(tmp_path / "mine.safetensors")
    with pytest.raises(UnknownNameError):
        load_backbone("mine")
    assert keep_backbone(str(tmp_path / "mine.safetensors")).hash == digest
    (tmp_path / "mine.safetensors").unlink()
    assert load_backbone("mine").hash == digest and load_backbone("mine").id == "mine"
    assert backbone_ids() == ["emoji-resnet18-simclr", "emoji-resnet18-supervised", "mine"]
    assert [file.name for file in (home / "backbones").iterdir()] == ["mine.safetensors"]
    assert keep_backbone("mine").hash == digest


def test_another_backbone_of_an_id_that_is_taken_is_refused(tmp_path: Path, home: Path) -> None:
    for taken in ("mine", "emoji-resnet18-simclr"):
        file = tmp_path / f"{taken}.safetensors"
        if taken == "mine":
            saved(file)
            keep_backbone(str(file))
        saved(file, seed=1)
        before = load_backbone(taken).hash
        with pytest.raises(MismatchError, match=f"A backbone {taken} already exists, but .*another name"):
            keep_backbone(str(file))
        assert load_backbone(taken).hash == before
    keep_backbone("emoji-resnet18-simclr")  # a shipped one is not copied
    assert [file.name for file in (home / "backbones").iterdir()] == ["mine.safetensors"]


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    hashes = [(saved(path, seed=seed), load_backbone(str(path)).hash) for seed in (0, 1)]
    assert hashes[0] != hashes[1] and all(written == read for written, read in hashes)


def test_a_built_network_has_the_weights_and_a_head_of_zeros() -> None:
    model = random_backbone().build(7).eval()
    assert torch.equal(model.conv1.weight, random_backbone().tensors["conv1.weight"])
    with torch.no_grad():
        assert torch.equal(model(images(2)), torch.zeros(2, 7))
        model.conv1.weight.zero_()
    assert random_backbone().tensors["conv1.weight"].abs().sum() > 0  # each build is a copy


def test_the_hash_depends_on_names_shapes_and_values_but_not_on_order_or_precision() -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3) / 7, "b": torch.tensor(3)}
    same = {"b": torch.tensor(3), "a": tensors["a"].half()}
    assert tensors_hash(tensors) == tensors_hash(same)
    for other in (
        {"a": tensors["a"], "c": tensors["b"]},
        {"a": tensors["a"].view(3, 2), "b": tensors["b"]},
        {"a": tensors["a"] + 0.1, "b": tensors["b"]},
        {"a": tensors["a"]},
    ):
        assert tensors_hash(other) != tensors_hash(tensors)


def test_an_unknown_backbone_names_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="did you mean emoji-resnet18-simclr"):
        load_backbone("emoji-resnet18-simcl")
    with pytest.raises(UnknownNameError):
        load_backbone("no/such/file.safetensors")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_damaged_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "mine.safetensors"
    saved(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BadFileError, match="mine.safetensors is no backbone file"):
        load_backbone(str(path))


def test_a_file_whose_weights_are_not_those_it_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    saved(path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadFileError, match="does not hold the weights it says"):
        load_backbone(str(path))


@pytest.mark.parametrize("record", [None, "{}", "[]", "3", "no JSON", '{"hash": "HASH"}'])
def test_a_file_that_does_not_say_what_it_is_is_refused(tmp_path: Path, record: str | None) -> None:
    path, tensors = tmp_path / "mine.safetensors", {"a": torch.zeros(2)}
    metadata = None if record is None else {"backbone": record.replace("HASH", tensors_hash(tensors))}
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(BadFileError, match="mine.safetensors"):
        load_backbone(str(path))


@pytest.mark.parametrize("leave_out", ["layer3.", "conv1.weight"])
def test_weights_that_do_not_fill_the_network_are_refused_and_never_left_to_chance(
    tmp_path: Path, leave_out: str
) -> None:
    path = tmp_path / "mine.safetensors"
    saved(path, leave_out)
    with pytest.raises(BadFileError, match=f"mine.*{leave_out}"):
        load_backbone(str(path)).build(5)


def test_every_shipped_backbone_loads_with_its_own_hash_and_builds() -> None:
    assert "emoji-resnet18-simclr" in backbone_ids()
    for name in (file.stem for file in FOLDER.glob("*.safetensors")):
        backbone = load_backbone(name)
        assert backbone.id == name and backbone.hash == tensors_hash(backbone.tensors)
        assert backbone.source in ("self-supervised", "supervised")
        with torch.no_grad():
            assert backbone.build(5).eval()(torch.zeros(1, 3, backbone.size, backbone.size)).shape == (1, 5)
        json.dumps(dict(backbone.about))
        assert (FOLDER / f"{name}.safetensors").stat().st_size < 25 * 2**20


def test_an_architecture_that_is_not_supported_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean resnet18"):
        architecture("resnet19")
    with pytest.raises(UnsupportedError, match="Conv2d has no head"):
        head_of(torch.nn.Conv2d(3, 3, 3))

"""Checkpoints of every registered layout: recognised, read whole, and refused by the key where they do not fit."""

import argparse
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.backbones.architectures import ARCHITECTURES
from core.backbones.checkpoints import read_states, read_trunk
from core.backbones.layouts import LAYOUTS, SELF_SUPERVISED, older_names
from core.backbones.values import COUNTER
from core.errors import BadFileError, UnknownNameError
from tests import networks
from tests.backbones.made import MADE, State, after, mlp, network_of, network_state, training, trunk_of

EVERY = pytest.mark.parametrize("name", LAYOUTS)


def written(folder: Path, content: object, file: str = "checkpoint.pth.tar") -> Path:
    torch.save(content, folder / file)
    return folder / file


def made(folder: Path, name: str, **changes: torch.Tensor | None) -> tuple[Path, State]:
    """(a file of that layout, the network's state dict that is in it); changes: key -> tensor, None for left out."""
    state = network_state(network_of(name))
    changed = {**state, **{key.replace("__", "."): value for key, value in changes.items()}}
    content = MADE[name]({key: value for key, value in changed.items() if value is not None})
    return written(folder, content), state


@EVERY
def test_a_file_of_each_layout_is_recognised_and_fills_the_whole_trunk(tmp_path: Path, name: str) -> None:
    file, state = made(tmp_path, name)
    architecture = ARCHITECTURES[network_of(name)]
    found = read_trunk(file, architecture.name)
    wanted = trunk_of(state, architecture.head)
    assert (found.coverage.layout, found.coverage.complete) == (name, True), found.coverage.sentence
    assert set(found.tensors) == set(wanted)
    for key, value in wanted.items():
        assert torch.equal(found.tensors[key], value), key
    assert found.coverage.filled == found.coverage.wanted == sum(not key.endswith(COUNTER) for key in wanted)
    assert not found.coverage.others and found.source == LAYOUTS[name].source
    assert found.head == (name in ("torchvision", "imgsim", "simclr-bolts", "byol", "mobilenet-flat"))
    named = read_trunk(file, architecture.name, name)
    assert named.coverage == found.coverage


@EVERY
def test_what_is_missing_or_of_another_shape_is_named_by_its_own_key(tmp_path: Path, name: str) -> None:
    key = "features.3.conv.1.0.weight" if name == "mobilenet-flat" else "layer2.1.conv2.weight"
    changed = key.replace(".", "__")
    file, _ = made(tmp_path, name, **{changed: None})
    coverage = read_trunk(file, network_of(name)).coverage
    assert coverage.layout == name and not coverage.complete
    assert (coverage.missing, coverage.reshaped, coverage.unexpected) == ((key,), (), ())
    assert coverage.filled == coverage.wanted - 1 and key in coverage.sentence
    file, _ = made(tmp_path, name, **{changed: torch.zeros(2, 3)})
    coverage = read_trunk(file, network_of(name)).coverage
    assert coverage.missing == () and len(coverage.reshaped) == 1 and coverage.reshaped[0].startswith(f"{key} [2, 3]")


@EVERY
def test_more_than_the_trunk_has_is_no_fit_either(tmp_path: Path, name: str) -> None:
    """All of ResNet-18 is in a deeper network's file, with the same names and shapes."""
    file, _ = made(tmp_path, name, layer3__2__conv1__weight=torch.zeros(1))
    coverage = read_trunk(file, network_of(name)).coverage
    assert coverage.unexpected == ("layer3.2.conv1.weight",) and coverage.filled == coverage.wanted
    assert not coverage.complete and "unexpected: layer3.2.conv1.weight" in coverage.sentence


@EVERY
def test_counters_of_batches_may_be_missing(tmp_path: Path, name: str) -> None:
    state = network_state(network_of(name))
    file = written(tmp_path, MADE[name]({key: value for key, value in state.items() if not key.endswith(COUNTER)}))
    found = read_trunk(file, network_of(name))
    assert found.coverage.complete
    assert {int(value) for key, value in found.tensors.items() if key.endswith(COUNTER)} == {0}


def test_a_network_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    file, _ = made(tmp_path, "moco")
    coverage = read_trunk(file, "mobilenet_v2").coverage
    assert coverage.filled == 0 and "features.0.0.weight" in coverage.missing and "more" in coverage.sentence
    assert "conv1.weight" in coverage.unexpected
    with pytest.raises(UnknownNameError, match="did you mean resnet18"):
        read_trunk(file, "resnet17")


def test_a_small_images_variant_differs_in_its_first_layer(tmp_path: Path) -> None:
    """CIFAR's usual ResNet has a first convolution of 3 pixels."""
    file, _ = made(tmp_path, "simclr", conv1__weight=torch.zeros(64, 3, 3, 3))
    coverage = read_trunk(file, "resnet18").coverage
    assert coverage.reshaped == ("conv1.weight [64, 3, 3, 3] for [64, 3, 7, 7]",)


@pytest.mark.parametrize("name", ["dino", "barlow-twins", "vicreg"])
def test_published_trunks_without_a_wrapper_are_read_where_the_layout_is_named(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, trunk_of(network_state()), "resnet50.pth")
    unnamed, named = read_trunk(file, "resnet18"), read_trunk(file, "resnet18", name)
    assert (unnamed.coverage.layout, unnamed.source, unnamed.head) == ("torchvision", "", False)
    assert named.coverage.complete and named.source == SELF_SUPERVISED


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model.", "_orig_mod.", "backbone.", "net."])
def test_wrapped_state_dicts_of_anybody_are_read(tmp_path: Path, key: str, prefix: str) -> None:
    file = written(tmp_path, training(after(prefix, network_state()), key))
    found = read_trunk(file, "resnet18")
    assert found.coverage.complete and found.head
    assert (found.coverage.layout, found.coverage.place) == ("torchvision", key)


def test_what_is_beside_the_trunk_and_not_known_is_told(tmp_path: Path) -> None:
    state = {**after("model.", network_state()), **mlp("decoder.", 0, 1), **mlp("model.decoder.", 1)}
    coverage = read_trunk(written(tmp_path, state), "resnet18").coverage
    assert coverage.others == {"decoder": 2} and coverage.dropped == {"model": 2}
    assert coverage.unexpected == ("decoder.1.weight",)


@pytest.mark.parametrize("name", networks.EVERY)
def test_torchvisions_own_state_dict_of_every_architecture_fits(tmp_path: Path, name: str) -> None:
    state = network_state(name)
    found = read_trunk(written(tmp_path, state), name)
    assert found.coverage.complete and found.head, found.coverage.sentence
    assert set(found.tensors) == set(trunk_of(state, ARCHITECTURES[name].head))
    assert found.coverage.dropped and sum(found.coverage.dropped.values()) == 2


@pytest.mark.parametrize(
    "old, now",
    [
        ("features.denseblock1.denselayer12.norm.1.running_var", "features.denseblock1.denselayer12.norm1.running_var"),
        ("features.denseblock4.denselayer2.conv.2.weight", "features.denseblock4.denselayer2.conv2.weight"),
        ("features.transition1.conv.weight", "features.transition1.conv.weight"),
        ("encoder.layers.encoder_layer_3.mlp.linear_1.weight", "encoder.layers.encoder_layer_3.mlp.0.weight"),
        ("encoder.layers.encoder_layer_3.mlp.linear_2.bias", "encoder.layers.encoder_layer_3.mlp.3.bias"),
        ("layer1.0.conv1.weight", "layer1.0.conv1.weight"),
    ],
)
def test_older_names_in_torchvisions_published_files_become_the_present_ones(old: str, now: str) -> None:
    assert older_names(old) == older_names(now) == now


def test_a_supervised_network_that_looks_like_anothers_layout_is_not_taken_for_it(tmp_path: Path) -> None:
    """Lightning modules are often a backbone and a classifier or head; that alone tells no method."""
    for head in ("classifier.", "head."):
        state = {**after("backbone.", trunk_of(network_state())), **mlp(head, 1)}
        found = read_trunk(written(tmp_path, {"state_dict": state}), "resnet18")
        assert (found.coverage.layout, found.source, found.coverage.complete) == ("torchvision", "", True)


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    state = {key: value.clone() for key, value in network_state().items()}
    save_file(state, tmp_path / "net.safetensors")
    found = read_trunk(tmp_path / "net.safetensors", "resnet18")
    assert found.coverage.complete and torch.equal(found.tensors["conv1.weight"], state["conv1.weight"])


def test_a_layout_that_is_named_but_not_there_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, network_state())
    with pytest.raises(
        BadFileError, match="not laid out as MoCo v1, v2, which keeps its state dict under 'state_dict'"
    ):
        read_trunk(file, "resnet18", "moco")
    assert not read_trunk(file, "resnet18", "imgsim").coverage.complete
    with pytest.raises(UnknownNameError, match="checkpoint format 'mocco': did you mean moco"):
        read_trunk(file, "resnet18", "mocco")


class Trap:
    """Unpickling this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_is_ever_unpickled(tmp_path: Path, legacy: bool) -> None:
    sprung, file = tmp_path / "sprung", tmp_path / "trap.pth"
    content = {"state_dict": network_state(), "hyper_parameters": Trap(sprung)}
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadFileError, match="trap.pth holds more than tensors, and nothing else is ever unpickled"):
        read_trunk(file, "resnet18")
    file.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(BadFileError):
        read_states(file)
    assert not sprung.exists()


def test_plain_settings_beside_the_tensors_are_no_hindrance(tmp_path: Path) -> None:
    """DINO's training code saves its arguments along."""
    content = {**MADE["dino"](network_state()), "args": argparse.Namespace(arch="resnet50", lr=0.1)}
    assert read_trunk(written(tmp_path, content), "resnet18").coverage.complete


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, ending: str, share: float) -> None:
    file = tmp_path / f"net{ending}"
    state = {key: value.clone() for key, value in network_state().items()}
    save_file(state, file) if ending == ".safetensors" else torch.save(state, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BadFileError, match="a checkpoint that is damaged or cut short: fetch it again"):
        read_states(file)


@pytest.mark.parametrize("content", [b"\x80\x02a.", b"\x80\x04\x95\x00", b"\x80\x02J\x00", b"PK\x03\x04 and no more"])
def test_whatever_pytorch_stumbles_over_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(BadFileError, match="net.pth is a checkpoint that is damaged or cut short"):
        read_states(tmp_path / "net.pth")


@pytest.mark.parametrize("content", ["", "a plain text\n", "{}"])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_file_that_never_was_a_checkpoint_is_told_so(tmp_path: Path, ending: str, content: str) -> None:
    (tmp_path / f"text{ending}").write_text(content)
    with pytest.raises(
        BadFileError, match=r"text\..* is no checkpoint: give a file that torch.save\(\) or safetensors"
    ):
        read_states(tmp_path / f"text{ending}")


@pytest.mark.parametrize("content", [{}, [1, 2], {"a": 1}, torch.zeros(3), {3: torch.zeros(2)}])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(BadFileError, match="holds no tensors by name"):
        read_states(written(tmp_path, content))
    with pytest.raises(BadFileError, match="There is no file"):
        read_states(tmp_path / "nothing.pth")


def test_one_flipped_bit_in_the_weights_is_seen(tmp_path: Path) -> None:
    file = written(tmp_path, {"conv1.weight": torch.ones(1000)})
    content = bytearray(file.read_bytes())
    content[content.index(torch.ones(8).numpy().tobytes()) + 16] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(BadFileError, match="damaged or cut short: fetch it again"):
        read_states(file)

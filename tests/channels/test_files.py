"""The pruned model's file: whole or refused in a sentence, never unpickled, replaced in one step."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from core.channels.files import FORMAT, PrunedModel, load_pruned, save_pruned
from core.channels.selection import Selection
from core.errors import BadFileError
from core.files import write_whole

SIZES = {"conv1": 8, "conv2": 4}


def model(**changes: Any) -> PrunedModel:
    rng = np.random.default_rng(0)
    made = PrunedModel(
        architecture="resnet18",
        backbone="some-backbone",
        backbone_hash="a" * 64,
        task={"id": "emoji:arrow+hand", "dataset": "emoji", "classes": ["arrow", "hand"]},
        selection=Selection({"conv1": (0, 3, 7), "conv2": (1,)}, SIZES),
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
        size=32,
        tensors={
            "conv1.weight": rng.standard_normal((3, 3, 3, 3)).astype(np.float32),
            "bn1.num_batches_tracked": np.array(7, np.int64),
            "fc.bias": np.zeros(2, np.float32),
        },
        importance={"conv1": rng.random(8).astype(np.float32), "conv2": rng.random(4).astype(np.float32)},
        rounds=(
            {"iteration": 2, "keep": 0.5, "kept": {"conv1": [0, 1, 3, 7], "conv2": [1, 2]}, "sizes": SIZES},
            {"iteration": 4, "keep": 0.3, "kept": {"conv1": [0, 3, 7], "conv2": [1]}, "sizes": SIZES},
        ),
        origin={"config": {"method": "taylor"}, "validation_accuracy": 0.75},
    )
    return replace(made, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some" / "model.safetensors"
    save_pruned(model(), path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadFileError) as refused:
        load_pruned(path)
    text = str(refused.value)
    assert path.name in text and text.endswith(".") and ". " not in text.replace(path.name, "") and "\n" not in text
    with pytest.raises(BadFileError):
        load_pruned(path, weights=False)
    return text


def rewrite(path: Path, **about: object) -> None:
    """The same tensors with other metadata; a value of None leaves the entry out."""
    with safe_open(path, framework="np") as file:
        record = json.loads(file.metadata()["pruned-model"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    record = {key: value for key, value in (record | about).items() if value is not None}
    save_file(tensors, path, metadata={"pruned-model": json.dumps(record)})


def test_what_was_saved_comes_back_to_the_bit(file: Path) -> None:
    before, after = model(), load_pruned(file)
    for name in ("architecture", "backbone", "backbone_hash", "selection", "mean", "std", "size", "rounds", "origin"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.task == before.task and after.classes == ("arrow", "hand")
    for mine, others in ((before.tensors, after.tensors), (before.importance, after.importance)):
        assert set(mine) == set(others)
        assert all(np.array_equal(mine[n], others[n]) and mine[n].dtype == others[n].dtype for n in mine)


def test_without_weights_everything_but_the_tensors_is_read(file: Path) -> None:
    light = load_pruned(file, weights=False)
    assert light.tensors == {} and set(light.importance) == set(SIZES) and light.selection == model().selection


def test_half_precision_halves_the_weights_and_leaves_counters_and_scores_alone(tmp_path: Path) -> None:
    wide = model(tensors={"w": np.linspace(-3, 3, 4096, dtype=np.float32), "n": np.array(5, np.int64)})
    save_pruned(wide, tmp_path / "full.safetensors")
    save_pruned(wide, tmp_path / "half.safetensors", half=True)
    loaded = load_pruned(tmp_path / "half.safetensors")
    assert loaded.tensors["w"].dtype == np.float16 and loaded.tensors["n"] == 5
    assert loaded.importance["conv1"].dtype == np.float32
    np.testing.assert_allclose(loaded.tensors["w"].astype(np.float32), wide.tensors["w"], rtol=1e-3, atol=1e-3)
    saved = os.path.getsize(tmp_path / "full.safetensors") - os.path.getsize(tmp_path / "half.safetensors")
    assert abs(saved - 2 * 4096) < 64


def test_half_precision_never_turns_a_number_into_infinity(tmp_path: Path) -> None:
    save_pruned(model(tensors={"v": np.array([1.0, 1e6], np.float32)}), tmp_path / "m.safetensors", half=True)
    assert load_pruned(tmp_path / "m.safetensors").tensors["v"].tolist() == [1.0, 1e6]


def test_arrays_that_share_memory_or_are_transposed_are_saved_as_they_look(tmp_path: Path) -> None:
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    save_pruned(model(tensors={"a": base.T, "b": base[1:]}), tmp_path / "m.safetensors")
    loaded = load_pruned(tmp_path / "m.safetensors").tensors
    assert np.array_equal(loaded["a"], base.T) and np.array_equal(loaded["b"], base[1:])


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused_wherever_cut(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.safetensors"
    save_pruned(model(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "damaged, truncated or of another kind" in refusal(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "There is no file nowhere.safetensors" in refusal(tmp_path / "nowhere.safetensors")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refusal(tmp_path)


def test_other_peoples_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": np.zeros(3)}, path)
    refusal(path)
    save_file({"weight": np.zeros(3)}, path, metadata={"pruned-model": "not JSON"})
    refusal(path)
    for document in ("[]", "3", "null", "{}", '"text"'):
        save_file({"weight": np.zeros(3)}, path, metadata={"pruned-model": document})
        refusal(path)


class Trap:
    """Unpickling it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


def test_a_pickled_file_is_refused_and_nothing_in_it_is_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Trap(trace)))
    refusal(path)
    assert not trace.exists()


def test_a_file_of_a_newer_version_says_so(file: Path) -> None:
    rewrite(file, format=FORMAT + 1)
    assert "newer version" in refusal(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": None},
        {"format": "one"},
        {"architecture": None},
        {"task": None},
        {"selection": {"kept": {"conv1": [0, 99]}, "sizes": {"conv1": 8}}},
        {"selection": {"kept": {"conv1": [3, 1]}, "sizes": {"conv1": 8}}},
        {"selection": []},
        {"mean": 3},
        {"rounds": 3},
    ],
    ids=str,
)
def test_metadata_that_lacks_a_part_or_contradicts_itself_is_refused(file: Path, wrong: dict[str, object]) -> None:
    rewrite(file, **wrong)
    refusal(file)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full_disk(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_pruned(model(size=64), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_whole(path, b"old")
    with open(path, "rb") as reader:
        write_whole(path, b"newer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"newer" and list(path.parent.iterdir()) == [path]


def test_selections_on_the_way_are_the_narrowest_that_still_kept_enough() -> None:
    made = model()
    assert made.selection_at(0.2) == made.selection_at(0.3) == made.selection
    assert made.selection_at(0.5).kept["conv1"] == made.selection_at(0.4).kept["conv1"] == (0, 1, 3, 7)
    assert made.selection_at(0.9) == Selection.full(SIZES)
    assert model(rounds=()).selection_at(0.9) == made.selection

from pathlib import Path

import pytest
import torch

from core.errors import BadFileError
from core.pruning.events import Checkpoint
from core.runs.checkpoints import read_checkpoint, write_checkpoint

BASE = torch.arange(12.0).reshape(3, 4)
STATE = {
    "whole": BASE,
    "view": BASE.T,
    "scalar": torch.tensor(3),
    "generator": torch.get_rng_state(),
    "empty": torch.zeros(0, 2),
    "half": torch.ones(2, dtype=torch.bfloat16),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "mvp-a-1" / "checkpoint.safetensors"


def test_a_checkpoint_comes_back_to_the_bit(path: Path) -> None:
    write_checkpoint(path, Checkpoint(40, STATE, {"selection": {"layer1": [0, 2]}, "name": "Ü"}), seq=57)
    checkpoint, seq = read_checkpoint(path)
    assert (checkpoint.iteration, seq, checkpoint.about) == (40, 57, {"selection": {"layer1": [0, 2]}, "name": "Ü"})
    assert checkpoint.state.keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert torch.equal(checkpoint.state[name], tensor) and checkpoint.state[name].dtype == tensor.dtype


def test_the_newest_checkpoint_replaces_the_old_one_and_leaves_no_other_file(path: Path) -> None:
    for iteration in (1, 2):
        write_checkpoint(path, Checkpoint(iteration, {"x": torch.full((2,), float(iteration))}, {}), iteration)
    assert read_checkpoint(path)[0].iteration == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_leaves_the_old_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(path, Checkpoint(1, {}, {}), 1)

    def fail(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_checkpoint(path, Checkpoint(2, {}, {}), 2)
    assert read_checkpoint(path)[0].iteration == 1


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_checkpoint_is_damaged(path: Path, keep: int) -> None:
    write_checkpoint(path, Checkpoint(1, STATE, {}), 1)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadFileError, match="has to start over"):
        read_checkpoint(path)


def test_a_file_of_another_kind_is_damaged(path: Path) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(BadFileError, match="has to start over"):
        read_checkpoint(path)

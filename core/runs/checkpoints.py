"""Checkpoints as files: tensors and JSON in one safetensors file, replaced in one step."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.errors import BadFileError
from core.files import write_whole
from core.pruning.events import Checkpoint

FORMAT = 1


def write_checkpoint(path: Path, checkpoint: Checkpoint, seq: int) -> None:
    """Write a checkpoint made after event number `seq`: a reader of `path` finds the old one or the new."""
    from safetensors.torch import save  # loads torch, which only a worker with something to save should wait for

    # tensors that share memory cannot be saved, and a loop's state may well hold views
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.state.items()}
    about = {"format": FORMAT, "iteration": checkpoint.iteration, "seq": seq, "about": dict(checkpoint.about)}
    write_whole(path, save(tensors, metadata={"checkpoint": json.dumps(about)}))


def read_checkpoint(path: Path) -> tuple[Checkpoint, int]:
    """The checkpoint in a file and the number of the event before it. Raises BadFileError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["checkpoint"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about["format"] != FORMAT:
            raise BadFileError(f"The checkpoint {path} is of another version: the run has to start over.")
        return Checkpoint(int(about["iteration"]), state, about["about"]), int(about["seq"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise BadFileError(f"The checkpoint {path} is damaged: the run has to start over.") from error

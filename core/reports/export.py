"""A finished run's slim model as a file for use elsewhere: safetensors, or ONNX."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.channels.files import PrunedModel, load_pruned, write_whole
from core.errors import BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.runs.record import CANCELLED, FAILED, FINISHED, LOST
from core.runs.status import current
from core.runs.store import Store

FORMATS = ("safetensors", "onnx")
ONNX_PACKAGES = ("onnx", "onnxscript")


def export(store: Store, run_id: str, to: str, file: Path) -> dict[str, Any]:
    """Write a run's pruned model to `file`: {"run", "format", "file", "bytes", "classes", "input"}.

    The run's own file is read and checked first; `file` appears whole or not at all. Raises UnknownNameError,
    BadValueError for a run that has not finished and for a folder that is not there, MissingDataError, BadFileError.
    """
    if to not in FORMATS:
        raise UnknownNameError("export format", to, FORMATS)
    status = current(store.get(run_id))
    if status != FINISHED:
        remedy = f"export it when it has (python -m core runs show {run_id})"
        if status in (CANCELLED, FAILED, LOST):
            remedy = f"let it go on (python -m core runs resume {run_id}) and export it then"
        raise BadValueError(f"Run {run_id} is {status} and has not finished: {remedy}.")
    source = store.model_path(run_id)
    if not source.exists():
        raise MissingDataError(f"The model of run {run_id} is gone from the store's folder: run it again.")
    model = load_pruned(source)
    target = file.expanduser()
    if target.is_dir():
        raise BadValueError(f"{target} is a folder: name a file in it.")
    if not target.parent.is_dir():
        raise BadValueError(f"There is no folder {target.parent}: make it first.")
    if target.resolve() == source.resolve():
        raise BadValueError(f"{target} is the run's own file: choose another name.")
    try:
        write_whole(target, source.read_bytes() if to == "safetensors" else onnx_bytes(model))
    except OSError as error:
        raise MetaVoteError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
    return {
        "run": run_id,
        "format": to,
        "file": str(target),
        "bytes": target.stat().st_size,
        "classes": list(model.classes),
        "input": input_of(model),
    }


def input_of(model: PrunedModel) -> dict[str, Any]:
    """What images the model wants: shape [B, 3, H, W], values in [0, 1] less `mean`, divided by `std`."""
    return {"shape": [None, 3, model.size, model.size], "mean": list(model.mean), "std": list(model.std)}


def onnx_bytes(model: PrunedModel) -> bytes:
    """The network as ONNX: input "images" float [B, 3, H, W], normalised; output "logits" float [B, classes]."""
    missing = [name for name in ONNX_PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingDataError(f"ONNX export needs packages that are not installed: pip install {' '.join(missing)}")
    import torch

    from core.channels.rebuild import rebuild

    example = torch.zeros(2, 3, model.size, model.size)
    program = torch.onnx.export(
        rebuild(model),
        (example,),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise MetaVoteError("This network cannot be written as ONNX: export it as safetensors.")
    content: bytes = program.model_proto.SerializeToString()
    return content

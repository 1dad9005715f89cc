"""A pruned model in the formats of other programs, each held against the network in PyTorch before it is handed out."""

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from core.channels.files import PrunedModel
from core.errors import MetaVoteError, MissingDataError
from core.reports.snippets import plain_logits

if TYPE_CHECKING:
    from torch import Tensor, nn

ONNX_PACKAGES = ("onnx", "onnxscript")
CHECKER = "onnxruntime"
ABOUT = "about.json"  # the name of what a torch.export file has beside its network
CHECKED = (1, 2, 7)  # batch sizes
TOLERANCE = 1e-4  # of the largest logit, or of 1 where that is larger


@dataclass(frozen=True)
class Check:
    """How far the logits of a written file were from PyTorch's: the largest difference over all batches.

    by: what read the file. tolerance: the difference from which on the export is refused.
    """

    by: str
    batches: tuple[int, ...]
    difference: float
    tolerance: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"batches": list(self.batches)}

    def __str__(self) -> str:
        told = ", ".join(map(str, self.batches))
        return (
            f"max difference from PyTorch {self.difference:.1e} (by {self.by}, batches {told}, "
            f"tolerance {self.tolerance:.1e})"
        )


def about(model: PrunedModel, run_id: str) -> dict[str, Any]:
    """What every file says of itself, as plain data."""
    return {
        "run": run_id,
        "task": model.task["id"],
        "classes": list(model.classes),
        "mean": list(model.mean),
        "std": list(model.std),
        "size": model.size,
        "architecture": model.architecture,
        "backbone": model.backbone,
    }


def torch_bytes(model: PrunedModel, told: Mapping[str, Any]) -> tuple[bytes, Check]:
    """A `torch.export` program of images [B, 3, H, W], normalised -> logits [B, classes], and how it was checked.

    What it says of itself is its extra file `about.json`.
    """
    import torch

    network = _network(model)
    example = (torch.zeros(2, 3, model.size, model.size),)
    out = io.BytesIO()
    with _told("This network cannot be written by torch.export: export it as safetensors."):
        program = torch.export.export(network, example, dynamic_shapes=_dynamic())
        torch.export.save(program, out, extra_files={ABOUT: json.dumps(dict(told))})
    content = out.getvalue()
    by = f"torch {torch.__version__}"
    with _told(f"What torch.export wrote of this network cannot be read back (by {by}): export it as safetensors."):
        return content, checked(network, torch.export.load(io.BytesIO(content)).module(), model, by)


def onnx_bytes(model: PrunedModel, told: Mapping[str, Any]) -> tuple[bytes, Check | None]:
    """The network as ONNX: input "images" float [B, 3, H, W], normalised; output "logits" float [B, classes].

    What it says of itself is in its metadata. The check is None where onnxruntime is not installed. Raises
    MissingDataError for packages that are not installed.
    """
    if missing := [name for name in ONNX_PACKAGES if find_spec(name) is None]:
        raise MissingDataError(f"ONNX export needs packages that are not installed: pip install {' '.join(missing)}")
    import torch

    network = _network(model)
    with _told("This network cannot be written as ONNX: export it as safetensors or torch."):
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 3, model.size, model.size),),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=_dynamic(),
            dynamo=True,
            verbose=False,
        )
        if program is None:
            raise ValueError("nothing was written")
        document = program.model_proto
        for name, value in told.items():
            entry = document.metadata_props.add()
            entry.key, entry.value = name, value if isinstance(value, str) else json.dumps(value)
        content: bytes = document.SerializeToString()
    return content, _checked_onnx(network, content, model)


def _checked_onnx(network: "nn.Module", content: bytes, model: PrunedModel) -> Check | None:
    if find_spec(CHECKER) is None:
        return None
    import onnxruntime
    import torch

    by = f"{CHECKER} {metadata.version(CHECKER)}"
    with _told(f"{by} cannot run what was written of this network as ONNX: export it as safetensors or torch."):
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

        def run(images: "Tensor") -> "Tensor":
            return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])

        return checked(network, run, model, by)


@contextmanager
def _told(sentence: str) -> Iterator[None]:
    """Errors of other libraries, which are of many kinds and tell a user nothing to do, as one sentence."""
    try:
        yield
    except MetaVoteError:
        raise
    except Exception as error:
        raise MetaVoteError(sentence) from error


def check_plain(model: PrunedModel) -> Check | None:
    """Whether torchvision's own network computes the same with these tensors; None where it cannot hold them."""
    import torchvision

    if plain_logits(model, _images(model, 1)) is None:
        return None

    def run(images: "Tensor") -> "Tensor":
        if (logits := plain_logits(model, images)) is None:
            raise MetaVoteError("torchvision's network cannot take so many images.")
        return logits

    try:
        return checked(_network(model), run, model, f"torchvision {torchvision.__version__}")
    except MetaVoteError:
        return None


def checked(network: "nn.Module", other: "Callable[[Tensor], Tensor]", model: PrunedModel, by: str) -> Check:
    """Both on the same normal noise, at several batch sizes. Raises MetaVoteError where they differ too much."""
    import torch

    difference, largest = 0.0, 1.0
    with torch.inference_mode():
        for batch in CHECKED:
            images = _images(model, batch)
            expected, got = network(images), other(images)
            if got.shape != expected.shape:
                raise MetaVoteError(f"The exported network answers {tuple(got.shape)} where {tuple(expected.shape)} is "
                                    f"right ({by}): report it, and export it as safetensors.")  # fmt: skip
            apart = float((got - expected).abs().max())
            difference = max(difference, apart if math.isfinite(apart) else math.inf)  # max() passes over a NaN
            largest = max(largest, float(expected.abs().max()))
    found = Check(by, CHECKED, difference, TOLERANCE * largest)
    if not difference <= found.tolerance:
        raise MetaVoteError(f"The exported network does not compute what PyTorch does, so it was not written: {found}.")
    return found


def _images(model: PrunedModel, batch: int) -> "Tensor":
    import torch

    return torch.randn(batch, 3, model.size, model.size, generator=torch.Generator().manual_seed(batch))


def _network(model: PrunedModel) -> "nn.Module":
    from core.channels.rebuild import rebuild

    return rebuild(model)


def _dynamic() -> tuple[dict[int, Any]]:
    import torch

    return ({0: torch.export.Dim("batch", min=1)},)

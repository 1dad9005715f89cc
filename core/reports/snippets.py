"""How an exported file is loaded without this project: a few lines of code, and the same done here, to check them."""

from typing import TYPE_CHECKING

from core.channels.files import SCORES, PrunedModel

if TYPE_CHECKING:
    from torch import Tensor

SEPARATOR = SCORES[-1]  # parts the name of what is no weight of the network; no weight's own name has one


def snippet(model: PrunedModel, to: str, file: str, plain: bool = True) -> str:
    """The code that loads the file and computes logits of a batch of normalised images.

    plain: whether `plain_logits` computes what the network does; torchvision then loads a safetensors file alone.
    """
    if to == "torch":
        return (
            "import torch\n"
            f'network = torch.export.load("{file}").module()\n'
            f"logits = network(images)  # {_images(model)}"
        )
    if to == "onnx":
        return (
            "import numpy, onnxruntime\n"
            f'session = onnxruntime.InferenceSession("{file}")\n'
            f'(logits,) = session.run(["logits"], {{"images": numpy.asarray(images)}})  # {_images(model)}'
        )
    if not plain:
        return (
            "from core.channels.files import load_pruned\n"
            "from core.channels.rebuild import rebuild\n"
            "from pathlib import Path\n"
            f'network = rebuild(load_pruned(Path("{file}")))\n'
            f"logits = network(images)  # {_images(model)}"
        )
    depthwise = (
        "for name, part in network.named_modules():\n"
        '    if getattr(part, "groups", 1) > 1:\n'
        '        part.groups = len(state[f"{name}.weight"])\n'
    )
    return (
        "import torch, torchvision\n"
        "from safetensors.torch import load_file\n"
        f'state = {{name: value for name, value in load_file("{file}").items() if "{SEPARATOR}" not in name}}\n'
        f"network = torchvision.models.{model.architecture}(num_classes={len(model.classes)}).eval()\n"
        + (depthwise if _has_groups(model) else "")
        + f"logits = torch.func.functional_call(network, state, (images,))  # {_images(model)}"
    )


def _images(model: PrunedModel) -> str:
    return f"images: float32 [B, 3, {model.size}, {model.size}]"


def normalising(model: PrunedModel) -> str:
    """The code that makes of pixels what the network takes."""
    mean, std = ([round(value, 6) for value in values] for values in (model.mean, model.std))
    return (
        "import torch\n"
        f"mean, std = torch.tensor({mean}).view(3, 1, 1), torch.tensor({std}).view(3, 1, 1)\n"
        f"images = (pixels / 255 - mean) / std  # pixels: uint8 [B, 3, {model.size}, {model.size}], red, green, blue"
    )


def _has_groups(model: PrunedModel) -> bool:
    """Whether the network has depthwise convolutions, which know their number of channels by themselves."""
    from core.channels.rebuild import rebuild

    return any(getattr(part, "groups", 1) > 1 for part in rebuild(model).modules())


def plain_logits(model: PrunedModel, images: "Tensor") -> "Tensor | None":
    """What the lines for a safetensors file compute: [B, classes]; None for what torchvision alone cannot hold."""
    import torch
    import torchvision

    from core.channels.rebuild import state_of

    make = getattr(torchvision.models, model.architecture, None)
    if make is None:
        return None
    state = {name: value for name, value in state_of(model).items() if SEPARATOR not in name}
    network = make(num_classes=len(model.classes)).eval()
    try:
        for name, part in network.named_modules():
            if getattr(part, "groups", 1) > 1:
                part.groups = len(state[f"{name}.weight"])
        with torch.inference_mode():
            logits: Tensor = torch.func.functional_call(network, state, (images,))
            return logits
    except Exception:  # of any kind: networks check in many ways what more than their tensors would have to tell
        return None

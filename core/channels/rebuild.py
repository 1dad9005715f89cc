"""From a pruned model's file back to a network, with nothing but its metadata and tensors."""

from functools import lru_cache

import torch
from torch import Tensor, nn

from core.backbones.architectures import Architecture, architecture
from core.channels.files import PrunedModel
from core.channels.slim import resized
from core.errors import BadFileError


def state_of(model: PrunedModel) -> dict[str, Tensor]:
    """The slim tensors for torch, floating point as float32."""
    tensors = {name: torch.from_numpy(value) for name, value in model.tensors.items()}
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


@lru_cache(maxsize=16)
def _shell(architecture: Architecture, classes: int, size: int) -> nn.Module:
    """The network without weights, to be copied, not changed: a zoo is rebuilt model after model."""
    return architecture.shell(classes, size)


def rebuild(model: PrunedModel) -> nn.Module:
    """The slim network, in eval mode, ready for images [B, 3, H, W] normalised with the model's mean and std.

    Raises BadFileError for a model without its weights, UnsupportedArchitectureError, and MismatchError for a model of
    a module of one's own that this process has not been given (`core.backbone(module, example_input)`).
    """
    shell, state = _shell(architecture(model.architecture), len(model.classes), model.size), state_of(model)
    if missing := sorted(set(shell.state_dict()) - set(state)):
        raise BadFileError(f"This pruned model has no weights for {missing[0]}: load its file with the weights, whole.")
    return resized(shell, state).eval()


def dense_like(model: PrunedModel) -> nn.Module:
    """The unpruned network of the same architecture with as many classes, in eval mode; its weights are drawn."""
    return architecture(model.architecture).build(len(model.classes), model.size).eval()

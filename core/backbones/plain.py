"""What a module of somebody's own may not do: whatever computes beside its forward could neither be seen nor pruned."""

import sys

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from core.backbones.kinds import names_of, replaced_on
from core.errors import UnsupportedError


def check_plain(module: nn.Module) -> None:
    """Refuse wrappers, hooks, computed weights, replaced methods, and tensors that two layers share.

    Raises UnsupportedError, naming the layer.
    """
    known: dict[int, str] = {}
    for name, each in module.named_modules():
        where = f"The layer {name}" if name else type(module).__name__
        _check_written_in_python(each, where)
        if any(map(is_lazy, each.parameters(recurse=False))):
            raise UnsupportedError(f"{where} has no weights yet (lazy layer): run one image through the module first.")
        if each._forward_hooks or each._forward_pre_hooks or is_parametrized(each):
            raise UnsupportedError(
                f"{where} has hooks or computed weights (weight or spectral norm, masks): remove them first, with "
                "torch.nn.utils.parametrize.remove_parametrizations or torch.nn.utils.prune.remove."
            )
        _check_methods(each, where)
        for part, parameter in each.named_parameters(recurse=False):
            title = f"{name}.{part}".lstrip(".")
            if known.setdefault(id(parameter), title) != title:
                raise UnsupportedError(
                    f"{known[id(parameter)]} and {title} are one and the same tensor, which cannot be pruned: use one "
                    "layer twice instead, or give each a tensor of its own."
                )


def check_one_name(module: nn.Module, head: nn.Module) -> None:
    """Refuse a head that is registered under several names: it is replaced for every task."""
    names = [name for name, each in names_of(module) if each is head]
    if len(names) > 1:
        raise UnsupportedError(
            f"{type(module).__name__} has its last layer under several names, {' and '.join(names)}: keep one of them."
        )


def check_outputs(module: nn.Module, title: str, output: object, shape: tuple[int, int], reached: bool) -> None:
    """Refuse a module that does not return its head's outputs. title: of its head. shape: [B, classes] of these.

    reached: whether the head had a part in `output`. Raises UnsupportedError.
    """
    if not reached:
        raise UnsupportedError(
            f"The last layer of {type(module).__name__}, {title}, computes nothing, but the last one that "
            "a module was made with is taken for its head: leave it out."
        )
    if not isinstance(output, Tensor) or output.shape != shape:
        raise UnsupportedError(
            f"{type(module).__name__} does not tell its head's outputs for each image: its forward must return [B, "
            "classes], from a last layer that is linear or a 1 × 1 convolution."
        )


def check_state(module: nn.Module) -> None:
    """Refuse a state dict that holds anything but tensors. Raises UnsupportedError."""
    if odd := [name for name, kept in module.state_dict().items() if not isinstance(kept, Tensor)]:
        raise UnsupportedError(
            f"{type(module).__name__} has a non-tensor entry in its state dict ({odd[0]}), which would be lost: make "
            "it a constructor argument."
        )


def _check_written_in_python(module: nn.Module, where: str) -> None:
    """Refuse what only wraps a module, or is compiled from one."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise UnsupportedError(f"{where} is a wrapper ({type(module).__name__}): give its .module.")
    if dynamo is not None and isinstance(module, dynamo.OptimizedModule):
        raise UnsupportedError(f"{where} is a wrapper (made by torch.compile): give its ._orig_mod.")
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedError(
            f"{where} was made by torch.jit and cannot be changed any more: give the nn.Module that it was made from."
        )


def _check_methods(module: nn.Module, where: str) -> None:
    """Refuse what runs instead of a class's own forward."""
    if replaced := replaced_on(module):
        raise UnsupportedError(
            f"{where} has {' and '.join(replaced)} replaced on the instance, which is lost when it is copied: define "
            "the method in a class instead."
        )
    if type(module).__call__ is not nn.Module.__call__:
        raise UnsupportedError(
            f"{where} is a {type(module).__name__}, whose class defines __call__: move what it does into forward."
        )

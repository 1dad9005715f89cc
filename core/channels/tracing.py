"""Getting a network ready to be followed: traced with torch.fx, on the meta device; or refused by name."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torchvision.models.convnext import LayerNorm2d

from core.backbones.architectures import head_of
from core.backbones.attention import Attention
from core.channels.couplings import Couplings
from core.channels.follow import LAYER_NORMS, NORMS, Follower
from core.errors import UnsupportedError

SUPPORTED = (nn.Conv2d, nn.Linear, *NORMS, *LAYER_NORMS, Attention)


class _Tracer(fx.Tracer):
    """Sees the layers that channels are followed through whole, and all other modules from inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in (LayerNorm2d, Attention) or super().is_leaf_module(m, module_qualified_name)


def on_meta(model: nn.Module) -> nn.Module:
    """A copy in eval mode without any numbers: shapes are all it has. The model itself is left as it was."""
    shapes: dict[int, Tensor] = {}
    for tensor in [*model.parameters(), *model.buffers()]:
        empty = torch.empty_like(tensor, device="meta")
        shapes[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(model, shapes).eval()


def _traced(empty: nn.Module) -> tuple[fx.Graph, dict[str, Any]]:
    """(its forward as a graph, the arguments beside the images, at their defaults)."""
    parameters = list(inspect.signature(empty.forward).parameters.values())[1:]
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    return _Tracer().trace(empty, defaults), defaults


def check_training(model: nn.Module) -> None:
    """Refuse a network whose forward takes other steps in training than those that channels are followed through."""
    steps = []
    for training in (False, True):
        graph, _ = _traced(on_meta(model).train(training))
        steps.append([(node.op, node.target) for node in graph.nodes])
    if steps[0] != steps[1]:
        raise UnsupportedError(
            f"{type(model).__name__} computes something else in training than otherwise: write its forward without "
            "branches on self.training."
        )


def follow(model: nn.Module, shape: Sequence[int]) -> Couplings:
    """Follow the channels of a network through images of that shape [B, 3, H, W]. The model is left as it was.

    Raises UnsupportedError, naming what cannot be traced or pruned.
    """
    kind, empty = type(model).__name__, on_meta(model)
    check_layers(empty)
    try:
        graph, defaults = _traced(empty)
    except Exception as error:  # anything a stranger's forward may raise when it meets a symbol
        raise UnsupportedError(
            f"{kind} cannot be traced ({_first_line(error)}): write its forward without branches on the values in it."
        ) from error
    dtype = next((p.dtype for p in empty.parameters() if p.is_floating_point()), torch.float32)
    follower = Follower(fx.GraphModule(empty, graph), head_of(model)[0])
    try:
        with torch.device("meta"), torch.no_grad():
            follower.run(torch.empty(tuple(shape), dtype=dtype), *defaults.values())
    except UnsupportedError:
        raise
    except Exception as error:
        size = " × ".join(map(str, shape[1:]))
        raise UnsupportedError(
            f"{kind} cannot take images of {size} ({_first_line(error)}): give it the size it is made for."
        ) from error
    return follower.couplings


def check_layers(model: nn.Module) -> None:
    """Refuse a network that has a layer with weights of a kind that cannot be pruned."""
    for name, module in model.named_modules():
        whole = module.__module__.startswith("torch.nn") and not isinstance(module, nn.Sequential)
        inside = next(module.parameters(), None) is not None
        container = isinstance(module, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict)
        of_attention = isinstance(module, nn.Linear)
        if whole and inside and not container and not of_attention and not isinstance(module, SUPPORTED):
            raise UnsupportedError(
                f"The layer {name} is a {type(module).__name__}, which cannot be pruned here: build the network from "
                "convolutions, linear layers, BatchNorm, LayerNorm and plain self-attention."
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]

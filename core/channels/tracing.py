"""Getting a network ready to be followed: traced with torch.fx, on the meta device; or refused by name."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from core.backbones.architectures import head_of
from core.backbones.attention import Attention
from core.backbones.kinds import kind_of
from core.channels.couplings import Couplings
from core.channels.follow import Follower
from core.channels.functions import operands
from core.channels.layer_steps import LAYER_NORMS, NORMS
from core.errors import UnsupportedError, first_line

SUPPORTED = (nn.Conv2d, nn.Linear, *NORMS, *LAYER_NORMS, Attention)


class _Tracer(fx.Tracer):
    """Sees the layers that channels are followed through whole, and all other modules from inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_whole(m)


def is_whole(module: nn.Module) -> bool:
    """Whether a module is a layer of torch's: a plain one, or one of somebody's own that computes what torch's does."""
    kind = Attention if type(module) is Attention else kind_of(module)
    return kind is not None and (kind is type(module) or issubclass(kind, SUPPORTED))


def on_meta(model: nn.Module) -> nn.Module:
    """A copy in eval mode without any numbers: shapes are all it has. The model itself is left as it was."""
    shapes: dict[int, Tensor] = {}
    for tensor in [*model.parameters(), *model.buffers()]:
        empty = torch.empty_like(tensor, device="meta")
        shapes[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(model, shapes).eval()


def _traced(empty: nn.Module) -> tuple[fx.Graph, dict[str, Any]]:
    """(its forward as a graph, the arguments beside the images, at their defaults). Raises UnsupportedError."""
    try:
        parameters = list(inspect.signature(empty.forward).parameters.values())[1:]
        defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
        return _Tracer().trace(empty, defaults), defaults
    except Exception as error:  # anything a stranger's forward may raise when it meets a symbol
        when = " in training" if empty.training else ""
        raise UnsupportedError(
            f"{type(empty).__name__} cannot be traced{when} ({first_line(error)}): write its forward without branches "
            "on the values in it."
        ) from error


def check_training(model: nn.Module) -> None:
    """Refuse a network whose forward takes other steps in training than those that channels are followed through."""
    if _steps(model, False) != _steps(model, True):
        raise UnsupportedError(
            f"{type(model).__name__} computes something else in training than otherwise: write its forward without "
            "branches on self.training."
        )


def _steps(model: nn.Module, training: bool) -> list[tuple[object, ...]]:
    """What a forward does, step by step: what is called, with which earlier results and which constants."""
    empty = on_meta(model).train(training)
    graph, _ = _traced(empty)
    number = {node: place for place, node in enumerate(graph.nodes)}
    return [
        (
            node.op,
            node.target,
            fx.map_arg(operands(node), lambda each: f"step {number[each]}"),
            _made_on_the_way(model, empty, node),
        )
        for node in graph.nodes
    ]


def _made_on_the_way(model: nn.Module, empty: nn.Module, node: fx.Node) -> object:
    """The values of a tensor that a forward makes itself, which tracing takes for a constant; None for other steps."""
    if node.op != "get_attr" or hasattr(model, str(node.target).partition(".")[0]):
        return None
    value = getattr(empty, str(node.target))
    return value.tolist() if isinstance(value, Tensor) and not value.is_meta else None


def follow(model: nn.Module, shape: Sequence[int]) -> Couplings:
    """Follow the channels of a network through images of that shape [B, 3, H, W]. The model is left as it was.

    Raises UnsupportedError, naming what cannot be traced or pruned.
    """
    kind, empty = type(model).__name__, on_meta(model)
    check_layers(empty)
    graph, defaults = _traced(empty)
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
            f"{kind} cannot take images of {size} ({first_line(error)}): give it the size it is made for."
        ) from error
    return follower.couplings


def check_layers(model: nn.Module) -> None:
    """Refuse a network that has a layer with weights of a kind that cannot be pruned."""
    for name, module in model.named_modules():
        if is_whole(module) and next(module.parameters(), None) is not None and not isinstance(module, SUPPORTED):
            raise UnsupportedError(
                f"The layer {name} is a {type(module).__name__}, which cannot be pruned here: build the network from "
                "convolutions, linear layers, BatchNorm, LayerNorm and plain self-attention."
            )

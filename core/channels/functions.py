"""The functions and methods that channels are followed through: torch's own, known by what they are, not by name.

Whatever else a forward calls, a wrapped function of somebody's own with the same name too, is not understood.
"""

import builtins
import inspect
import operator
from typing import Any

import torch
import torchvision.ops
from torch import Tensor, fx, nn
from torch.nn import functional as F

# A silent channel stays silent through these ...
STILL = {
    *("relu", "relu_", "relu6", "silu", "hardswish", "gelu", "leaky_relu", "elu", "selu", "celu", "tanh", "mish"),
    *("abs", "dropout", "dropout2d", "feature_dropout", "stochastic_depth", "drop_block2d"),
    *("contiguous", "clone", "detach"),
}
# ... and through these it does not: what they give must silence nothing but a product.
LOUD = {"sigmoid", "hardsigmoid", "softplus", "exp"}
POOLS = {"adaptive_avg_pool2d", "avg_pool2d", "max_pool2d", "adaptive_max_pool2d", "interpolate"}
IN_PLACE = {"iadd", "add_", "isub", "sub_", "imul", "mul_"}
SUMS, PRODUCTS = {"add", "iadd", "add_", "sub", "isub", "sub_"}, {"mul", "imul", "mul_"}
REDUCES = {"mean", "sum"}
MOVES = {"flatten", "permute", "transpose", "squeeze", "unsqueeze", "cat", "concat", "swapaxes", "movedim"}
SIZED = {"reshape", "view", "expand", "unflatten"}  # these name sizes: a number written down would not shrink along
# What is asked of a tensor, and says nothing of its channels.
LOOKS = {"dim", "ndim", "ndimension", "dtype", "device", "is_cuda", "layout", "requires_grad", "is_floating_point"}

_NAMES = STILL | LOUD | POOLS | SUMS | PRODUCTS | REDUCES | MOVES | SIZED | LOOKS | {"size"}
_PYTHON = {
    **{getattr(operator, name): name for name in ("add", "iadd", "sub", "isub", "mul", "imul", "abs", "getitem")},
    builtins.getattr: "getattr",
}
_KNOWN: dict[int, str] = {id(function): name for function, name in _PYTHON.items()} | {
    id(function): name
    for place in (torch, F, torchvision.ops, Tensor)
    for name in _NAMES
    if callable(function := getattr(place, name, None))
}
_TOLD_MODE = (
    *(F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout, F.rrelu),
    *(F.batch_norm, F.instance_norm, F.multi_head_attention_forward),
    *(torchvision.ops.stochastic_depth, torchvision.ops.drop_block2d),
)
# Functions with an argument that says whether they run in training, or drop anything: (its place, its name).
_MODE: dict[int, tuple[int, str]] = {
    id(function): (place, name)
    for function in _TOLD_MODE
    for place, name in enumerate(inspect.signature(function).parameters)
    if name in ("training", "use_input_stats")
} | {
    **dict.fromkeys(map(id, (torch.dropout, torch.dropout_, torch.feature_dropout, torch.alpha_dropout)), (2, "train")),
    id(F.scaled_dot_product_attention): (4, "dropout_p"),
}


def name_of(step: fx.Node, first: Any) -> str:
    """The name of the function or method of torch's that a step calls; "" for any other.

    first: the value of its first argument; a method is torch's if that is a plain tensor.
    """
    if step.op == "call_method":
        return str(step.target) if type(first) in (Tensor, nn.Parameter) else ""
    return _KNOWN.get(id(step.target), "") if step.op == "call_function" else ""


def operands(step: fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A step's arguments, without the one that says whether it runs in training."""
    place, name = _MODE.get(id(step.target), (-1, ""))
    args = tuple(each for number, each in enumerate(step.args) if number != place)
    return args, {key: each for key, each in step.kwargs.items() if key != name}

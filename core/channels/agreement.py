"""Whether a slim network computes what the masked one does: outputs, and in training gradients as well."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.channels.groups import ChannelGroups
from core.channels.masking import mask
from core.channels.selection import Selection
from core.channels.slim import cut, slim
from core.channels.steady import steady
from core.errors import first_line
from core.numbers import ratio

TOLERANCE = 1e-10  # relative to the largest output, or to the largest gradient
Gradients = Mapping[str, Tensor | None]


class Disagreement(Exception):
    """How the two disagree, in a few words that follow on "it". dense: the dense network alone does already."""

    def __init__(self, words: str, dense: bool = False) -> None:
        super().__init__(words)
        self.dense = dense


def check_agreement(
    model: nn.Module, groups: ChannelGroups, selection: Selection, images: Tensor, training: bool
) -> None:
    """Raises Disagreement if the slim network of a float64 model is not the masked one. The model is left unchanged.

    training: in train mode, with a backward pass; dropout and all else that is left to chance is switched off.
    """
    when = " in training" if training else ""
    try:
        expected, dense = _outcome(mask(model, groups, selection), images, training)
    except Exception as error:  # of any kind: the network is somebody else's
        raise Disagreement(f"fails on random images{when} ({first_line(error)})", dense=True) from error
    try:
        got, small = _outcome(slim(model, groups, selection), images, training)
    except Exception as error:
        raise Disagreement(f"fails{when} ({first_line(error)})") from error
    if not expected.isfinite().all():
        raise Disagreement(f"computes NaN or infinite outputs from random weights and images{when}", dense=True)
    if got.shape != expected.shape or (off := _off([(got, expected)])) > TOLERANCE:
        by = f", by {ratio(round(off, 4))}" if got.shape == expected.shape and off > 1e-4 else ""
        raise Disagreement(f"differs from the masked network{when}{by}")
    kept = {name: None if g is None else cut(g, name, groups, selection) for name, g in dense.items()}
    lost = next((name for name in small if (small[name] is None) != (kept[name] is None)), None)
    pairs = [(g, kept[name]) for name, g in small.items() if g is not None and kept[name] is not None]
    if lost is not None or (pairs and _off(pairs) > TOLERANCE):  # type: ignore[arg-type]
        raise Disagreement("has different gradients from the masked network")


def _outcome(network: nn.Module, images: Tensor, training: bool) -> tuple[Tensor, Gradients]:
    """(outputs, in training the gradient of each parameter, None if it has none, for a fixed mixture of outputs)."""
    network.train(training)
    with steady(), torch.set_grad_enabled(training):
        out = network(images)
        if not isinstance(out, Tensor):
            raise TypeError(f"it returns a {type(out).__name__}, not a tensor")
        if training:
            out.backward(torch.arange(1, out.numel() + 1, dtype=out.dtype).cos().view(out.shape))  # type: ignore[no-untyped-call]
    return out.detach(), {name: p.grad for name, p in network.named_parameters()} if training else {}


def _off(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The largest difference, relative to the largest value of all that is expected."""
    largest = max(float(expected.abs().max()) for _, expected in pairs if expected.numel())
    difference = max(float((got - expected).abs().max()) for got, expected in pairs if expected.numel())
    return difference / (largest or 1.0)

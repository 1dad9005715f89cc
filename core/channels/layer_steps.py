"""Following channels through layers: what each kind reads, computes and silences."""

from typing import Any

import numpy as np
from torch import Tensor, fx, nn
from torchvision.models.convnext import LayerNorm2d

from core.backbones.attention import PARTS, Attention
from core.channels.couplings import COMPUTES, FREE, NORMALISES, READS, Ints, Labels, compact, spread
from core.channels.labelled_run import LabelledRun
from core.errors import UnsupportedError

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
LAYER_NORMS = (nn.LayerNorm, LayerNorm2d)
# A silent channel stays silent through the first, and not through the second, as in `core.channels.functions`.
STILL_LAYERS = (
    *(nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.Tanh, nn.Mish),
    *(nn.Dropout, nn.Dropout2d, nn.Identity, nn.Hardtanh),
)
LOUD_LAYERS = (nn.Sigmoid, nn.Hardsigmoid, nn.Softplus, nn.LogSigmoid)
POOL_LAYERS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Upsample, nn.ZeroPad2d)


class LayerSteps(LabelledRun):
    """The steps of a run that are layers."""

    def through_layer(self, n: fx.Node, result: Any) -> Labels | None:
        """What a layer does with labels: read them and give out new ones, or let them through."""
        name, module = str(n.target), self.fetch_attr(str(n.target))
        given = [self.labels.get(node) for node in n.all_input_nodes]
        x = given[0] if given else None
        if isinstance(module, nn.Conv2d):
            return self.convolution(name, module, x, result)
        if isinstance(module, nn.Linear):
            return self.linear(name, module, x, result)
        if isinstance(module, Attention):
            self.attention(n, name, module, x)
            return None
        if isinstance(module, (*NORMS, *LAYER_NORMS)):
            return self.normalised(name, module, x)
        if x is None:
            return None
        if isinstance(module, nn.Hardtanh) and not module.min_val <= 0 <= module.max_val:
            return self.pinned(x)
        if isinstance(module, STILL_LAYERS):
            return x
        if isinstance(module, LOUD_LAYERS) and not getattr(module, "inplace", False):
            return Labels(x.ids, False)
        if isinstance(module, POOL_LAYERS):
            return self.pooled(x, result)
        if isinstance(module, nn.Flatten):
            return Labels(compact(module(x.ids)), x.zero)
        return self.pinned(*given)

    def convolution(self, name: str, layer: nn.Conv2d, x: Labels | None, result: Tensor) -> Labels | None:
        """Reads channels, computes new ones; in a grouped one, what a conv group reads and computes go together."""
        ids = None if x is None else self.along(x, 1)
        if layer.groups == 1:
            self._reads(name, layer.in_channels, ids)
        if name == self.head:
            return None
        own = self._computed(name, layer, layer.out_channels)
        if layer.groups > 1:
            blocks = own.reshape(layer.groups, -1)
            self.couplings.join(blocks[:, 1:].ravel(), np.repeat(blocks[:, 0], blocks.shape[1] - 1))
            before = np.full(layer.in_channels, FREE) if ids is None else ids
            self.couplings.join(before, np.repeat(blocks[:, 0], layer.in_channels // layer.groups))
        return spread(own, 1, result.shape)

    def linear(self, name: str, layer: nn.Linear, x: Labels | None, result: Tensor) -> Labels | None:
        """Reads the last dimension, computes a new one."""
        ids = None if x is None else self.along(x, -1)
        self._reads(name, layer.in_features, ids)
        if name == self.head:
            return None
        return spread(self._computed(name, layer, layer.out_features), result.dim() - 1, result.shape)

    def _reads(self, name: str, count: int, ids: Ints | None) -> None:
        """A layer reads these channels; what it once reads whole it reads whole in every call."""
        self._meets(self.couplings.side(name, READS, [(f"{name}.weight", 1)], count), ids)

    def _meets(self, side: Ints, ids: Ints | None) -> None:
        if ids is None:
            self.couplings.pin(side)
        else:
            self.couplings.join(side, ids)

    def _computed(self, name: str, layer: nn.Conv2d | nn.Linear, count: int) -> Ints:
        tensors = [(f"{name}.weight", 0), *([(f"{name}.bias", 0)] if layer.bias is not None else [])]
        return self.couplings.side(name, COMPUTES, tensors, count)

    def normalised(self, name: str, layer: nn.Module, x: Labels | None) -> Labels | None:
        """One entry a channel; if it has factors of its own, they silence whatever comes in."""
        batch = isinstance(layer, NORMS)
        dim = 1 if batch or isinstance(layer, LayerNorm2d) else -1
        ids = None if x is None else self.along(x, dim, silent=False)
        parts = ("weight", "bias", "running_mean", "running_var")
        found = [(part, tensor) for part in parts if isinstance(tensor := getattr(layer, part, None), Tensor)]
        if not batch and (not found or found[0][1].dim() != 1):
            return self.pinned(x)
        if found:
            tensors = [(f"{name}.{part}", 0) for part, _ in found]
            self._meets(self.couplings.side(name, NORMALISES, tensors, len(found[0][1])), ids)
        if x is None or ids is None:
            return None
        return Labels(x.ids, layer.weight is not None if found else False)

    def attention(self, n: fx.Node, name: str, layer: Attention, x: Labels | None) -> None:
        """Each head is a channel; what goes in and comes out stays whole."""
        if len(set(n.all_input_nodes)) != 1 or set(n.kwargs) - {"need_weights", "query", "key", "value"}:
            raise UnsupportedError(
                f"The attention {name} is cross-attention or uses a mask: only plain self-attention can be pruned."
            )
        self.pinned(x)
        inner = layer.heads * layer.mix.width
        tensors = [(f"{name}.in_proj_weight", 0), (f"{name}.in_proj_bias", 0)]
        rows = self.couplings.side(name, COMPUTES, tensors, PARTS * inner)
        columns = self.couplings.side(f"{name}.out_proj", READS, [(f"{name}.out_proj.weight", 1)], inner)
        first = np.repeat(rows[: inner : layer.mix.width], layer.mix.width)
        self.couplings.join(rows, np.tile(first, PARTS))
        self.couplings.join(columns, first)

    def pooled(self, x: Labels, result: Tensor) -> Labels | None:
        """Other places, the same channels."""
        if x.ids.dim() != 4:  # of three dimensions, the first is channels to them
            return self.pinned(x)
        ids = self.along(x, 1, silent=False)
        return None if ids is None else Labels(spread(ids, 1, result.shape).ids, x.zero)

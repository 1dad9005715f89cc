"""Following channels through a network: which entries of which tensors stand for the same channel.

A traced network is run once on the meta device, which has shapes but no numbers. Beside each tensor runs one of labels:
who each of its entries belongs to. Whatever only moves entries (flatten, permute, concatenate) is done to the labels as
well; an addition makes two labels one; a layer reads labels and gives out new ones. What is not understood pins the
labels it meets: those channels are never removed. So nothing wrong is ever cut.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torchvision.models.convnext import LayerNorm2d

from core.backbones.attention import PARTS, Attention
from core.channels.couplings import (
    COMPUTES,
    FREE,
    NORMALISES,
    READS,
    SCALES,
    Couplings,
    Ints,
    Labels,
    compact,
    spread,
    varies,
)
from core.channels.functions import (
    IN_PLACE,
    LOOKS,
    LOUD,
    MOVES,
    POOLS,
    PRODUCTS,
    REDUCES,
    SIZED,
    STILL,
    SUMS,
    name_of,
)
from core.channels.sizes import Count, Sizes, along, counts_of
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


class Follower(fx.Interpreter):
    """Runs the traced network and its labels side by side."""

    def __init__(self, module: fx.GraphModule, head: str) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.extra_traceback = False  # errors say what they say, without the step in fx's notation
        self.head = head
        self.couplings = Couplings()
        self.labels: dict[fx.Node, Labels] = {}
        self.sizes: dict[fx.Node, Sizes] = {}  # of numbers and shapes that count channels
        self.scales: set[tuple[fx.Node, fx.Node]] = set()  # (product or sum, the parameter that goes with its channels)

    def run(self, *args: Any, **settings: Any) -> Any:
        """Follow the whole network. A parameter that is looked at beside its own layer stays whole."""
        result = super().run(*args, **settings)
        for node in self.module.graph.nodes:  # type: ignore[union-attr]
            if node.op == "get_attr" and any((user, node) not in self.scales for user in node.users):
                self.couplings.pin_tensor(str(node.target))
        return result

    def run_node(self, n: fx.Node) -> Any:
        """One step: the result on the meta device, and its labels beside it."""
        if n.op == "call_function" and n.kwargs.get("out") is not None:
            raise UnsupportedError(
                f"A step writes its result into another tensor ({getattr(n.target, '__name__', n.target)} with out=): "
                "use what the function returns instead."
            )
        result = super().run_node(n)
        name = self.name_of(n)
        sources = [self.labels[node] for node in n.all_input_nodes if node in self.labels]
        if self.reads_size(n):
            return result
        if not (sources and isinstance(result, Tensor) and name in SIZED):
            self.pin_counts(*n.all_input_nodes)
        if n.op == "call_module":
            found = self.through_layer(n, result)
        elif n.op == "output":
            found = self.pinned(*sources)
        elif sources and isinstance(result, Tensor):
            found = self.through_function(n, result, sources)
        elif sources and not (name in LOOKS or (name == "getattr" and n.args[1] in LOOKS)):
            found = self.pinned(*sources)
        else:
            found = None
        if found is not None:
            self.labels[n] = found
        return result

    def name_of(self, n: fx.Node) -> str:
        """The function or method of torch's that a step calls; "" for any other."""
        first = n.args[0] if n.args else None
        return name_of(n, self.env.get(first) if isinstance(first, fx.Node) else first)

    def pinned(self, *labels: Labels | None) -> Labels | None:
        """These channels can never be removed; gives None, as there is nothing to follow any more."""
        for each in labels:
            if each is not None:
                self.couplings.pin(np.unique(each.ids.numpy()))
        return None

    def reads_size(self, n: fx.Node) -> bool:
        """Whether it reads nothing but sizes; those that count channels are kept in mind."""
        source, name = n.args[0] if n.args else None, self.name_of(n)
        if not isinstance(source, fx.Node) or n.op not in ("call_function", "call_method"):
            return False
        index = n.args[1] if len(n.args) > 1 else n.kwargs.get("dim")
        found: Sizes | None
        if source in self.sizes and name == "getitem" and isinstance(index, int | slice):
            whole = self.sizes[source]
            if not isinstance(whole, list):
                return False
            found = whole[index]
        elif source in self.labels and name == "size" and (index is None or isinstance(index, int)):
            counts = counts_of(self.labels[source].ids)
            found = counts if index is None else counts[index]
        elif source in self.labels and name == "getattr" and index == "shape":
            found = counts_of(self.labels[source].ids)
        else:
            return False
        if isinstance(found, Count) or (found and any(found)):
            self.sizes[n] = found
        return True

    def pin_counts(self, *nodes: fx.Node) -> None:
        """The channels that these numbers count can never be removed."""
        for node in nodes:
            found = self.sizes.get(node, [])
            for count in found if isinstance(found, list) else [found]:
                if count is not None:
                    self.couplings.pin(count.labels)

    def along(self, x: Labels, dim: int, silent: bool = True) -> Ints | None:
        """int64 [n] the label of each index of one dimension; pinned and None where they depend on another one too.

        silent: whoever reads them needs removed channels to be zero.
        """
        dim %= x.ids.dim()
        ids = None if silent and not x.zero else along(x.ids, dim)
        if ids is None:
            self.pinned(x)
        return ids

    # -- layers

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
                f"The attention {name} looks at something else than its own input, or under a mask: only plain "
                "self-attention can be pruned here."
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

    # -- functions

    def through_function(self, n: fx.Node, result: Tensor, sources: list[Labels]) -> Labels | None:
        """What a function or a method does with labels."""
        name = self.name_of(n)
        if name in STILL:
            return sources[0]
        if name in LOUD and not any(each is True for each in (*n.args[1:], n.kwargs.get("inplace"))):
            return Labels(sources[0].ids, False)
        if name in POOLS:
            return self.pooled(sources[0], result)
        if name in SUMS | PRODUCTS:
            found = self.combined(n, name in PRODUCTS)
            if found is not None and name in IN_PLACE and not found.zero:
                return self.pinned(*sources)  # what stood there before is not zero any more, for whoever reads it too
            return None if found is None else Labels(found.ids.broadcast_to(result.shape), found.zero)
        if name in REDUCES and len(n.args) + len(n.kwargs) > 1:
            return self.reduced(n, sources[0])
        if name == "getitem":
            return self.picked(n, sources[0])
        if name in MOVES | SIZED:
            return self.moved(n, name, sources)
        return self.pinned(*sources)

    def moved(self, n: fx.Node, name: str, sources: list[Labels]) -> Labels | None:
        """The same done to the labels, sources without labels being free."""
        if name == "squeeze" and len(n.args) + len(n.kwargs) == 1:  # a single channel that is left would go as well
            return self.pinned(*sources)
        args: Any = fx.map_arg(n.args, self._ids_or_value)
        kwargs: Any = fx.map_arg(n.kwargs, self._ids_or_value)
        act: Callable[..., Tensor] = (
            n.target if callable(n.target) else operator.methodcaller(name, *args[1:], **kwargs)
        )
        ids = act(*args, **kwargs) if callable(n.target) else act(args[0])
        out = Labels(compact(ids), all(each.zero for each in sources))
        if name not in SIZED:
            return out
        start = int(args[1]) % args[0].dim() if name == "unflatten" else 0
        shrinks = [self._shrinks(ids, d, size) for d, size in enumerate(self._named(n), start)]
        return out if all(shrinks) else self.pinned(*sources)

    def _named(self, n: fx.Node) -> list[Any]:
        """The sizes that a function is given: counts of channels, or numbers."""
        place = 2 if self.name_of(n) == "unflatten" else 1
        given: Any = n.args[place] if len(n.args) > place else next(iter(n.kwargs.values()))
        if isinstance(given, fx.Node) and isinstance(whole := self.env[given], tuple):
            counts: Any = self.sizes.get(given, [None] * len(whole))
            return [number if count is None else count for count, number in zip(counts, whole, strict=True)]
        listed = given if isinstance(given, tuple | list) else n.args[place:]
        return [self.sizes.get(each, self.env[each]) if isinstance(each, fx.Node) else each for each in listed]

    def _shrinks(self, ids: Tensor, dim: int, size: Any) -> bool:
        """Whether a dimension of a result still has the size that it was given, whatever channels are removed."""
        if isinstance(size, Count):
            own = along(ids, dim) if varies(ids, dim) else None
            if not size.exact or own is None or len(own) != len(size.labels):
                self.couplings.pin(size.labels)
                return not varies(ids, dim)
            self.couplings.join(own, size.labels)
            return True
        return (isinstance(size, int) and size == -1) or not varies(ids, dim)

    def _ids_or_value(self, node: fx.Node) -> Any:
        value = self.env[node]
        if node in self.labels:
            return self.labels[node].ids
        return torch.full((), FREE, device="cpu").expand(value.shape) if isinstance(value, Tensor) else value

    def picked(self, n: fx.Node, x: Labels) -> Labels | None:
        """Part of a tensor: fine as long as all of its channels are in it."""
        index: Any = fx.map_arg(n.args[1], lambda node: self.env[node])
        parts = index if isinstance(index, tuple) else (index,)
        taking = [part for part in parts if part is not None]  # None makes a dimension, the others take one each
        plain = all(isinstance(part, int | slice) for part in taking)
        if not plain or any(varies(x.ids, d) for d, part in enumerate(taking) if part != slice(None)):
            return self.pinned(x)
        return Labels(x.ids[index], x.zero)

    def reduced(self, n: fx.Node, x: Labels) -> Labels | None:
        """A mean over places."""
        named: Any = n.kwargs.get("dim", n.args[1] if len(n.args) > 1 else None)
        keep = bool(n.kwargs.get("keepdim", n.args[2] if len(n.args) > 2 else False))
        dims = [named] if isinstance(named, int) else list(named) if isinstance(named, tuple | list) else []
        dims = sorted({int(d) % x.ids.dim() for d in dims}, reverse=True)
        if not dims or any(varies(x.ids, d) for d in dims):
            return self.pinned(x)
        ids = x.ids
        for d in dims:
            ids = ids.narrow(d, 0, 1) if keep else ids.select(d, 0)
        return Labels(ids, x.zero)

    def combined(self, n: fx.Node, product: bool) -> Labels | None:
        """A sum or a product of two: their channels are the same, entry by entry."""
        pair = [*n.args[:2], *(n.kwargs[name] for name in ("input", "other") if name in n.kwargs)]
        nodes = [each for each in pair if isinstance(each, fx.Node) and each in self.labels]
        x = self.labels[nodes[0]]
        if len(nodes) == 2:
            y = self.labels[nodes[1]]
            if not self.couplings.unite(x.ids, y.ids):
                return self.pinned(x, y)
            ids = x.ids if x.ids.numel() >= y.ids.numel() else y.ids
            return Labels(ids, (x.zero or y.zero) if product else (x.zero and y.zero))
        other = next(each for each in pair if each is not nodes[0])
        value: Any = self.env[other] if isinstance(other, fx.Node) else other
        if isinstance(other, fx.Node) and isinstance(value, Tensor):
            return self.with_constant(n, x, other, value, product)
        return x if product else Labels(x.ids, x.zero and bool(value == 0))

    def with_constant(self, n: fx.Node, x: Labels, node: fx.Node, other: Tensor, product: bool) -> Labels | None:
        """A parameter with one entry a channel goes with it; anything else must be the same for all channels."""
        lead = x.ids.dim() - other.dim()
        if lead < 0:
            return self.pinned(x)
        wide = [d for d in range(other.dim()) if other.shape[d] > 1 and varies(x.ids, d + lead)]
        if not wide:
            return x if product else Labels(x.ids, False)
        ids = self.along(x, wide[0] + lead, silent=False) if len(wide) == 1 else None
        if ids is None or node.op != "get_attr" or not isinstance(other, nn.Parameter):
            return self.pinned(x)
        name = str(node.target)
        self.scales.add((n, node))
        self.couplings.join(self.couplings.side(name, SCALES, [(name, wide[0])], len(ids)), ids)
        return x if product else Labels(x.ids, x.zero)

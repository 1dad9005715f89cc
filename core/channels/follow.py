"""Following channels through a network: which entries of which tensors stand for the same channel.

A traced network is run once on the meta device, which has shapes but no numbers. Beside each tensor runs one of labels:
who each of its entries belongs to. Whatever only moves entries (flatten, permute, concatenate) is done to the labels as
well; an addition makes two labels one; a layer reads labels and gives out new ones. What is not understood pins the
labels it meets: those channels are never removed. So nothing wrong is ever cut.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from core.channels.couplings import (
    FREE,
    SCALES,
    Labels,
    compact,
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
)
from core.channels.layer_steps import LayerSteps
from core.channels.sizes import Count, along
from core.errors import UnsupportedError


class Follower(LayerSteps):
    """Runs the traced network and its labels side by side."""

    def run(self, *args: Any, **settings: Any) -> Any:
        """Follow the whole network. A parameter that is looked at beside its own layer stays whole."""
        result = super().run(*args, **settings)
        for node in self.module.graph.nodes:  # type: ignore[union-attr]
            if node.op == "get_attr" and any((user, node) not in self.scales for user in node.users):
                self.couplings.pin_tensor(str(node.target))
        return result

    def run_node(self, n: fx.Node) -> Any:
        """One step: the result on the meta device, and its labels beside it."""
        if n.op == "call_function" and isinstance(n.kwargs.get("out"), fx.Node | tuple | list):
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

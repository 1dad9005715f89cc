"""A run of a traced network with labels beside its tensors: what is known of each step, and what pins its channels."""

import numpy as np
from torch import fx

from core.channels.couplings import Couplings, Ints, Labels
from core.channels.functions import name_of
from core.channels.sizes import Count, Sizes, along, counts_of


class LabelledRun(fx.Interpreter):
    """What a run has found so far, and the ways to read and to pin it."""

    def __init__(self, module: fx.GraphModule, head: str) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.extra_traceback = False  # errors say what they say, without the step in fx's notation
        self.head = head
        self.couplings = Couplings()
        self.labels: dict[fx.Node, Labels] = {}
        self.sizes: dict[fx.Node, Sizes] = {}  # of numbers and shapes that count channels
        self.scales: set[tuple[fx.Node, fx.Node]] = set()  # (product or sum, the parameter that goes with its channels)

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

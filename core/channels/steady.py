"""Running a network so that two of different widths can be compared: in float64, and without chance.

What is drawn depends on how many channels there are: dropout would silence other entries in a slim network than in the
dense one. So nothing is dropped, and whatever else is drawn is the same number everywhere.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

_aten = torch.ops.aten
_KEEPS = (_aten.bernoulli, _aten.bernoulli_)  # 1: nothing is dropped
_DRAWS = (
    *(_aten.rand, _aten.rand_like, _aten.randn, _aten.randn_like, _aten.normal, _aten.normal_, _aten.uniform_),
    *(_aten.exponential_, _aten.normal_functional),
)
_NARROW = (torch.float32, torch.float16, torch.bfloat16)


class _Steady(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Below autograd, every operation in float64, and every draw from the same seed."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        settings = dict(kwargs or {})
        if settings.get("dtype") in _NARROW:
            settings["dtype"] = torch.float64
        drawn = torch.Tag.nondeterministic_seeded in func.tags
        if drawn:
            torch.manual_seed(0)
        out = func(*args, **settings)
        if drawn and isinstance(out, Tensor) and out.is_floating_point():
            packet = func.overloadpacket
            out = out.fill_(1.0) if packet in _KEEPS else out.fill_(0.5) if packet in _DRAWS else out
        return tree_map(_widened, out)


def _widened(out: Any) -> Any:
    return out.double() if isinstance(out, Tensor) and out.dtype in _NARROW else out


@contextmanager
def steady() -> Iterator[None]:
    """Within, networks compute in float64 and without chance. All random states are restored afterwards."""
    python, numbers = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]), _Steady():  # type: ignore[no-untyped-call]
            random.seed(0)
            np.random.seed(0)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)

"""What the numbers in a checkpoint say of it: whether a network can compute with them, whether any training shows."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

COUNTER = "num_batches_tracked"  # counts what training has seen; a network that is used does not read it
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def unusable(key: str, value: Tensor) -> str | None:
    """Why a tensor cannot be the network's entry of that name, in a few words behind "holds"; None where it can."""
    if value.is_meta:
        return "no numbers, only a shape"
    if value.is_quantized or value.layout != torch.strided or value.is_complex():
        return "numbers that are quantized, sparse or complex"
    if key.endswith(COUNTER):
        return None
    if not value.is_floating_point():
        return "whole numbers"
    plain = value.float()
    if not plain.isfinite().all():
        return "numbers that are not finite"
    return "a negative variance" if key.endswith("running_var") and (plain < 0).any() else None


def constant(key: str, value: Tensor) -> bool:
    """Whether a tensor of the network holds one value throughout; False for what the network cannot compute with."""
    return value.numel() > 1 and unusable(key, value) is None and bool((value == value[(0,) * value.dim()]).all())


def untrained(tensors: Mapping[str, Tensor], model: nn.Module) -> bool:
    """Whether a trunk is at its initial values: each scale and shift of its normalisation is constant.

    Running statistics do not count, as a forward pass in train mode changes them. A network without normalisation goes
    by its biases, or by weights as PyTorch draws them. False for a trunk that has none of these. `model`: its
    architecture.
    """
    plain = {key: value for key, value in tensors.items() if value.numel() > 1 and unusable(key, value) is None}
    if names := [key for key in _of_norms(model) if key in plain]:
        return all(constant(key, plain[key]) for key in names)
    biases = [key for key in plain if key.endswith(".bias")]
    weights = [value.float() for value in plain.values() if value.dim() > 1]
    evenly = bool(weights) and all(map(_drawn_evenly, weights))
    return evenly or (bool(biases) and all(constant(key, plain[key]) for key in biases))


def as_drawn(tensors: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> bool:
    """Whether every weight is spread as in a fresh network; False if some training or folding shows in one."""
    pairs = [(tensors[key].float(), one) for key, one in fresh.items() if one.dim() > 1 and key in tensors]
    return all(_spread_alike(weight, one) for weight, one in pairs)


def _spread_alike(weight: Tensor, drawn: Tensor) -> bool:
    """Whether standard deviations are equal but for chance, which is larger in small tensors."""
    found, usual = (float(one.std(correction=0)) for one in (weight, drawn))
    slack = 0.05 + 4 * weight.numel() ** -0.5
    return bool(abs(found - usual) <= slack * usual)


def _drawn_evenly(weight: Tensor) -> bool:
    """Whether a weight is spread evenly within ±1/√fan_in, as PyTorch draws those of linear and convolution layers."""
    bound = weight[0].numel() ** -0.5
    return bool(weight.abs().max() <= 1.001 * bound) and abs(float(weight.std()) * 3**0.5 / bound - 1) < 0.05


def _of_norms(model: nn.Module) -> Iterator[str]:
    for name, module in model.named_modules():
        if isinstance(module, _NORMS):
            yield from (f"{name}.{part}" for part, _ in module.named_parameters(recurse=False))

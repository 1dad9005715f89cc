"""Reading a checkpoint that somebody else's code wrote, and how much of an architecture's trunk it fills.

Only tensors are read: safetensors, or PyTorch's files with `weights_only=True`. Nothing is ever unpickled.
"""

import argparse
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core.backbones.architectures import architecture
from core.backbones.coverage import Coverage
from core.backbones.layouts import FILE, WRAPPERS, Layout, layout, recognised
from core.backbones.listing import is_parameter
from core.backbones.values import COUNTER, constant, untrained
from core.errors import BadFileError, MetaVoteError

State = Mapping[str, Tensor]
DEEPEST = 5  # dictionaries within dictionaries
# Beginnings of what PyTorch writes: a zip, or in older versions pickles.
ZIP = b"PK\x03\x04"
WRITTEN = (ZIP, b"\x80")
# What a checkpoint that does not fit is tried against: built in about a second together.
LOOKED_FOR = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d"),
    *("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "alexnet", "squeezenet1_1"),
    *("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "densenet121", "convnext_tiny"),
    *("vit_b_16", "vit_b_32"),
)


@dataclass(frozen=True, eq=False)
class Trunk:
    """The entries of a trunk that a file fills, by torchvision's names, and how well it does; `source` by its layout.

    head: whether the file also holds the network's own head, under its own name. untrained: whether what it holds is as
    it was initialised.
    """

    tensors: State
    coverage: Coverage
    source: str
    head: bool
    untrained: bool = False


def read_states(path: Path) -> dict[str, State]:
    """Place -> state dict: every dictionary of tensors in a file, keys without training's wrappers.

    Raises BadFileError for a file that is missing, damaged, holds no tensors, or holds objects that only unpickling
    could make.
    """
    content = _content(path)
    states = {place: _unwrapped(state) for place, state in _states(content, FILE, 0)}
    if not states:
        raise BadFileError(f"{path.name} holds no tensors by name: save the network's state_dict() to a file.")
    return states


def read_trunk(path: Path, name: str, format: str | None = None, size: int | None = None) -> Trunk:
    """The trunk of the architecture `name` from a checkpoint, by the layout named `format`, or by the one it shows.

    Of the places and prefixes that a layout may have, the one that fills most. size: side of the images it is for, its
    usual one if None. Raises UnknownNameError, BadFileError; MismatchError for a size the network cannot take.
    """
    shell = architecture(name).shell(2, size)
    found = _read(path.name, read_states(path), name, shell, format)
    same = tuple(key for key, value in found.tensors.items() if value.dim() > 1 and constant(key, value))
    without = replace(
        found.coverage,
        filled=found.coverage.filled - len(same),
        params_filled=found.coverage.params_filled - _params(found.tensors, same),
        constant=same,
    )
    return replace(found, coverage=without, untrained=untrained(found.tensors, shell))


def looks_like(path: Path, format: str | None = None, size: int | None = None) -> str | None:
    """The usual architecture whose whole trunk a checkpoint fills; None where it is none of them."""
    states = read_states(path)
    for name in LOOKED_FOR:
        with suppress(MetaVoteError):
            if _read(path.name, states, name, architecture(name).shell(2, size), format).coverage.complete:
                return name
    return None


def _read(file: str, states: Mapping[str, State], name: str, model: nn.Module, format: str | None) -> Trunk:
    """The reading of a file's state dicts that fills most of an architecture, of which `model` is a shell."""
    head = architecture(name).head
    target = {key: tensor.shape for key, tensor in model.state_dict().items()}
    entry = recognised(states) if format is None else layout(format)
    children = [child for child, _ in model.named_children()]
    readings = [(place, prefix) for place in entry.places for prefix in entry.prefixes]
    if format is not None and entry.alone:
        readings.append((FILE, ""))
    found = [
        _fitted(entry, name, head, target, children, place, prefix, states[place])
        for place, prefix in readings
        if place in states
    ]
    if not found:
        places = " or ".join(f"'{place}'" for place in entry.places if place)
        told = f"{file} is not laid out as {entry.title}, which keeps its state dict under {places}"
        raise BadFileError(f"{told}: leave the format to be recognised, or name another.")
    return max(found, key=lambda one: (one.coverage.complete, one.coverage.filled))


def _content(path: Path) -> object:
    if not path.is_file():
        raise BadFileError(f"There is no file {path}: check its name.")
    safe = path.suffix == ".safetensors"
    try:
        with open(path, "rb") as file:
            begin = file.read(9)
    except OSError as error:
        raise BadFileError(f"{path.name} cannot be read ({error.strerror}): check that file.") from error
    if not (begin[8:] == b"{" if safe else begin.startswith(WRITTEN)):
        raise BadFileError(f"{path.name} is no checkpoint: give a file that torch.save() or safetensors wrote.")
    try:
        if safe:
            return load_file(path)
        if begin.startswith(ZIP) and (part := zipfile.ZipFile(path).testzip()) is not None:
            raise zipfile.BadZipFile(part)  # which PyTorch would read as it is: it does not look at checksums
        with torch.serialization.safe_globals([argparse.Namespace]):  # plain settings, which DINO's code saves along
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a dozen kinds, from struct.error to AssertionError, for one damaged byte or another
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise BadFileError(
                f"{path.name} holds more than tensors, and nothing else is ever unpickled: where it was made, save its "
                "state dict alone, with torch.save(model.state_dict(), FILE)."
            ) from error
        raise BadFileError(f"{path.name} is a checkpoint that is damaged or cut short: fetch it again.") from error


def _states(content: object, place: str, depth: int) -> Iterator[tuple[str, State]]:
    """Every dictionary that has tensors by name, with the keys that lead to it."""
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if tensors:
        yield place, tensors
    for key, value in content.items():
        if isinstance(key, str):
            yield from _states(value, f"{place}/{key}" if place else key, depth + 1)


def _unwrapped(state: State) -> State:
    out = {}
    for key, value in state.items():
        while key.startswith(WRAPPERS):
            key = key.split(".", 1)[1]
        out[key] = value
    return out


def _fitted(
    entry: Layout, name: str, head: str, target: Mapping[str, torch.Size], children: list[str], place: str,
    prefix: str, state: State,
) -> Trunk:  # fmt: skip
    """What one reading of a file fills."""
    trunk = {key: shape for key, shape in target.items() if not key.startswith(f"{head}.")}
    inside: dict[str, Tensor] = {}
    dropped: dict[str, int] = {}
    others: dict[str, int] = {}
    for key, value in state.items():
        known = key.startswith(entry.dropped) if entry.dropped else False
        if key.startswith(prefix) and not known:
            inside[key.removeprefix(prefix)] = value
        else:
            _count(dropped if known else others, key)
    named = {_torchvision_name(key, entry, children): value for key, value in inside.items()}
    unexpected = []
    for key in named:
        if key in trunk:
            continue
        if key.split(".")[0] == head.split(".")[0]:  # the head, or what training put in its place
            _count(dropped, prefix + key)
        else:
            unexpected.append(key)
    fits = {key: value for key, value in named.items() if key in trunk and value.shape == trunk[key]}
    reshaped = [
        f"{key} {list(named[key].shape)} for {list(trunk[key])}" for key in trunk if key in named and key not in fits
    ]
    missing = [key for key in trunk if key not in named and not key.endswith(COUNTER)]
    counters = {key: torch.tensor(0) for key in trunk if key not in named and key.endswith(COUNTER)}
    wanted, filled = (sum(not key.endswith(COUNTER) for key in keys) for keys in (trunk, fits))
    params = sum(shape.numel() for key, shape in trunk.items() if is_parameter(key))
    coverage = Coverage(
        entry.name, entry.title, name, place, prefix, wanted, filled, params, _params(fits, fits), tuple(missing),
        tuple(reshaped), tuple(unexpected), (), dropped, others,
    )  # fmt: skip
    return Trunk({**fits, **counters}, coverage, entry.source, f"{head}.weight" in named)


def _params(tensors: State, keys: Iterable[str]) -> int:
    """The number of parameters in these entries."""
    return sum(tensors[key].numel() for key in keys if is_parameter(key))


def _torchvision_name(key: str, entry: Layout, children: list[str]) -> str:
    """A key by torchvision's name: its first part may be the number of a part of the network, in order."""
    first, dot, rest = key.partition(".")
    if first.isdigit() and int(first) < len(children):
        key = children[int(first)] + dot + rest
    return entry.rename(key) if entry.rename else key


def _count(numbers: dict[str, int], key: str) -> None:
    first = key.split(".")[0]
    numbers[first] = numbers.get(first, 0) + 1

"""Every supported architecture, one line each: `python -m benchmarks.architectures [NAMES...] [--seconds 150]`.

Groups, channels, parameters and MACs beside those that torchvision publishes; slim against masked in float64; forward
and backward of the slim network; seconds to find groups and to slim; whether the slim network comes back from its file,
and through `torch.export`, computing the same; how far ONNX, run by onnxruntime, is from it. Each result is a line of a
JSON-lines file as soon as it is there; a second call goes on where the first stopped. `--markdown` prints the table as
it stands in docs/architectures.md.
"""

import argparse
import gc
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from core.backbones.architectures import ARCHITECTURES, Architecture, architecture, published
from core.channels.counted import layers_of
from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.channels.groups import ChannelGroups, channel_groups, parameters_and_macs
from core.channels.masking import silence
from core.channels.rebuild import rebuild
from core.channels.selection import Selection, kept_count
from core.channels.slim import resized, slim_state
from core.reports.formats import TOLERANCE, onnx_bytes

KEEP, CLASSES, BAR = 0.5, 5, 1e-10
SMALLEST = 32  # side of the images that numbers are computed on, where a network can take them


@dataclass(frozen=True)
class Found:
    """One line. error: largest difference of slim and masked, relative to the largest masked output, in float64."""

    name: str
    family: str
    size: int
    groups: int
    channels: int
    params: int
    macs: int
    published_params: int
    published_gigamacs: float
    slim_params: int
    slim_macs: int
    told_ahead: bool
    error: float
    backward: bool
    seconds_groups: float
    seconds_slim: float
    rebuilt: bool
    exported: bool
    onnx: float
    seconds_onnx: float
    peak_gib: float


def drawn(groups: ChannelGroups) -> Selection:
    """A selection by chance, always the same one."""
    generator = np.random.default_rng(0)
    return Selection(
        {
            title: tuple(sorted(generator.choice(size, kept_count(KEEP, size), replace=False).tolist()))
            for title, size in groups.sizes.items()
        },
        groups.sizes,
    )


def timed(work: Callable[[], ChannelGroups]) -> tuple[ChannelGroups, float]:
    """(what it gives, seconds it took)."""
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def stirred(model: nn.Module) -> nn.Module:
    """In place: no parameter or statistic at a value that would hide a mistake (factors of 1, offsets of 0)."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 or name.endswith("layer_scale"):
            nn.init.uniform_(parameter, *((-0.3, 0.3) if name.endswith("bias") else (0.7, 1.3)))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.7, 1.3)  # type: ignore[arg-type]
    return model


def in_float64(entry: Architecture, size: int) -> nn.Module:
    """The network with random weights, drawn in float64: no second copy of a giant."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    try:
        model = stirred(entry.build(CLASSES, size)).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    head = model.get_submodule(entry.head)
    nn.init.normal_(head.weight, 0, 0.1)  # type: ignore[arg-type]  # ViT's is born zero
    return model


@torch.no_grad()
def slim_against_masked(
    model: nn.Module, groups: ChannelGroups, selection: Selection, x: Tensor
) -> tuple[nn.Module, float, float]:
    """(slim network, seconds to slim, relative error); the model ends up masked."""
    start = time.perf_counter()
    small = resized(model, slim_state(model.state_dict(), groups, selection))
    seconds = time.perf_counter() - start
    got, expected = small(x), silence(model, groups, selection)(x)
    return small, seconds, float((got - expected).abs().max() / expected.abs().max())


def trains(small: nn.Module, x: Tensor) -> bool:
    """Whether every parameter gets a finite gradient."""
    small.train()
    nn.functional.cross_entropy(small(x), torch.arange(len(x)) % CLASSES).backward()  # type: ignore[no-untyped-call]
    live = [parameter.grad for parameter in small.parameters()]
    small.zero_grad(set_to_none=True)
    small.eval()
    return all(grad is not None and bool(grad.isfinite().all()) for grad in live)


def as_model(name: str, small: nn.Module, selection: Selection, size: int) -> PrunedModel:
    """The slim network as the pruned model it would be kept as."""
    tensors = {key: value.numpy() for key, value in small.state_dict().items()}
    task = {"id": "benchmark", "dataset": "none", "classes": [str(number) for number in range(CLASSES)]}
    return PrunedModel(name, "random", "", task, selection, (0.5,) * 3, (0.25,) * 3, size, tensors)


@torch.no_grad()
def comes_back(model: PrunedModel, small: nn.Module, x: Tensor) -> bool:
    """Whether its file gives back a network of equal outputs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_pruned(model, path)
        return torch.equal(rebuild(load_pruned(path))(x), small(x))


def as_onnx(model: PrunedModel) -> tuple[float, float]:
    """(how far what onnxruntime computes is from PyTorch, at batches of 1, 2 and 7, relative to the largest logit or to
    1; seconds to write and check). Raises MetaVoteError where that is more than an export may be off."""
    start = time.perf_counter()
    check = onnx_bytes(model, {})[1]
    assert check is not None, "pip install -r requirements-extras.txt"
    return check.difference * TOLERANCE / check.tolerance, time.perf_counter() - start


@torch.no_grad()
def exports(small: nn.Module, x: Tensor) -> bool:
    """Whether `torch.export` gives a program that computes the same."""
    return torch.equal(torch.export.export(small, (x,)).module()(x), small(x))


def looked_at(name: str) -> Found:
    """Everything about one architecture."""
    entry, told = architecture(name), published(name)
    shell = entry.shell(1000)
    params, macs = parameters_and_macs(shell, entry.size)
    groups, seconds = timed(lambda: channel_groups(shell, torch.empty(1, 3, entry.size, entry.size, device="meta")))
    selection = drawn(groups)
    ahead = layers_of(shell, groups, entry.size).size(selection.counts, 1000)
    real = parameters_and_macs(resized(shell, slim_state(shell.state_dict(), groups, selection)), entry.size)
    size = max(SMALLEST, entry.least) if entry.patch is None else entry.patch * 2
    model = in_float64(entry, size)
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    small, slimming, error = slim_against_masked(model, groups, selection, x)
    del model
    gc.collect()
    small, x = small.float(), x.float()
    kept = as_model(name, small, selection, size)
    return Found(
        name, entry.family, entry.size, len(groups.sizes), sum(groups.sizes.values()), params, macs, told.params,
        told.gigamacs, *real, (ahead.params, ahead.macs) == real, error, trains(small, x), seconds, slimming,
        comes_back(kept, small, x), exports(small, x), *as_onnx(kept),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    )  # fmt: skip


def known(file: Path) -> dict[str, Found]:
    """What is there already."""
    if not file.exists():
        return {}
    return {entry.name: entry for entry in (Found(**json.loads(line)) for line in file.read_text().splitlines())}


COLUMNS = (
    "architecture", "input", "groups", "channels", "M params", "G MACs", "published", "slim params", "slim MACs",
    "slim = masked", "trains", "s groups", "s slim", "file", "torch.export", "ONNX", "s ONNX",
)  # fmt: skip


def cells(found: Found) -> tuple[str, ...]:
    """One line of the table."""
    yes = {True: "yes", False: "NO"}
    return (
        found.name, str(found.size), str(found.groups), f"{found.channels:,}", f"{found.params / 1e6:.2f}",
        f"{found.macs / 1e9:.3f}", f"{found.published_gigamacs:.3f}", f"{found.slim_params / found.params:.1%}",
        f"{found.slim_macs / found.macs:.1%}" + ("" if found.told_ahead else " (not told ahead)"), f"{found.error:.0e}",
        yes[found.backward], f"{found.seconds_groups:.2f}", f"{found.seconds_slim:.2f}", yes[found.rebuilt],
        yes[found.exported], f"{found.onnx:.0e}", f"{found.seconds_onnx:.0f}",
    )  # fmt: skip


def shown(rows: list[Found], markdown: bool) -> None:
    """The table, for a terminal or as Markdown."""
    if markdown:
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
        for row in rows:
            print("| " + " | ".join(cells(row)) + " |")
        return
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*cells(row))
    Console(width=None if os.isatty(1) else 190).print(table)


def main() -> None:
    """Look at what is not known yet, then print what is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="architectures; every supported one by default")
    parser.add_argument("--file", type=Path, default=Path(".build/architectures.jsonl"), help="results so far")
    parser.add_argument("--seconds", type=float, help="begin no further architecture after this long")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    args = parser.parse_args()
    names = [architecture(name).name for name in args.names] or list(ARCHITECTURES)
    args.file.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    for name in names:
        if name in known(args.file):
            continue
        if args.seconds is not None and time.perf_counter() - start > args.seconds:
            break
        found = looked_at(name)
        with open(args.file, "a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
    results = known(args.file)
    shown([results[name] for name in names if name in results], args.markdown)
    if missing := [name for name in names if name not in results]:
        print(f"{len(missing)} to go: call again.")


if __name__ == "__main__":
    main()

"""How much of the MACs ratio arrives as speed: slim beside dense, in turns, best on an idle machine.

    python -m benchmarks.latency --cache .build/latency.json --minutes 3    # again until all is there
    python -m benchmarks.latency --cache .build/latency.json --report      # the tables, of what is there

Networks are torchvision's with their 1,000 classes and random weights; of every channel group the first channels are
kept, as speed does not depend on which. Dense and slim run in the same form, so that the ratio is the pruning's alone.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.backbones.architectures import architecture
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.selection import Selection, kept_count
from core.channels.slim import slim
from core.reports.latency import Batch
from core.reports.measure import FEWEST, Network, processor, timed
from core.reports.tables import milliseconds

BAR = 0.6  # of the MACs ratio
ARCHITECTURES = ("resnet18", "resnet50", "vgg16_bn")
KEEPS = (0.5, 0.2)


@dataclass(frozen=True)
class Cell:
    """One measurement: a network at a keep ratio, input side and batch, in a form (see FORMS), widths a multiple of."""

    architecture: str
    keep: float
    image: int
    batch: int
    form: str = "as it is"
    multiple: int = 1
    threads: int = 2

    @property
    def key(self) -> str:
        """Its name in the cache."""
        return " ".join(map(str, vars(self).values()))


def main_cells() -> Iterator[Cell]:
    """The table that the bar is about: batch 32 first, then 1 and 8."""
    for batch, image in ((32, 64), (32, 224), (1, 224), (8, 224), (1, 64), (8, 64)):
        for name in ARCHITECTURES:
            for keep in KEEPS:
                yield Cell(name, keep, image, batch)


def tried_cells() -> Iterator[Cell]:
    """What was tried: other layouts, widths, engines and number formats, at batch 32."""
    for name in ARCHITECTURES:
        for keep in KEEPS:
            base = Cell(name, keep, 64, 32)
            yield replace(base, form="contiguous")
            yield replace(base, form="folded")
            yield replace(base, form="folded", multiple=8)
            yield replace(base, form="folded", multiple=16)
            yield replace(base, form="onnxruntime")
            yield replace(base, form="compiled")
            yield replace(base, form="bfloat16")
            yield replace(base, threads=1)
            yield replace(base, form="folded", threads=1)

    for name in ("vgg16_bn", "resnet50"):  # and where 224 pixels fall short, or nearly
        yield Cell(name, 0.2, 224, 32, "folded")
        yield Cell(name, 0.2, 224, 32, "folded", multiple=16)


def profiled_cells() -> Iterator[Cell]:
    """What is looked into layer by layer, on one thread."""
    yield from (Cell(name, 0.2, 64, 32, threads=1) for name in ARCHITECTURES)
    yield Cell("vgg16_bn", 0.2, 224, 8, threads=1)


def networks(cell: Cell) -> tuple[nn.Module, nn.Module]:
    """(dense, slim) in eval mode."""
    torch.manual_seed(0)
    dense = architecture(cell.architecture).build().eval()
    for module in dense.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
    groups = channel_groups(dense, torch.zeros(1, 3, cell.image, cell.image))
    kept = {name: tuple(range(_width(cell, size))) for name, size in groups.sizes.items()}
    return dense, slim(dense, groups, Selection(kept, groups.sizes)).eval()


def _width(cell: Cell, size: int) -> int:
    wanted = kept_count(cell.keep, size)
    return min(size, -(-wanted // cell.multiple) * cell.multiple)


def folded(network: nn.Module) -> nn.Module:
    """BatchNorm folded into the convolutions before it, which for inference is exact but for rounding."""
    from torch.fx.experimental.optimization import fuse

    return fuse(network)


def _channels_last(network: nn.Module) -> nn.Module:
    return network.to(memory_format=torch.channels_last)


def _onnx(network: nn.Module, cell: Cell) -> Network:
    """The network under onnxruntime, which fuses BatchNorm and ReLU into convolutions by itself."""
    import onnxruntime

    program = torch.onnx.export(
        network,
        (torch.zeros(cell.batch, 3, cell.image, cell.image),),
        input_names=["images"],
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cell.threads
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: session.run(None, {"images": images.contiguous().numpy()})


def _bfloat16(network: nn.Module, cell: Cell) -> Network:
    half = _channels_last(network).to(torch.bfloat16)
    return lambda images: half(images.to(torch.bfloat16))


FORMS: dict[str, Callable[[nn.Module, Cell], Network]] = {
    "as it is": lambda network, cell: _channels_last(network),
    "contiguous": lambda network, cell: network,
    "folded": lambda network, cell: _channels_last(folded(network)),
    "compiled": lambda network, cell: torch.compile(_channels_last(network)),
    "onnxruntime": _onnx,
    "bfloat16": _bfloat16,
}


def measure(cell: Cell, seconds: float) -> dict[str, Any]:
    """The cell's times, MACs ratio, speed-up, and the share of the former that arrives."""
    dense, small = networks(cell)
    ratio = parameters_and_macs(dense, cell.image)[1] / parameters_and_macs(small, cell.image)[1]
    torch.set_num_threads(cell.threads)
    form = FORMS[cell.form]
    images = torch.randn(cell.batch, 3, cell.image, cell.image)
    if cell.form != "contiguous":
        images = images.contiguous(memory_format=torch.channels_last)
    fewest = FEWEST if cell.image * cell.batch < 224 * 32 else 5  # which take seconds each
    found: Batch = timed(form(dense, cell), form(small, cell), images, seconds, fewest)
    return {
        **vars(cell), "rounds": found.rounds, "dense": found.dense.median, "slim": found.slim.median,
        "dense_quartiles": [found.dense.low, found.dense.high], "slim_quartiles": [found.slim.low, found.slim.high],
        "speed_up": found.speed_up, "macs_ratio": ratio, "share": found.speed_up / ratio,
    }  # fmt: skip


KINDS = {
    "convolution": ("convolution", "conv2d"), "batch norm": ("batch_norm",), "ReLU": ("relu", "clamp"),
    "pooling": ("pool", "mean"), "addition": ("add_", "aten::add"), "linear": ("addmm", "linear"),
}  # fmt: skip


def profile(cell: Cell, passes: int = 3) -> dict[str, dict[str, float]]:
    """Seconds of one pass by kind of layer, of dense and slim, on one thread; "other" is what no layer did."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recorder

    torch.set_num_threads(cell.threads)
    images = torch.randn(cell.batch, 3, cell.image, cell.image).contiguous(memory_format=torch.channels_last)
    out = {}
    for which, network in zip(("dense", "slim"), networks(cell), strict=True):
        ready = FORMS[cell.form](network, cell)
        with torch.inference_mode():
            ready(images)
            with recorder(activities=[ProfilerActivity.CPU]) as record:
                for _ in range(passes):
                    ready(images)
        spent: dict[str, float] = dict.fromkeys([*KINDS, "other"], 0.0)
        for event in record.key_averages():
            kind = next((kind for kind, signs in KINDS.items() if any(sign in event.key for sign in signs)), "other")
            spent[kind] += event.self_cpu_time_total / 1e6 / passes
        out[which] = spent
    return out


def work(seconds: float) -> Iterator[tuple[str, Cell, Callable[[Cell], dict[str, Any]]]]:
    """(name in the cache, cell, what is to be done with it), what matters most first."""

    def timing(cell: Cell) -> dict[str, Any]:
        return measure(cell, seconds)

    yield from ((cell.key, cell, timing) for cell in main_cells())
    yield from ((f"profile {cell.key}", cell, profile) for cell in profiled_cells())
    yield from ((cell.key, cell, timing) for cell in tried_cells())


def run(cache: Path, minutes: float, seconds: float, only: str = "") -> bool:
    """Measure what the cache lacks until the time is over. Whether all of it is there."""
    found: dict[str, Any] = json.loads(cache.read_text()) if cache.exists() else {}
    cache.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * minutes
    for key, cell, do in work(seconds):
        if key in found or only not in key:
            continue
        if time.monotonic() > end:
            return False
        try:
            found[key] = do(cell)
        except Exception as error:  # an engine that is not here, or that cannot compile: say so, and go on
            found[key] = {**vars(cell), "error": f"{type(error).__name__}: {error}".splitlines()[0][:160]}
        cache.write_text(json.dumps(found, indent=1))
        print(key, _line(found[key]), flush=True)
    return True


def _line(one: Mapping[str, Any]) -> str:
    if "error" in one:
        return str(one["error"])
    if "speed_up" not in one:
        return "done"
    return f"{one['speed_up']:.2f}x of {one['macs_ratio']:.2f}x = {one['share']:.0%}"


def report(found: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    lines = [f"On {processor()}, torch {torch.__version__}.", ""]
    head = ("network", "keep", "pixels", "batch", "form", "dense", "slim", "speed-up", "MACs ratio", "share")
    for title, cells in (("Speed-up", main_cells()), ("What was tried", tried_cells())):
        lines += [f"**{title}**", "", f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
        for cell in cells:
            one = found.get(cell.key)
            if one is None:
                continue
            form = cell.form + (f", widths a multiple of {cell.multiple}" if cell.multiple > 1 else "")
            form += "" if cell.threads == 2 else ", 1 thread"
            start = [cell.architecture, f"{cell.keep:g}", str(cell.image), str(cell.batch), form]
            if "error" in one:
                rest = ["-", "-", "-", "-", one["error"].partition(":")[0]]
            else:
                below = "" if one["share"] >= BAR else " (below 60 %)"
                rest = [
                    milliseconds(one["dense"]), milliseconds(one["slim"]), f"{one['speed_up']:.1f}x",
                    f"{one['macs_ratio']:.1f}x", f"{one['share']:.0%}{below}",
                ]  # fmt: skip
            lines.append(f"| {' | '.join([*start, *rest])} |")
        lines.append("")
    lines += ["**Where the time goes** (keep 0.2, one thread, as it is)", ""]
    kinds = [*KINDS, "other"]
    lines += [f"| network | {' | '.join(kinds)} | all |", "|---|" + "---:|" * (len(kinds) + 1)]
    for cell in profiled_cells():
        told = found.get(f"profile {cell.key}")
        name = f"{cell.architecture}, {cell.image} pixels, batch {cell.batch}"
        for which, spent in (told or {}).items():
            cells_ = [milliseconds(spent[kind]) for kind in kinds] + [milliseconds(sum(spent.values()))]
            lines.append(f"| {name}, {which} | {' | '.join(cells_)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".build/latency.json"), help="where results are kept")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing more after so long")
    parser.add_argument("--seconds", type=float, default=2.0, help="to spend on one cell, once 12 rounds are there")
    parser.add_argument("--only", default="", help="cells whose name has these words, such as 'vgg16_bn 0.2'")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    args = parser.parse_args()
    if not args.report and not run(args.cache, args.minutes, args.seconds, args.only):
        print("More is to be measured: give the same command again.")
    else:
        print(report(json.loads(args.cache.read_text())))


if __name__ == "__main__":
    main()

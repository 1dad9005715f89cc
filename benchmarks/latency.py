"""How much of the MACs ratio arrives as speed: slim beside dense, in turns, best on an idle machine.

    python -m benchmarks.latency --cache .build/latency.json --minutes 3    # again until all is there
    python -m benchmarks.latency --cache .build/latency.json --report      # the tables, of what is there

Networks are torchvision's with their 1,000 classes and random weights; of every channel group the first channels are
kept, as speed does not depend on which. Dense and slim run in the same form, so that the ratio is the pruning's alone.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.backbones.architectures import architecture
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.selection import Selection, kept_count
from core.channels.slim import slim
from core.reports.measure import FEWEST, WARM_UP, Network, processor, timed
from core.reports.tables import milliseconds
from core.runs.latency import Batch

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
    """What was tried where least arrives: other layouts, widths, engines, number formats; batch 32 of 64 pixels."""
    for name in ARCHITECTURES:
        base = Cell(name, 0.2, 64, 32)
        yield replace(base, form="contiguous")
        yield replace(base, form="folded")
        yield replace(base, form="folded", multiple=8)
        yield replace(base, form="folded", multiple=16)
        yield replace(base, form="onnxruntime")
        yield replace(base, form="compiled")
        yield replace(base, form="bfloat16")
        yield replace(base, threads=1)
        yield replace(base, form="folded", threads=1)


def profiled_cells() -> Iterator[Cell]:
    """What is looked into layer by layer, on one thread."""
    yield from (Cell(name, 0.2, 64, 32, threads=1) for name in ARCHITECTURES)
    yield Cell("vgg16_bn", 0.2, 224, 8, threads=1)


def gpu_cells() -> Iterator[Cell]:
    """What arrives on a GPU, which small work cannot fill."""
    for name in ARCHITECTURES:
        for keep in KEEPS:
            for form in GPU:
                yield from (Cell(name, keep, image, batch, form) for image in (224, 64) for batch in (256, 32, 1))


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


def _on_gpu(network: nn.Module, cell: Cell) -> Network:
    """The network on the GPU, over images that are there; a pass is over once its result is."""
    there = _channels_last(network).to("cuda", GPU[cell.form])

    def passed(images: Tensor) -> None:
        there(images)
        torch.cuda.synchronize()

    return passed


@torch.inference_mode()
def _as_graph(network: nn.Module, cell: Cell) -> Network:
    """The same with all of its kernels recorded and launched as one; over the images that it was recorded with."""
    there = _channels_last(network).to("cuda", GPU[cell.form])
    images = torch.zeros(cell.batch, 3, cell.image, cell.image, device="cuda", dtype=GPU[cell.form])
    images = images.contiguous(memory_format=torch.channels_last)
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # the libraries choose their kernels before any is recorded
        for _ in range(WARM_UP):
            there(images)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        there(images)

    def passed(_: Tensor, held: object = (there, images)) -> None:  # which the graph points to, but does not own
        graph.replay()
        torch.cuda.synchronize()

    return passed


GPU = {  # float32 convolutions are computed in TF32, as usual
    "GPU, float32": torch.float32,
    "GPU, float32, one graph": torch.float32,
    "GPU, bfloat16": torch.bfloat16,
    "GPU, bfloat16, one graph": torch.bfloat16,
}
FORMS: dict[str, Callable[[nn.Module, Cell], Network]] = {
    "as it is": lambda network, cell: _channels_last(network),
    "contiguous": lambda network, cell: network,
    "folded": lambda network, cell: _channels_last(folded(network)),
    "compiled": lambda network, cell: torch.compile(_channels_last(network)),
    "onnxruntime": _onnx,
    "bfloat16": _bfloat16,
    **{form: _as_graph if form.endswith("graph") else _on_gpu for form in GPU},
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
    if cell.form in GPU:
        images = images.to("cuda", GPU[cell.form])
    fewest = FEWEST if cell.image * cell.batch < 224 * 32 else 5  # which take seconds each
    found: Batch = timed(form(dense, cell), form(small, cell), images, seconds, fewest)
    return {
        **vars(cell), "rounds": found.rounds, "dense": found.dense.median, "slim": found.slim.median,
        "dense_quartiles": [found.dense.low, found.dense.high], "slim_quartiles": [found.slim.low, found.slim.high],
        "speed_up": found.speed_up, "macs_ratio": ratio, "share": found.speed_up / ratio, "torch": torch.__version__,
        "on": torch.cuda.get_device_name() if cell.form in GPU else processor(),
    }  # fmt: skip


KINDS = {
    "convolution": ("convolution", "conv2d"), "batch norm": ("batch_norm",), "ReLU": ("relu", "clamp"),
    "pooling": ("pool", "mean"), "linear": ("addmm", "linear"), "addition": ("add_", "aten::add"),
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
    if torch.cuda.is_available():
        yield from ((cell.key, cell, timing) for cell in gpu_cells())


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
    """The tables as Markdown: speed-up and, in brackets, the share of the MACs ratio that this is."""
    columns = [(image, batch) for image in (224, 64) for batch in (32, 8, 1)]
    head = ["network", "keep", "MACs ratio", *(f"{image} px, batch {batch}" for image, batch in columns)]
    rows = []
    for name in ARCHITECTURES:
        for keep in KEEPS:
            told = [found.get(Cell(name, keep, image, batch).key) for image, batch in columns]
            ratios = {f"{one['macs_ratio']:.1f}x" for one in told if one}
            rows.append([name, f"{keep:g}", " to ".join(sorted(ratios)), *map(_share, told)])
    lines = [f"On {processor()}, torch {torch.__version__}, 2 threads.", "", *_table(head, rows), ""]
    forms: dict[str, dict[str, Any]] = {}
    for cell in (*(Cell(name, 0.2, 64, 32) for name in ARCHITECTURES), *tried_cells()):
        forms.setdefault(_form(cell), {})[cell.architecture] = found.get(cell.key)
    head = ["keep 0.2, 64 px, batch 32", *ARCHITECTURES]
    rows = [[form, *(_share(told.get(name)) for name in ARCHITECTURES)] for form, told in forms.items()]
    lines += [*_table(head, rows), ""]
    kinds = [*KINDS, "other"]
    rows = []
    for cell in profiled_cells():
        for which, spent in (found.get(f"profile {cell.key}") or {}).items():
            name = f"{cell.architecture}, {cell.image} px, batch {cell.batch}, {which}"
            rows.append([name, *(milliseconds(spent[kind]) for kind in kinds), milliseconds(sum(spent.values()))])
    lines += _table(["keep 0.2, 1 thread", *kinds, "all"], rows)
    return "\n".join([*lines, *_on_gpus(found)])


def _on_gpus(found: Mapping[str, Any]) -> list[str]:
    """What was measured on a GPU, where something was."""
    cells = [cell for cell in gpu_cells() if "speed_up" in found.get(cell.key, {})]
    if not cells:
        return []
    columns = [(image, batch) for image in (224, 64) for batch in (256, 32, 1)]
    rows = [
        [name, f"{keep:g}", form, *(_share(found.get(Cell(name, keep, *column, form).key)) for column in columns)]
        for name, keep, form in dict.fromkeys((cell.architecture, cell.keep, cell.form) for cell in cells)
    ]
    head = ["network", "keep", "on", *(f"{image} px, batch {batch}" for image, batch in columns)]
    return ["", f"On {found[cells[0].key]['on']}, torch {found[cells[0].key]['torch']}.", "", *_table(head, rows)]


def _form(cell: Cell) -> str:
    multiple = f", widths a multiple of {cell.multiple}" if cell.multiple > 1 else ""
    return cell.form + multiple + (", 1 thread" if cell.threads == 1 else "")


def _share(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "not measured"
    return "cannot" if "error" in one else f"{one['speed_up']:.1f}x ({100 * one['share']:.0f} %)"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


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

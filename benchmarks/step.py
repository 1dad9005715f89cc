"""What a slim network's training step costs beside its MACs, and what other ways to take it would bring.

    python -m benchmarks.step [--rounds 3]

One thread, all ways in turns; `torch.compile` among them, which needs a C++ compiler and a minute to begin.
"""

import argparse
import time
from collections.abc import Callable
from copy import deepcopy
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.speed import BATCH, SIZE, STEPS, models
from core.channels.groups import parameters_and_macs
from core.pruning.optimizer import optimizer_for


def tried(rounds: int) -> Table:
    """The slim step in other ways: time, the dense step as it is over it, and that as a share of the MACs ratio."""
    torch.set_num_threads(1)
    table, networks = Table("a training step of one thread", "median", "dense / it", "of the MACs ratio"), models()
    macs = {name: parameters_and_macs(network, SIZE)[1] for name, network in networks.items()}
    steps = {
        "dense, as it is": training_step(networks["dense"]),
        "slim, as it is": training_step(networks["slim"]),
        "slim, each parameter updated by itself": training_step(networks["slim"], foreach=False),
        "slim, fused update (other bits)": training_step(networks["slim"], foreach=False, fused=True),
        "slim, contiguous": training_step(networks["slim"], layout=torch.contiguous_format),
        "dense, bfloat16": training_step(networks["dense"], half=True),
        "slim, bfloat16": training_step(networks["slim"], half=True),
    }
    began = time.perf_counter()
    compiled = training_step(networks["slim"], compiled=True)
    compiled()
    steps[f"slim, compiled in {time.perf_counter() - began:.0f} s"] = compiled
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds * STEPS + 2):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if turn >= 2:
                taken[name].append(time.perf_counter() - began)
    whole = median(taken["dense, as it is"])
    for name, times in taken.items():
        ratio = whole / median(times)
        share = "" if name.startswith("dense") else f"{ratio * macs['slim'] / macs['dense']:.0%}"
        table.add_row(name, f"{1000 * median(times):.0f} ms", f"{ratio:.1f}", share)
    spent = {name: convolutions(steps[f"{name}, as it is"]) for name in networks}
    ratio = spent["dense"][0] / spent["slim"][0]
    share = f"{ratio * macs['slim'] / macs['dense']:.0%}"
    part = spent["slim"][0] / spent["slim"][1]
    table.add_row("convolutions alone, slim, as it is", f"{part:.0%} of a step", f"{ratio:.1f}", share)
    return table


def training_step(
    model: nn.Module,
    layout: torch.memory_format = torch.channels_last,
    half: bool = False,
    compiled: bool = False,
    **update: bool,
) -> Callable[[], None]:
    """A closure that takes one training step of a copy of the network."""
    model = deepcopy(model).to(memory_format=layout)
    model.train()
    images, labels = torch.randn(BATCH, 3, SIZE, SIZE).contiguous(memory_format=layout), torch.randint(0, 5, (BATCH,))
    optimizer = optimizer_for(model, 0.001)
    if update:
        optimizer = torch.optim.SGD(model.parameters(), **(optimizer.defaults | {"foreach": None} | update))
    network = torch.compile(model) if compiled else model

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            output = network(images)
        loss = nn.functional.cross_entropy(output.float(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def convolutions(step: Callable[[], None], steps: int = 5) -> tuple[float, float]:
    """(microseconds in convolutions, forward and backward; microseconds in all) of some steps."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(steps):
            step()
    own = {event.key: event.self_cpu_time_total for event in profile.key_averages()}
    inside = sum(own.get(name, 0.0) for name in ("aten::convolution_backward", "aten::mkldnn_convolution"))
    return inside, sum(own.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    Console(width=120).print(tried(parser.parse_args().rounds))

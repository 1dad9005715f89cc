"""Where the time goes, as ratios within one run: `python -m benchmarks.speed [--rounds 5]`. Best on an idle machine.

1. From command to result: 60 iterations of `mvp` at keep ratio 0.2, in a fresh process.
2. One training step, dense against slim, beside the ratio of their MACs, on 1 and on 2 threads.
3. One training step of the slim network, two processes of one thread against one process of two.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from core.backbones.backbone import load_backbone
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.slim import slim
from core.pruning.optimizer import optimizer_for
from core.workers import in_processes
from core.zoo.zoo import open_zoo

BATCH, SIZE, STEPS = 64, 32, 12


def models() -> dict[str, nn.Module]:
    """The dense backbone, and a zoo task's selection of it."""
    zoo = open_zoo()
    dense = load_backbone().build(5)
    groups = channel_groups(dense, torch.zeros(1, 3, SIZE, SIZE))
    return {"dense": dense, "slim": slim(dense, groups, zoo.selection(zoo.tasks[0].id))}


def step_seconds(model: nn.Module, threads: int, steps: int = STEPS) -> float:
    """Median seconds of a training step after two to warm up."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    images = torch.randn(BATCH, 3, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 5, (BATCH,))
    optimizer, taken = optimizer_for(model, 0.001), []
    model.train()
    for _ in range(steps + 2):
        began = time.perf_counter()
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        taken.append(time.perf_counter() - began)
    return median(taken[2:])


def slim_step(threads: int) -> float:
    """Median seconds of a step of the slim network, in a process of its own."""
    return step_seconds(models()["slim"], threads, 4 * STEPS)


def command_seconds() -> float:
    """Wall seconds of the headline command, in a store of its own."""
    command = ["prune", "emoji-t03", "--method", "mvp", "--keep", "0.2", "--iterations", "60", "--seed", "0", "--json"]
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "core", *command], check=True, capture_output=True,
            env={**os.environ, "METAVOTE_HOME": home},
        )  # fmt: skip
        return time.perf_counter() - began


def main() -> None:
    """Measure in turns, so that a busy moment falls on both sides of a ratio, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    table = Table("what", "figure")
    found = [command_seconds() for _ in range(min(3, rounds))]
    table.add_row("command to result, 60 iterations of mvp", f"{min(found):.1f} to {max(found):.1f} s")
    networks = models()
    macs = {name: parameters_and_macs(network, SIZE)[1] for name, network in networks.items()}
    table.add_row("MACs, dense / slim", f"{macs['dense'] / macs['slim']:.1f}")
    for threads in (1, 2):
        pairs = [{name: step_seconds(network, threads) for name, network in networks.items()} for _ in range(rounds)]
        ratio = median(pair["dense"] / pair["slim"] for pair in pairs)
        slim_ms = 1000 * median(pair["slim"] for pair in pairs)
        share = ratio * macs["slim"] / macs["dense"]
        table.add_row(
            f"training step, dense / slim, {threads} thread{'s' * (threads > 1)}",
            f"{ratio:.1f} = {share:.0%} of the MACs ratio (slim {slim_ms:.0f} ms)",
        )
    gains = []
    for _ in range(rounds):
        two = median(seconds for _, seconds in in_processes(slim_step, [1, 1], 2, threads=1)) / 2
        ((_, one),) = in_processes(slim_step, [2], 1, threads=2)
        gains.append(one / two)
    table.add_row("slim steps a second, 2 processes x 1 thread / 1 process x 2 threads", f"{median(gains):.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

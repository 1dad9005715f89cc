"""Events for the worker to consume: some that train a real, tiny network, some that only behave in one way."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Checkpoint, Evaluation, Event, Finished, PhaseChanged, Slimmed, Step

if TYPE_CHECKING:
    import torch

CHECKPOINT_EVERY = 6


def finished(iteration: int, accuracy: float = 0.5) -> Finished:
    slim, dense = {"params": 10, "macs": 20, "channel_sparsity": 0.8}, {"params": 100, "macs": 200}
    return Finished(iteration, accuracy, {"seconds": 1.0}, {"keep": 0.2}, slim, dense, 1.0)


def counting(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
    """As many steps as the config has iterations, at once."""
    for iteration in range(1, config.iterations + 1):
        yield Step(iteration, 1 / iteration, 0.02, 0.0)
    yield finished(config.iterations)


def endless(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
    """Steps that never end."""
    iteration = 0
    while True:
        iteration += 1
        yield Step(iteration, 1.0, 0.02, 0.0)
        time.sleep(0.02)


def silent(config: RunConfig, checkpoint: Checkpoint | None) -> Iterator[Event]:
    """A phase that takes a minute and says nothing."""
    yield PhaseChanged("neighbours", 0, 0.0)
    with contextlib.suppress(Exception):  # as careless code does
        time.sleep(60)
    yield finished(0)


def training(config: RunConfig, checkpoint: Checkpoint | None, pace: float = 0.0) -> Iterator[Event]:
    """A small network with dropout, trained with momentum; everything drawn depends on the seed and iteration alone."""
    import torch

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(16, 32),
        torch.nn.BatchNorm1d(32),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(32, 5),
    )
    optimizer = torch.optim.SGD(network.parameters(), config.learning_rate, momentum=0.9)
    done = 0
    if checkpoint is None:
        yield PhaseChanged("fine-tuning", 0, 0.0)
    else:
        done = checkpoint.iteration
        restore(network, optimizer, checkpoint)
    for iteration in range(done + 1, config.iterations + 1):
        torch.manual_seed(config.seed * 1_000_003 + iteration)
        images, labels = torch.randn(64, 16), torch.randint(5, (64,))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        yield Step(iteration, loss.item(), config.learning_rate, 0.0)
        time.sleep(pace)
        if iteration % CHECKPOINT_EVERY == 0:
            yield Evaluation(iteration, 0.5, loss.item(), 0.0)
            yield Checkpoint(iteration, state_of(network, optimizer), {"seed": config.seed, "engine": ENGINE})
    yield Slimmed(network.state_dict())
    yield finished(config.iterations, float(next(network.parameters()).detach().double().sum()) % 1)


def state_of(network: "torch.nn.Module", optimizer: "torch.optim.Optimizer") -> dict[str, "torch.Tensor"]:
    momentum = {
        f"momentum.{number}": optimizer.state[parameter]["momentum_buffer"]
        for number, parameter in enumerate(network.parameters())
    }
    return {f"network.{name}": tensor for name, tensor in network.state_dict().items()} | momentum


def restore(network: "torch.nn.Module", optimizer: "torch.optim.Optimizer", checkpoint: Checkpoint) -> None:
    state = checkpoint.state
    prefix = "network."
    network.load_state_dict({name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)})
    for number, parameter in enumerate(network.parameters()):
        optimizer.state[parameter]["momentum_buffer"] = state[f"momentum.{number}"].clone()


def save_tensors(model: Any, path: Path) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model, path)

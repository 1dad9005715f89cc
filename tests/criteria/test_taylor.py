"""Taylor importance: its formula against autograd through explicit gates, its ranking against brute-force removal."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from core.channels.groups import ChannelGroups, channel_groups
from core.channels.masking import mask
from core.channels.selection import Selection
from core.criteria.scores import layer_values
from core.criteria.taylor import Taylor, gate_derivative
from core.pruning.images import batch_rows, normalised
from core.tasks.catalogue import task
from core.tasks.data import load_task
from tests.networks import network


class Gated(nn.Module):
    """A plain network whose channels can be multiplied by explicit gates, before the activation."""

    def __init__(self, width: int = 12, classes: int = 3, size: int = 32) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width, 3, stride=2, padding=1)  # no BatchNorm
        self.hidden = nn.Linear(width, width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor, gates: dict[str, Tensor] | None = None) -> Tensor:
        def gate(name: str, value: Tensor) -> Tensor:
            given = (gates or {}).get(name)
            return value if given is None else value * given.view(1, -1, *[1] * (value.dim() - 2))

        x = gate("bn1", self.bn1(self.conv1(x))).relu()
        x = gate("bn2", self.bn2(self.conv2(x))).relu()
        x = gate("conv3", self.conv3(x)).relu().mean((2, 3))
        return self.fc(gate("hidden", self.hidden(x)).relu())


LAYERS = {"conv1": "bn1", "conv2": "bn2", "conv3": "conv3", "hidden": "hidden"}  # group -> its gate
WIDTH = 12


@pytest.fixture
def gated() -> tuple[Gated, ChannelGroups]:
    torch.manual_seed(0)
    model = Gated()
    for norm in (model.bn1, model.bn2):
        nn.init.uniform_(norm.weight, 0.3, 1.5)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
    groups = channel_groups(model, torch.zeros(2, 3, 32, 32))
    assert list(groups.sizes) == list(LAYERS)
    return model, groups


def batch(seed: int) -> tuple[Tensor, Tensor]:
    return torch.randn(9, 3, 32, 32, generator=torch.Generator().manual_seed(seed)), torch.arange(9) % 3


def gate_gradients(model: Gated, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """dL/dgate by autograd, all gates at 1."""
    gates = {name: torch.ones(WIDTH, requires_grad=True) for name in LAYERS.values()}
    nn.functional.cross_entropy(model(x, gates), y).backward()
    return {name: gate.grad for name, gate in gates.items() if gate.grad is not None}


@pytest.mark.parametrize("training", [True, False])
def test_the_formula_is_the_derivative_with_respect_to_an_explicit_gate(
    gated: tuple[Gated, ChannelGroups], training: bool
) -> None:
    model, _ = gated
    model.train(training)
    x, y = batch(0)
    expected = gate_gradients(model, x, y)
    model.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    for name, value in expected.items():
        torch.testing.assert_close(gate_derivative(model.get_submodule(name)), value, rtol=1e-3, atol=1e-6)


def test_scores_are_squares_averaged_over_batches_not_the_square_of_an_average(
    gated: tuple[Gated, ChannelGroups],
) -> None:
    model, groups = gated
    model.eval()
    seen, squares = Taylor(groups), {name: torch.zeros(WIDTH) for name in LAYERS.values()}
    for seed in range(3):
        x, y = batch(seed)
        for name, value in gate_gradients(model, x, y).items():
            squares[name] += value**2 / 3
        model.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        seen.see(model, Selection.full(groups.sizes))
    scores = seen.scores(Selection.full(groups.sizes))
    for group, name in LAYERS.items():
        np.testing.assert_allclose(scores[group], (squares[name] / squares[name].sum()).numpy(), rtol=2e-3, atol=1e-7)


def test_a_frozen_parameter_adds_nothing_and_forgetting_starts_anew(gated: tuple[Gated, ChannelGroups]) -> None:
    model, groups = gated
    model.conv3.bias.requires_grad_(False)
    x, y = batch(0)
    nn.functional.cross_entropy(model(x), y).backward()
    seen = Taylor(groups)
    seen.see(model, Selection.full(groups.sizes))
    assert seen.batches == 1 and seen.scores(Selection.full(groups.sizes))["conv3"].sum() == pytest.approx(1)
    seen.clear()
    assert seen.batches == 0 and seen.state == {}


def trained_on_emoji() -> tuple[Gated, Tensor, Tensor]:
    """A small network after a few epochs of a real task; unfinished, so that channels differ in worth."""
    data = load_task(task("emoji", ["arrow", "body-parts", "face-neutral"]))
    images, labels = normalised(data.train, (0.8, 0.75, 0.7), (0.3, 0.3, 0.3))
    torch.manual_seed(0)
    model = Gated()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for i in range(60):
        rows = batch_rows(len(labels), 32, i, seed=0)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
    return model.eval(), images, labels


def test_taylor_ranks_channels_as_brute_force_removal_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Per group: squared change of the loss when one channel is silenced, against its Taylor score."""
    model, images, labels = trained_on_emoji()
    groups = channel_groups(model, images[:2])
    seen = Taylor(groups)
    for part, y in zip(images.split(32), labels.split(32), strict=True):
        model.zero_grad()
        nn.functional.cross_entropy(model(part), y).backward()
        seen.see(model, Selection.full(groups.sizes))
    scores = seen.scores(Selection.full(groups.sizes))
    correlations = {}
    with torch.no_grad():
        whole = nn.functional.cross_entropy(model(images), labels)
        for group, name in LAYERS.items():
            changes = []
            for channel in range(WIDTH):
                gate = torch.ones(WIDTH)
                gate[channel] = 0
                changes.append(float((nn.functional.cross_entropy(model(images, {name: gate}), labels) - whole) ** 2))
            correlations[group] = float(spearmanr(scores[group], changes).statistic)
    mean = sum(correlations.values()) / len(correlations)
    with capsys.disabled():
        each = ", ".join(f"{group} {value:.2f}" for group, value in correlations.items())
        print(f"\nTaylor against removal, Spearman rank correlation: {each}; mean {mean:.2f}")
    assert mean > 0.5
    assert min(correlations.values()) > 0


def gated_by_hooks(model: nn.Module, groups: ChannelGroups, title: str) -> Tensor:
    """Gates [n] that multiply what the heads of an attention, or the conv groups of a grouped convolution, put out."""
    gates = torch.ones(groups.sizes[title], dtype=torch.float64, requires_grad=True)
    if title.endswith("self_attention"):
        layer, dim = model.get_submodule(f"{title}.mix"), -1
    else:
        layer, dim = model.get_submodule(groups.gates[title][-1]), 1

    def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        each = gates.repeat_interleave(output.shape[dim] // len(gates))
        return output * (each if dim == -1 else each.view(1, -1, 1, 1))

    layer.register_forward_hook(hook)
    return gates


@pytest.mark.parametrize(
    "name, title",
    [("tiny vit", "encoder.layers.encoder_layer_1.self_attention"), ("resnext50_32x4d", "layer2.0.conv1")],
)
def test_a_channel_of_many_rows_has_one_gate_on_all_of_them(name: str, title: str) -> None:
    model, size = network(name)
    model = model.double().eval()
    groups = channel_groups(model, torch.zeros(2, 3, size, size))
    x = torch.randn(5, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gates = gated_by_hooks(model, groups, title)
    nn.functional.cross_entropy(model(x), torch.arange(5)).backward()
    seen, layer = Taylor(groups), (groups.gates[title] or groups.producers[title])[-1]
    full = Selection.full(groups.sizes)
    seen.see(model, full)
    assert gates.grad is not None
    np.testing.assert_allclose(layer_values(seen.state[layer], layer, title, groups, full), gates.grad**2, rtol=1e-6)


def trained_on(model: nn.Module, images: Tensor, labels: Tensor) -> nn.Module:
    """The network after 80 small steps, in eval mode."""
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for i in range(80):
        rows = batch_rows(len(labels), 32, i, seed=0)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny vit", "squeezenet1_1"])
def test_taylor_ranks_heads_hidden_units_and_fire_channels_as_removal_does(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Per group, of 12 channels at most: squared change of the loss when one is silenced, against its Taylor score."""
    data = load_task(task("emoji", ["arrow", "body-parts", "face-neutral", "tool", "hand"]))
    images, labels = (part[:240] for part in normalised(data.train, (0.8, 0.75, 0.7), (0.3, 0.3, 0.3)))
    model = trained_on(network(name)[0], *normalised(data.train, (0.8, 0.75, 0.7), (0.3, 0.3, 0.3)))
    groups = channel_groups(model, images[:2])
    seen, full = Taylor(groups), Selection.full(groups.sizes)
    for part, y in zip(images.split(32), labels.split(32), strict=True):
        model.zero_grad()
        nn.functional.cross_entropy(model(part), y).backward()
        seen.see(model, full)
    scores, found = seen.scores(full), {}
    with torch.no_grad():
        whole = nn.functional.cross_entropy(model(images), labels)
        for title, size in groups.sizes.items():
            some = np.linspace(0, size - 1, min(size, 12)).astype(int)
            changes = []
            for channel in some:
                kept = {**full.kept, title: tuple(c for c in range(size) if c != channel)}
                silent = mask(model, groups, Selection(kept, groups.sizes))
                changes.append(float((nn.functional.cross_entropy(silent(images), labels) - whole) ** 2))
            found[title] = float(spearmanr(scores[title][some], changes).statistic)
    mean = float(np.nanmean(list(found.values())))
    with capsys.disabled():
        print(f"\nTaylor against removal on {name}: mean Spearman {mean:.2f} over {len(found)} groups")
    assert mean > 0.5


def test_a_layer_without_a_gradient_has_gates_of_no_importance() -> None:
    layer = nn.Conv2d(3, 4, 1)
    assert torch.equal(gate_derivative(layer), torch.zeros(4))

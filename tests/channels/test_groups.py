"""Channel groups: what must be removed together, in every kind of network; and what is refused."""

import pytest
import torch
from torch import Tensor, nn

from core.backbones.architectures import ARCHITECTURES, adapted
from core.channels.groups import channel_groups, parameters_and_macs
from core.channels.masking import mask
from core.channels.selection import Selection
from core.channels.slim import slim
from core.errors import UnsupportedError
from tests.channels.test_slim import drawn
from tests.channels.twin import twin_groups
from tests.networks import Concatenated, network


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1", "concatenated", "vgg11", "resnet50"]
)
def test_groups_are_those_that_another_library_finds_index_by_index(name: str) -> None:
    model, size = network(name)
    groups = channel_groups(model, torch.zeros(1, 3, size, size))
    sizes, producers, axes = twin_groups(model, torch.zeros(1, 3, size, size))
    assert list(groups.sizes.items()) == list(sizes.items())
    assert {title: list(layers) for title, layers in groups.producers.items()} == producers
    mine = {
        (tensor, dim): (axis.group.tolist(), axis.channel.tolist())
        for tensor, by in groups.axes.items()
        for dim, axis in by.items()
    }
    assert mine == axes


def groups_of(model: nn.Module, size: int = 16):  # type: ignore[no-untyped-def]
    return channel_groups(model, torch.zeros(2, 3, size, size))


def test_a_grouped_convolution_loses_whole_conv_groups() -> None:
    model, size = network("resnext50_32x4d")
    groups = groups_of(model, size)
    assert groups.sizes["layer1.0.conv1"] == 32 and groups.producers["layer1.0.conv1"] == (
        "layer1.0.conv1",
        "layer1.0.conv2",
    )
    axis = groups.axes["layer1.0.conv2.weight"][0]
    assert axis.channel.tolist() == [row // 4 for row in range(128)] and 1 not in groups.axes["layer1.0.conv2.weight"]
    small = slim(model, groups, drawn(groups.sizes, 0.25))
    assert (small.layer1[0].conv2.groups, small.layer1[0].conv2.in_channels, small.layer1[0].conv2.out_channels) == (
        8,
        32,
        32,
    )


def test_squeeze_and_excitation_goes_with_its_block_and_its_hidden_width_is_a_group_of_its_own() -> None:
    model, size = network("mobilenet_v3_small")
    groups = groups_of(model, size)
    assert groups.producers["features.4.block.0.0"] == (
        "features.4.block.0.0", "features.4.block.1.0", "features.4.block.2.fc2",
    )  # fmt: skip
    assert groups.producers["features.4.block.2.fc1"] == ("features.4.block.2.fc1",)


def test_attention_heads_are_channels_with_their_queries_keys_values_and_what_reads_them() -> None:
    model, size = network("tiny vit")
    groups = groups_of(model, size)
    layer = "encoder.layers.encoder_layer_0"
    assert list(groups.sizes)[:2] == [f"{layer}.self_attention", f"{layer}.mlp.0"]
    assert (groups.sizes[f"{layer}.self_attention"], groups.sizes[f"{layer}.mlp.0"]) == (4, 48)
    heads = [row // 8 for row in range(32)]
    assert groups.axes[f"{layer}.self_attention.in_proj_weight"][0].channel.tolist() == heads * 3
    assert groups.axes[f"{layer}.self_attention.out_proj.weight"][1].channel.tolist() == heads
    assert "conv_proj.weight" not in groups.axes  # the embedding stays whole
    small = slim(model, groups, Selection(dict.fromkeys(groups.sizes, (0, 2, 3)), groups.sizes))
    attention = small.encoder.layers[0].self_attention
    assert attention.heads == 3 and attention.out_proj.in_features == 24 and attention.in_proj_weight.shape == (72, 32)


def test_layer_norm_and_layer_scale_go_with_the_channels_they_scale() -> None:
    model, size = network("tiny convnext")
    groups = groups_of(model, size)
    stem = "features.0.0"
    assert groups.sizes[stem] == 12 and groups.gates[stem] == ("features.0.1", "features.1.0.block.2", "features.2.0")
    assert groups.axes["features.1.0.layer_scale"][0].channel.tolist() == list(range(12))
    assert groups.producers[stem] == ("features.0.0", "features.1.0.block.0", "features.1.0.block.5")
    assert groups.sizes["features.1.0.block.3"] == 48 and groups.gates["features.1.0.block.3"] == ()


def test_a_normalisation_without_weights_goes_along_but_is_no_gate() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8, affine=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x).sigmoid() * x

    groups = groups_of(Own(Plain()))
    assert groups.gates["first"] == () and 0 in groups.axes["between.norm.running_mean"]
    agree(Own(Plain()))


def test_every_reader_of_a_dense_block_knows_who_gave_which_channel() -> None:
    model, size = network("densenet121")
    groups = groups_of(model, size)
    axis = groups.axes["features.denseblock1.denselayer3.conv1.weight"][1]
    titles = [list(groups.sizes)[number] for number in axis.group]
    grown = [f"features.denseblock1.denselayer{n}.conv2" for n in (1, 2)]
    assert titles == ["features.conv0"] * 64 + [grown[0]] * 32 + [grown[1]] * 32
    assert axis.channel.tolist() == [*range(64), *range(32), *range(32)]


class Own(nn.Module):
    """Whatever is given, between two convolutions and in front of a head."""

    def __init__(self, between: nn.Module, channels: int = 8, flat: int | None = None) -> None:
        super().__init__()
        self.first, self.between, self.second = nn.Conv2d(3, 8, 3, padding=1), between, nn.Conv2d(channels, 6, 1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.between(self.first(x))).relu().mean((2, 3)))


class Act(nn.Module):
    """A function of one tensor."""

    def __init__(self, act) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


class Half(nn.Module):
    """Another half through a layer, joined again: two groups out of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(x)], 1)


def agree(model: nn.Module, size: int = 16) -> None:
    """Slim equals masked, and something was removed."""
    model = model.double().eval()
    x = torch.randn(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    groups = channel_groups(model, x)
    selection = drawn(groups.sizes, 0.5)
    with torch.no_grad():
        masked, small = mask(model, groups, selection)(x), slim(model, groups, selection)(x)
    assert (masked - small).abs().max() <= 1e-10 * masked.abs().max()


@pytest.mark.parametrize(
    "between, channels",
    [
        (nn.ReLU(), 8),
        (Half(), 16),
        (Act(lambda x: x * x.sigmoid()), 8),
        (Act(lambda x: nn.functional.max_pool2d(x, 2)), 8),
        (Act(lambda x: x * x.mean(1, keepdim=True).sigmoid()), 8),
        (Act(lambda x: nn.functional.gelu(x) * 2), 8),
        (Act(lambda x: x * x.mean((2, 3))[:, :, None, None].sigmoid()), 8),
        (Act(lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)), 8),
        (Act(lambda x: x.flatten(2).transpose(1, 2).transpose(1, 2).reshape(x.shape)), 8),
        (nn.Conv2d(8, 16, 3, padding=1, groups=4), 16),
        (nn.Conv2d(8, 16, 3, padding=1, groups=8), 16),
    ],
    ids=str,
)
def test_what_lets_channels_through_is_followed(between: nn.Module, channels: int) -> None:
    torch.manual_seed(0)
    model = Own(between, channels)
    groups = groups_of(model)
    assert "second" in groups.sizes
    agree(model)


@pytest.mark.parametrize(
    "act, channels",
    [
        (lambda x: x.sigmoid(), 8),  # a silent channel would say one half
        (lambda x: x + 1, 8),
        (lambda x: x.softmax(1), 8),
        (lambda x: x.flip(1), 8),
        (lambda x: x[:, :4], 4),
        (lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), 8),
        (
            lambda x: x.view(x.shape[0], 2, 4, x.shape[2], x.shape[3]).transpose(1, 2).flatten(1, 2),
            8,
        ),  # a shuffle, its sizes written down
        (lambda x: x.reshape(x.shape[0], 8, x.shape[2], x.shape[3]), 8),
        (lambda x: x @ x.transpose(2, 3), 8),
    ],
    ids=["sigmoid", "plus one", "softmax", "flip", "slice", "chunk", "shuffle", "written size", "product"],
)
def test_channels_that_meet_what_is_not_understood_are_never_removed(act, channels: int) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    model = Own(Act(act), channels)
    assert list(groups_of(model).sizes) == ["second"]
    agree(model)


def test_a_layer_may_compute_several_groups() -> None:
    class Partly(nn.Module):
        """Ten channels meet four of one layer and six of another."""

        def __init__(self) -> None:
            super().__init__()
            self.ten, self.four, self.six = nn.Conv2d(3, 10, 1), nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 1)
            self.head = nn.Linear(10, 2)

        def forward(self, x: Tensor) -> Tensor:
            first = torch.cat([self.four(x), self.six(x)], 1)
            return self.head((first + self.ten(x)).relu().mean((2, 3)))

    model = Partly()
    groups = groups_of(model)
    assert dict(groups.sizes) == {"ten": 4, "ten#2": 6}  # the second has a name of its own
    assert groups.producers == {"ten": ("ten", "four"), "ten#2": ("ten", "six")}
    agree(model)


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).mean((2, 3))
        return self.head(x if x.sum() > 0 else -x)


def test_what_cannot_be_traced_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="Branching cannot be traced"):
        groups_of(Branching())


@pytest.mark.parametrize(
    "layer", [nn.ConvTranspose2d(8, 8, 1), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True), nn.PReLU()]
)
def test_a_layer_of_an_unsupported_type_is_refused_by_name(layer: nn.Module) -> None:
    with pytest.raises(
        UnsupportedError, match=f"The layer between is a {type(layer).__name__}, which cannot be pruned"
    ):
        groups_of(Own(layer))


def test_attention_over_something_else_is_refused_by_name() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.attend, self.head = (
                nn.Conv2d(3, 8, 4, stride=4),
                nn.MultiheadAttention(8, 2, batch_first=True),
                nn.Linear(8, 2),
            )

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x).flatten(2).transpose(1, 2)
            return self.head(self.attend(x, x.relu(), x)[0].mean(1))

    with pytest.raises(UnsupportedError, match="The attention attend is cross-attention or uses a mask"):
        groups_of(adapted(Cross()))


def test_a_network_in_which_nothing_can_be_removed_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="Sequential has no channel that can be removed"):
        groups_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)))


def test_images_of_a_size_that_a_network_cannot_take_are_refused_with_the_size() -> None:
    with pytest.raises(UnsupportedError, match="Concatenated cannot take images of 5 × 16 × 16"):
        channel_groups(Concatenated(), torch.zeros(1, 5, 16, 16))


def test_looking_for_groups_changes_nothing_and_draws_nothing() -> None:
    model, size = network("mobilenet_v2")
    model.train()
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.random.get_rng_state()
    groups_of(model, size)
    parameters_and_macs(model, size)
    assert model.training and torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert "mobilenet_v2" in ARCHITECTURES

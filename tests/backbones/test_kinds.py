"""A layer is torch's if torch's code runs in it, wherever its class was written and whatever it is called."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from core.backbones.attention import Attention, open_attention
from core.backbones.kinds import KINDS, kind_of, names_of, replace, replaced_on


class Renamed(nn.Conv2d):
    """torch's, with settings of its own."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3, padding=1)

    def extra_repr(self) -> str:
        return "renamed"

    def doubled(self) -> int:
        return 2 * self.out_channels


class Mixed:
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class ByMixin(Mixed, nn.ReLU):
    pass


class ByPart(nn.Conv2d):
    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(x, weight.abs(), bias)


class ByProperty(nn.LeakyReLU):
    @property
    def negative_slope(self) -> float:  # type: ignore[override]
        return -1.0

    @negative_slope.setter
    def negative_slope(self, value: float) -> None:
        pass


class ByAttribute(nn.ReLU):
    inplace = True


class ByLookup(nn.ReLU):
    def __getattr__(self, name: str) -> object:
        return super().__getattr__(name)


@pytest.mark.parametrize("name", ["torch.nn", "torch.nn.modules.activation", "torchvision.models", "mine"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: ByMixin(), lambda: ByPart(3, 3, 1), lambda: ByProperty(), lambda: ByAttribute(),
        lambda: ByLookup(),
    ],
)  # fmt: skip
def test_a_subclass_that_computes_otherwise_is_no_layer_of_torchs(make: Callable[[], nn.Module], name: str) -> None:
    layer = make()
    own = type(type(layer).__name__, (type(layer),), {"__module__": name})
    layer.__class__ = own
    assert kind_of(layer) is None


@pytest.mark.parametrize("name", ["forward", "_conv_forward", "_call_impl", "__call__"])
def test_a_method_on_the_instance_makes_it_no_layer_of_torchs(name: str) -> None:
    layer = nn.Conv2d(3, 3, 1)
    vars(layer)[name] = lambda *given: given[0]
    assert kind_of(layer) is None and replaced_on(layer) == [name]


def test_a_subclass_that_changes_nothing_is_the_layer() -> None:
    assert kind_of(Renamed(3)) is nn.Conv2d
    assert kind_of(nn.modules.linear.NonDynamicallyQuantizableLinear(3, 3)) is (
        nn.modules.linear.NonDynamicallyQuantizableLinear
    )
    assert kind_of(LayerNorm2d(3)) is LayerNorm2d


def test_containers_and_modules_of_ones_own_are_no_layers() -> None:
    assert kind_of(nn.Sequential()) is kind_of(nn.ModuleList()) is kind_of(nn.Module()) is None


@pytest.mark.filterwarnings("ignore")
def test_every_layer_of_torch_that_is_made_without_settings_is_itself() -> None:
    made = 0
    for kind in KINDS:
        try:
            layer = kind()
        except Exception:
            continue
        made += 1
        assert kind_of(layer) is kind and replaced_on(layer) == []
    assert made > 40


def test_compiling_in_place_replaces_nothing() -> None:
    layer = nn.ReLU()
    layer.compile()
    assert kind_of(layer) is nn.ReLU and replaced_on(layer) == []


def test_a_module_is_replaced_under_every_name() -> None:
    old, new = nn.ReLU(), nn.SiLU()
    model = nn.Sequential(old, nn.Sequential(old), nn.Tanh())
    replace(model, old, new)
    assert [name for name, each in names_of(model) if each is new] == ["0", "1.0"]


def test_attention_that_computes_otherwise_is_not_opened() -> None:
    class Doubled(nn.MultiheadAttention):
        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x, x, x)[0] * 2

    model = nn.Sequential(Doubled(8, 2, batch_first=True), nn.MultiheadAttention(8, 2, batch_first=True))
    assert [type(each) for each in open_attention(model)] == [Doubled, Attention]
    assert model[0](torch.zeros(1, 2, 8)).shape == (1, 2, 8)

"""How much of a network a checkpoint has to fill, and that nothing random is recorded as trained."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.backbones import listing
from core.backbones.adding import Wanted, add_checkpoint
from core.backbones.architectures import architecture
from core.backbones.backbone import load_backbone, save_backbone
from core.backbones.coverage import LEAST_FILLED, Coverage, filling_of, weights_words
from core.backbones.values import as_drawn
from core.errors import BadFileError, BadValueError
from tests.backbones.made import State, network_state
from tests.backbones.test_adding import real_state
from tests.engine import random_backbone


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def added(folder: Path, state: State, name: str = "resnet18", **wanted: Any) -> Any:
    torch.save(state, folder / "net.pth")
    return add_checkpoint(folder / "net.pth", name, wanted=Wanted("mine", partial=True, **wanted))


def only(part: Callable[[str, torch.Tensor], bool]) -> State:
    return {key: value for key, value in real_state().items() if part(key, value)}


def as_all(value: float) -> State:
    return {key: torch.full_like(one, value) for key, one in real_state().items()}


TOO_LITTLE = {
    "Hugging Face's names": lambda: {f"resnet.embedder.{key}.x": value for key, value in real_state().items()},
    "the head alone": lambda: only(lambda key, _: key.startswith("fc.")),
    "counters alone": lambda: only(lambda key, _: key.endswith("num_batches_tracked")),
    "BatchNorm alone": lambda: only(lambda _, value: value.dim() < 2),
    "convolutions alone": lambda: only(lambda _, value: value.dim() > 1),
    "without the last stage": lambda: only(lambda key, _: not key.startswith("layer4.")),
    "zeros": lambda: as_all(0.0),
    "ones": lambda: as_all(1.0),
    "a ResNet-50 of the same names": lambda: network_state("resnet50"),
    "the last stage constant": lambda: {
        key: torch.full_like(value, 0.1) if key.startswith("layer4.") and value.dim() > 1 else value
        for key, value in real_state().items()
    },
}


@pytest.mark.parametrize("case", TOO_LITTLE)
@pytest.mark.parametrize("source", ["supervised", "self-supervised", "random", None])
def test_a_checkpoint_that_fills_too_little_is_no_backbone(
    tmp_path: Path, home: Path, case: str, source: str | None
) -> None:
    with pytest.raises(BadFileError, match=r"\d+ of 100 entries and [\d.]+ % of the parameters filled") as refused:
        added(tmp_path, TOO_LITTLE[case](), source=source)
    assert "50 % of each" in str(refused.value) or "chance match, as only 77 of 298 entries" in str(refused.value)
    assert "--partial" not in str(refused.value) and not list(home.rglob("*.safetensors"))


def test_weights_of_another_layout_of_layers_do_not_pass_by_the_size_of_the_classifier(
    tmp_path: Path, home: Path
) -> None:
    """VGG's first linear layers hold 9 of 10 parameters: with them alone all convolutions would be random."""
    state = network_state("vgg11")
    with pytest.raises(BadFileError, match="of 52 entries and 9.* % of the parameters filled.*looks like vgg11:"):
        added(tmp_path, state, "vgg11_bn", source="supervised")


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), st.floats(0, 1), st.booleans())
def test_less_than_the_least_is_never_enough(
    filled: int, missing: int, reshaped: int, unexpected: int, share: float, whole: bool
) -> None:
    keys = [tuple(map(str, range(number))) for number in (missing, reshaped, unexpected)]
    wanted = filled + missing + reshaped
    params = 1000 if whole else int(1000 * share)
    one = Coverage("plain", "plain", "net", "", "", wanted, filled, 1000, params, *keys)
    if not one.shortfall:
        assert filled >= LEAST_FILLED * wanted and params >= LEAST_FILLED * 1000
        assert filled == wanted or filled >= LEAST_FILLED * (filled + reshaped + unexpected)
    if not (missing or reshaped or unexpected) and whole:
        assert not one.shortfall


def test_how_much_is_filled_is_recorded_and_said(tmp_path: Path, home: Path) -> None:
    state = only(lambda key, _: not key.startswith(("layer1.", "layer2.")))
    made = added(tmp_path, state, source="supervised")
    assert made.coverage.sentence == (
        "55 of 100 entries and 94.0 % of the parameters filled; missing: layer1.0.conv1.weight and 44 more"
    )
    about = listing.about("mine")
    assert about.to_dict()["filled"] == {
        "entries": 55, "of_entries": 100, "params": 10_502_976, "of_params": 11_176_512,
    }  # fmt: skip
    said = "supervised weights (55 of 100 entries and 94.0 % of the parameters filled, 45 entries drawn at random)"
    assert weights_words(about.source, about.about) == said
    drawn = load_backbone("mine").about["drawn_at_random"]
    assert isinstance(drawn, list) and len(drawn) == 45


def test_a_file_that_records_no_parameters_still_opens(home: Path) -> None:
    """As earlier versions wrote them."""
    made = random_backbone()
    for name, coverage in (("old", {"filled": 77, "wanted": 100}), ("older", None)):
        about = {"drawn_at_random": ["a", "b"], **({"coverage": coverage} if coverage else {})}
        save_backbone(
            home / "backbones" / f"{name}.safetensors", made.tensors, architecture="resnet18", source="supervised",
            mean=list(made.mean), std=list(made.std), size=32, about=about,
        )  # fmt: skip
    old, older = listing.about("old"), listing.about("older")
    assert old.filling is not None and (old.filling.words, old.filling.share) == ("77 of 100 entries", 0.77)
    assert json.loads(json.dumps(old.to_dict()))["filled"]["params"] is None
    said = "supervised weights (77 of 100 entries filled, 2 entries drawn at random)"
    assert weights_words(old.source, old.about) == said
    assert older.filling is None and weights_words(older.source, older.about) == "supervised weights"
    assert filling_of({"coverage": "all"}) is None


NETWORKS = ("resnet18", "mobilenet_v2", "squeezenet1_1", "mnasnet0_5", "alexnet")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_as_it_was_initialised_is_random_whatever_it_is_said_to_be(
    tmp_path: Path, home: Path, name: str
) -> None:
    torch.manual_seed(0)
    network = architecture(name).build(10)
    fresh = added(tmp_path, network.state_dict(), name).backbone
    assert fresh.source == "random" and fresh.about["untrained"]
    assert "random weights" in weights_words(fresh.source, fresh.about)
    with pytest.raises(BadValueError, match=f"untrained {name}, .* are not supervised: omit the source, or set"):
        added(tmp_path, network.state_dict(), name, source="supervised")


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mnasnet0_5"])
def test_running_statistics_are_no_training(tmp_path: Path, home: Path, name: str) -> None:
    torch.manual_seed(0)
    network = architecture(name).build(10).train()
    with torch.no_grad():
        network(torch.randn(4, 3, 64, 64))
    assert added(tmp_path, network.state_dict(), name).backbone.source == "random"
    with pytest.raises(BadValueError, match="still at its initial values, so its weights are not supervised"):
        added(tmp_path, network.state_dict(), name, source="supervised")


@pytest.mark.parametrize("source", ["supervised", "self-supervised"])
@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v2"])
def test_a_given_source_stands_if_weights_are_not_as_drawn(tmp_path: Path, home: Path, name: str, source: str) -> None:
    """As in an export whose normalisation was folded into the weights before it."""
    torch.manual_seed(0)
    state = architecture(name).build(10).state_dict()
    first = next(key for key, value in state.items() if value.dim() == 4)
    state[first] = state[first] * 1.3
    made = added(tmp_path, state, name, source=source).backbone
    assert made.source == source and not made.about["untrained"]
    assert "untrained" not in weights_words(made.source, made.about)


@pytest.mark.parametrize("name", NETWORKS)
def test_another_draw_is_as_drawn_and_no_layer_may_differ(name: str) -> None:
    states = []
    for seed in range(2):
        torch.manual_seed(seed)
        states.append(architecture(name).build(2).state_dict())
    assert as_drawn(*states)
    for key in [key for key, value in states[0].items() if value.dim() > 1]:
        assert not as_drawn({**states[0], key: states[0][key] * 2}, states[1])


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v2"])
def test_one_step_of_training_shows(tmp_path: Path, home: Path, name: str) -> None:
    torch.manual_seed(0)
    network = architecture(name).build(10).train()
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    loss = torch.nn.functional.cross_entropy(network(torch.randn(4, 3, 224, 224)), torch.arange(4))
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    assert added(tmp_path, network.state_dict(), name).backbone.source == "supervised"

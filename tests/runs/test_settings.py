"""Which backbone a run prunes: the one given, else the zoo's own, whatever the method."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core
from core.backbones.backbone import Backbone, save_backbone
from core.backbones.listing import DEFAULT, find_backbone
from core.errors import BadValueError, MetaVoteError, MismatchError, MissingDataError, UnknownNameError
from core.pruning.config import RunConfig
from core.pruning.methods import METHODS
from core.runs import resolve
from core.runs.settings import run_config
from core.zoo.plan import Plan
from core.zoo.zoo import open_zoo
from tests.engine import random_backbone

TASK = "emoji-t03"


@pytest.fixture
def mine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """A backbone of another size than the embedded one, and the zoo "textures" that says it was made on it."""
    made = random_backbone()
    save_backbone(
        home / "backbones" / "mine.safetensors", made.tensors, architecture="resnet18", source="random",
        mean=list(made.mean), std=list(made.std), size=64, about={},
    )  # fmt: skip
    found = core.backbone("mine")
    zoo_of(home, "textures", backbone="mine", backbone_hash=found.hash)
    monkeypatch.setattr(resolve, "_check_mask", lambda config, backbone: None)
    return found


def zoo_of(home: Path, id: str, **about: str) -> None:
    """A zoo of the user's own that describes itself as the embedded one does, but for `about`."""
    described = json.loads((open_zoo().path / "zoo.json").read_text()) | {"id": id} | about
    (home / "zoos" / id).mkdir(parents=True)
    (home / "zoos" / id / "zoo.json").write_text(json.dumps(described))


def settings(method: str, **more: Any) -> dict[str, Any]:
    return {"method": method, **({"mask_of": "some-run"} if method == "same-mask" else {}), **more}


@pytest.mark.parametrize("method", METHODS)
def test_a_zoo_prunes_its_own_backbone_with_every_method(mine: Backbone, home: Path, method: str) -> None:
    for zoo in ("textures", str(home / "zoos" / "textures")):
        config = core.prune(TASK, **settings(method, zoo=zoo)).config
        assert (config.zoo, config.backbone) == (zoo, "mine")
    assert core.prune(TASK, **settings(method)).config.backbone == DEFAULT


@pytest.mark.parametrize("method", METHODS)
def test_a_zoo_and_a_backbone_that_it_was_not_made_on_are_refused_together(mine: Backbone, method: str) -> None:
    for zoo, backbone in (("textures", DEFAULT), (DEFAULT, "mine"), ("textures", str(find_backbone()))):
        with pytest.raises(MismatchError, match=r"was made on the backbone .*, not on .*: name a zoo .* or leave the"):
            core.prune(TASK, **settings(method, zoo=zoo, backbone=backbone))
    given = core.prune(TASK, **settings(method, zoo="textures", backbone=mine)).config
    assert (given.zoo, given.backbone) == ("textures", "mine")


OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"neighbours": "all"}, {"neighbours": "random", "k": 3}, {"chosen": ["emoji-z03", "emoji-z17"]},
    {"backbone": DEFAULT}, {"backbone": DEFAULT, "zoo": DEFAULT}, {"backbone": str(find_backbone())},
    {"zoo": str(open_zoo().path)}, {"dynamic": np.True_, "sample": 1.5}, {"skip_unreadable": np.True_},
    {"weights": "reinitialised", "of": "params", "allocation": "global"},
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_config_of_a_run_prunes_again(mine: Backbone, method: str, options: dict[str, Any]) -> None:
    run = core.prune(TASK, **settings(method, **options))
    assert core.prune(**run.config.to_dict()).config == run.config
    assert core.prune(**json.loads(json.dumps(run.config.to_dict()))).config == run.config


@pytest.mark.parametrize("method", METHODS)
def test_a_zoo_that_is_not_here_is_refused_for_every_method(mine: Backbone, method: str) -> None:
    with pytest.raises(UnknownNameError, match=r"no zoo 'texture': did you mean textures\?"):
        core.prune(TASK, **settings(method, zoo="texture"))


@pytest.mark.parametrize("method", METHODS)
def test_a_zoo_whose_backbone_is_gone_or_another_one_is_refused_for_every_method(
    home: Path, mine: Backbone, method: str
) -> None:
    zoo_of(home, "lost", backbone="gone", backbone_hash="f" * 64)
    zoo_of(home, "older", backbone="mine", backbone_hash="f" * 64)
    with pytest.raises(MissingDataError, match="The backbone gone, which the zoo lost was made on, is not on this"):
        core.prune(TASK, **settings(method, zoo="lost"))
    with pytest.raises(MismatchError, match="older was made on another backbone that is also called mine"):
        core.prune(TASK, **settings(method, zoo="older"))


@pytest.mark.parametrize("method", METHODS)
def test_a_backbone_given_alone_records_no_zoo_unless_neighbours_vote(mine: Backbone, method: str) -> None:
    if METHODS[method].needs_zoo:
        with pytest.raises(MismatchError, match="emoji-resnet18-simclr was made on .*, not on mine"):
            core.prune(TASK, **settings(method, backbone="mine"))
        with pytest.raises(BadValueError, match="needs a zoo whose tasks vote: name one"):
            core.prune(TASK, **settings(method, zoo=None))
        return
    config = core.prune(TASK, **settings(method, backbone="mine")).config
    assert (config.zoo, config.backbone) == (None, "mine")
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_neighbours_weights_need_the_zoos_backbone_too(mine: Backbone) -> None:
    assert core.prune(TASK, method="magnitude", weights="neighbours", zoo="textures").config.backbone == "mine"
    with pytest.raises(MismatchError):
        core.prune(TASK, method="magnitude", weights="neighbours", backbone="mine")


def test_the_rule_reads_no_weights(mine: Backbone, home: Path) -> None:
    """The command line refuses names and pairs before it loads torch."""
    file = home / "backbones" / "mine.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert run_config({"task": TASK, "zoo": "textures", "method": "random"}).backbone == "mine"
    with pytest.raises(MetaVoteError, match="does not hold the weights it says"):
        core.prune(TASK, zoo="textures", method="random")


def test_a_run_recorded_before_with_a_zoo_it_was_not_made_on_still_opens() -> None:
    old = {"task": TASK, "method": "magnitude", "backbone": "mine", "zoo": DEFAULT}
    assert RunConfig.from_dict(old).to_dict() == RunConfig.from_dict(old).to_dict() | old


def test_the_models_of_a_zoo_are_pruned_without_a_zoo(mine: Backbone) -> None:
    assert Plan("new", (core.task(TASK),), (), "mine").config(core.task(TASK)).zoo is None


def test_a_task_that_a_zoo_does_not_know_is_not_ranked_through_another_backbone(home: Path, mine: Backbone) -> None:
    zoo_of(home, "older", backbone="mine", backbone_hash="f" * 64)
    for zoo in (core.zoo("older"), core.zoo(str(home / "zoos" / "older"))):
        with pytest.raises(MismatchError, match="another backbone that is also called mine"):
            zoo.neighbours(core.task("emoji", classes=["heart", "music"]))

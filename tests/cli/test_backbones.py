"""`backbones`: what is there, what is added, and what is said of it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.backbones.layouts import LAYOUTS
from core.pruning.config import RunConfig
from core.runs.store import Store
from tests.backbones.made import MADE
from tests.backbones.test_adding import real_state
from tests.cli.conftest import Run


@pytest.fixture
def moco(tmp_path: Path) -> str:
    """A MoCo checkpoint of a ResNet-18."""
    torch.save(MADE["moco"](real_state()), tmp_path / "moco.pth.tar")
    return str(tmp_path / "moco.pth.tar")


def test_the_shipped_ones_are_listed_with_what_they_are(run: Run) -> None:
    found = {one["id"]: one for one in run("backbones", "--json").document}
    assert set(found) == {"emoji-resnet18-simclr", "emoji-resnet18-supervised"}
    one = found["emoji-resnet18-simclr"]
    assert (one["architecture"], one["source"], one["size"], one["shipped"]) == (
        "resnet18",
        "self-supervised",
        32,
        True,
    )
    assert one["params"] == 11_176_512 and one["bytes"] == Path(one["where"]).stat().st_size
    shown = run("backbones").out
    assert "emoji-resnet18-supervised" in shown and "11.2 M" in shown and "shipped" in shown


def test_a_damaged_one_is_named_apart(run: Run, home: Path) -> None:
    (home / "backbones").mkdir(parents=True)
    (home / "backbones" / "mine.safetensors").write_bytes(b"nothing")
    assert "mine" not in [one["id"] for one in run("backbones", "--json").document]
    assert "mine cannot be read: python -m core doctor" in run("backbones").out


def test_a_checkpoint_is_added_shown_and_used(run: Run, moco: str) -> None:
    added = run("backbones", "add", moco, "--architecture", "resnet18", "--name", "my-moco", "--size", "16", "--json")
    assert (added.document["id"], added.document["size"], added.code) == ("my-moco", 16, 0)
    assert added.document["about"]["coverage"]["layout"] == "moco" and added.document["params"] == 11_176_512
    assert run("backbones", "info", "my-moco", "--json").document == added.document
    shown = run("backbones", "info", "my-moco").out
    for words in ("images of 16 pixels", "mean 0.485, 0.456, 0.406", "read as MoCo v1, v2", "'encoder_q.'",
                  "100 of 100 entries", "left behind: ", "encoder_k (122)", "from moco.pth.tar"):  # fmt: skip
        assert words in shown, words
    assert "my-moco" in run("backbones").out and "backbone my-moco" in run("doctor").out
    pruned = run(
        "prune", "emoji-t00", "--backbone", "my-moco", "--method", "magnitude", "--keep", "0.1", "--iterations", "1",
        "--threads", "1", "--json",
    )  # fmt: skip
    assert pruned.code == 0 and pruned.document["achieved"]["params"] < 200_000


def test_every_format_is_listed_with_who_writes_it(run: Run) -> None:
    found = run("backbones", "formats", "--json").document
    assert [one["format"] for one in found] == list(LAYOUTS)
    assert all(one["url"].startswith("https://") for one in found)
    assert "facebookresearch/swav" in run("backbones", "formats").out


def test_info_of_a_shipped_one_tells_its_recipe(run: Run) -> None:
    assert "trained here: simclr on emoji" in run("backbones", "info", "emoji-resnet18-simclr").out
    run("backbones", "info", "emoji-resnet18-simcl").refused(1, "did you mean emoji-resnet18-simclr")


def test_what_does_not_fit_is_told_and_taken_only_as_partial(run: Run, moco: str) -> None:
    command = ("backbones", "add", moco, "--architecture", "resnet34")
    run(*command).refused(1, "does not fit resnet34 but looks like resnet18", "--partial")
    taken = run(*command, "--partial", "--json").document
    assert len(taken["about"]["drawn_at_random"]) == 80
    shown = run("backbones", "info", "moco").out
    assert "missing: layer1.2.conv1.weight" in shown
    assert "self-supervised weights (100 of 180 entries and 52.5 % of the parameters filled, 80 entries drawn" in shown
    (listed,) = (one for one in run("backbones", "--json").document if one["id"] == "moco")
    assert (listed["filled"]["entries"], listed["filled"]["of_entries"]) == (100, 180)
    assert "52.5 %" in run("backbones").out


def test_what_is_removed_is_gone_and_what_ships_or_is_needed_stays(run: Run, moco: str, store: Store) -> None:
    run("backbones", "add", moco, "--architecture", "resnet18", "--name", "mine")
    config = RunConfig("emoji-t00", "magnitude", backbone="mine", zoo=None)
    needing = store.create(config)
    run("backbones", "remove", "mine").refused(1, f"needed by the unfinished run {needing}", "delete it first")
    store.request_cancel(needing)
    run("runs", "delete", needing)
    assert run("backbones", "remove", "mine", "--json").document == {"backbone": "mine", "status": "removed"}
    run("backbones", "info", "mine").refused(1, "no backbone 'mine'")
    run("backbones", "remove", "mine").refused(1, "no backbone 'mine'")
    run("backbones", "remove", "emoji-resnet18-simclr").refused(1, "ships with the project")


def test_another_source_for_a_file_that_is_here_is_refused(run: Run, moco: str) -> None:
    command = ("backbones", "add", moco, "--architecture", "resnet18", "--name", "mine")
    assert run(*command).code == 0
    run(*command, "--source", "supervised").refused(
        1, "already exists", "self-supervised, not supervised", "remove mine"
    )
    assert run(*command, "--json").document["source"] == "self-supervised"
    assert run(*command[:-1], "other", "--source", "supervised", "--json").document["source"] == "supervised"


def test_a_random_network_is_not_recorded_as_trained(run: Run, tmp_path: Path) -> None:
    """A checkpoint of Hugging Face's has none of the names, so nothing of it would be read."""
    file = tmp_path / "model.safetensors"
    save_file({f"resnet.encoder.{key}": value for key, value in real_state().items()}, file)
    command = ("backbones", "add", str(file), "--architecture", "resnet18", "--partial", "--source", "supervised")
    run(*command).refused(1, "0 of 100 entries and 0.0 % of the parameters filled", "at least 50 % of each")
    assert "model" not in run("backbones").out


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), ("FILE",)),
        (("FILE",), ("--architecture",)),
        (("TENSORS",), ("is no backbone file", "--architecture")),
        (("FILE", "--name", "mine"), ("--architecture",)),
        (("TENSORS", "--partial"), ("--architecture",)),
        (("FILE", "--architecture", "resnet19"), ("did you mean resnet18",)),
        (("FILE", "--architecture", "resnet18", "--format", "mocco"), ("did you mean moco",)),
        (("FILE", "--architecture", "resnet18", "--source", "supervise"), ("did you mean supervised",)),
        (("FILE", "--architecture", "resnet18", "--mean", "0.5"), ("three numbers",)),
        (("FILE", "--architecture", "resnet18", "--mean", "0.5,0.5,128"), ("in [0, 1]",)),
        (("FILE", "--architecture", "resnet18", "--size", "0"), ("at least 1",)),
        (("FILE", "--architecture", "resnet18", "--size", "9999"), ("8 to 1024",)),
        (("FILE", "--architecture", "resnet18", "--download"), ("--weights",)),
        (("resnet18", "--weights", "IMAGENET1K_V1", "--format", "moco"), ("--format",)),
    ],
)
def test_wrong_usage_is_refused(run: Run, moco: str, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    tensors = moco.replace("moco.pth.tar", "plain.safetensors")
    save_file({"a": torch.zeros(2)}, tensors)
    files = {"FILE": moco, "TENSORS": tensors}
    run("backbones", "add", *(files.get(one, one) for one in arguments)).refused(2, *words)


def test_names_that_nothing_has_are_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    run("backbones", "add", "resnet18", "--weights", "IMAGENET1K_V9").refused(1, "did you mean IMAGENET1K_V1")
    run("backbones", "add", "resnet19", "--weights", "IMAGENET1K_V1").refused(1, "did you mean resnet18")
    run("backbones", "add", "resnet18", "--weights", "IMAGENET1K_V1").refused(1, "--download", str(tmp_path))
    run("backbones", "add", "nothing.pth", "--architecture", "resnet18").refused(1, "There is no file")
    run("backbones", "add", "nothing.safetensors").refused(1, "There is no backbone")

"""`backbones`: what is there, what is added, and what is said of it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.backbones.layouts import LAYOUTS
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
    assert "missing: layer1.2.conv1.weight" in run("backbones", "info", "moco").out


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), ("FILE",)),
        (("FILE",), ("--architecture",)),
        (("TENSORS",), ("is no backbone file", "--architecture")),
        (("FILE", "--name", "mine"), ("--architecture",)),
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

"""Backbones of one's own: what a checkpoint becomes, what is asked of it, and where it is refused."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

import core
from core.backbones import listing, torchvision_weights
from core.backbones.adding import Wanted, add_checkpoint, add_published
from core.backbones.architectures import architecture
from core.backbones.backbone import Backbone, backbone_ids, load_backbone, tensors_hash
from core.backbones.checkpoints import LOOKED_FOR, looks_like, read_trunk
from core.backbones.torchvision_weights import presentation, published, weights_file, weights_names
from core.errors import BadFileError, BadValueError, MismatchError, MissingDataError, UnknownNameError
from tests import networks
from tests.backbones.made import MADE, State, network_state, trunk_of
from tests.engine import images, random_backbone

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def real_state(seed: int = 0) -> State:
    """A ResNet-18's state dict of real numbers, with a head."""
    model = random_backbone(seed=seed).build(10)
    return {key: value.clone() for key, value in model.state_dict().items()}


def moco_file(folder: Path, seed: int = 0, **changes: torch.Tensor) -> Path:
    state = {**real_state(seed), **{key.replace("__", "."): value for key, value in changes.items()}}
    torch.save(MADE["moco"](state), folder / "moco_v2_800ep.pth.tar")
    return folder / "moco_v2_800ep.pth.tar"


def test_a_checkpoint_becomes_a_backbone_that_is_found_by_its_id(tmp_path: Path, home: Path) -> None:
    file = moco_file(tmp_path)
    added = core.add_backbone(file, "resnet18", name="my-moco", size=48)
    file.unlink()
    assert isinstance(added, Backbone) and (added.id, added.size, added.source) == ("my-moco", 48, "self-supervised")
    assert (added.mean, added.std) == IMAGENET
    assert backbone_ids() == ["emoji-resnet18-simclr", "emoji-resnet18-supervised", "my-moco"]
    assert [one.name for one in (home / "backbones").iterdir()] == ["my-moco.safetensors"]
    found = core.backbone("my-moco")
    assert found.hash == added.hash == tensors_hash(random_backbone().tensors)
    with torch.no_grad():
        given, expected = (one.build(3).eval().layer1(images(2)[:, :1].repeat(1, 64, 1, 1))
                           for one in (found, random_backbone()))  # fmt: skip
    assert torch.equal(given, expected)


def test_it_tells_where_it_is_from_and_how_it_was_read(tmp_path: Path, home: Path) -> None:
    file = moco_file(tmp_path)
    added = add_checkpoint(file, "resnet18")
    about = load_backbone("moco_v2_800ep").about  # named after the file
    assert about["file"] == file.name and about["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert about["layout_from"] == "https://github.com/facebookresearch/moco" and about["drawn_at_random"] == []
    keys = ("missing", "reshaped", "unexpected", "constant")
    assert about["coverage"] == added.coverage.to_dict() | {key: [] for key in keys}
    told = listing.about("moco_v2_800ep")
    whole = sum(p.numel() for p in random_backbone().build(2).parameters()) - 2 * 513
    assert (told.params, told.architecture, told.size, told.shipped) == (whole, "resnet18", 224, False)
    assert told.where == str(home / "backbones" / "moco_v2_800ep.safetensors") and told.to_dict()["about"] == about


def test_one_of_the_same_id_is_left_alone_unless_it_is_the_very_same(tmp_path: Path, home: Path) -> None:
    file = moco_file(tmp_path)
    first = add_checkpoint(file, "resnet18", wanted=Wanted("mine", 64)).backbone
    assert add_checkpoint(file, "resnet18", wanted=Wanted("mine", 64)).backbone.hash == first.hash
    other = moco_file(tmp_path, seed=1)
    for wanted in (Wanted("mine", 64), Wanted("emoji-resnet18-simclr", 32)):
        with pytest.raises(MismatchError, match="already exists, but its weights differ.*: give this one another name"):
            add_checkpoint(other, "resnet18", wanted=wanted)
    with pytest.raises(MismatchError):
        add_checkpoint(moco_file(tmp_path), "resnet18", wanted=Wanted("mine", 32))
    assert load_backbone("mine").hash == first.hash and load_backbone("mine").size == 64
    assert [one.name for one in (home / "backbones").iterdir()] == ["mine.safetensors"]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"source": "supervised"}, "its source of weights is self-supervised, not supervised"),
        ({"size": 32}, "its image size is 64, not 32"),
        ({"mean": (0.5, 0.5, 0.5)}, "its mean is 0.485,0.456,0.406, not 0.5,0.5,0.5"),
        ({"std": (0.5, 0.5, 0.5)}, "its standard deviation is 0.229,0.224,0.225, not 0.5,0.5,0.5"),
    ],
)
def test_another_setting_for_the_same_file_takes_effect_or_is_refused(
    tmp_path: Path, home: Path, change: dict[str, object], words: str
) -> None:
    file, first = moco_file(tmp_path), {"name": "mine", "size": 64}
    core.add_backbone(file, "resnet18", **first)
    remedy = "give this one another name, or remove mine first"
    with pytest.raises(MismatchError, match=f"A backbone mine already exists, but {words}: {remedy}"):
        core.add_backbone(file, "resnet18", **{**first, **change})
    other = core.add_backbone(file, "resnet18", **{**first, **change, "name": "other"})
    ((name, value),) = change.items()
    assert getattr(other, name) == value and load_backbone("mine").size == 64
    core.remove_backbone("mine")
    assert getattr(core.add_backbone(file, "resnet18", **{**first, **change}), name) == value


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "other"}, {"size": 64}, {"source": "supervised"}, {"mean": (0.5, 0.5, 0.5)}, {"partial": True},
        {"format": "moco"}, {"download": True}, {"weights": "IMAGENET1K_V1", "format": "moco"},
        {"weights": "IMAGENET1K_V1", "architecture": "resnet18"},
    ],
    ids=str,
)  # fmt: skip
def test_a_setting_that_would_be_ignored_is_refused(tmp_path: Path, home: Path, settings: dict[str, object]) -> None:
    core.add_backbone(moco_file(tmp_path), "resnet18", name="mine", size=32)
    with pytest.raises(
        BadValueError,
        match="Name the checkpoint's architecture|Only weights that|the first argument is the architecture",
    ):
        core.add_backbone(home / "backbones" / "mine.safetensors", **settings)  # type: ignore[arg-type]


def test_below_full_coverage_it_is_refused_and_nothing_is_left(tmp_path: Path, home: Path) -> None:
    file = moco_file(tmp_path, layer1__0__conv1__weight=torch.zeros(1))
    with pytest.raises(
        BadFileError, match=r"read as MoCo v1, v2, does not fit resnet18: 99 of 100 .*layer1.0.conv1.weight"
    ):
        add_checkpoint(file, "resnet18")
    odd = moco_file(tmp_path, layer3__2__conv1__weight=torch.zeros(1))
    with pytest.raises(
        BadFileError, match="does not fit resnet34.*missing: layer1.2.conv1.weight and .*--partial"
    ) as no:
        add_checkpoint(odd, "resnet34")
    assert len(str(no.value)) < 320
    assert not (home / "backbones").exists() or not list((home / "backbones").iterdir())


@pytest.mark.parametrize("asked", ["resnet34", "resnet50", "mobilenet_v2", "vit_b_16"])
def test_a_checkpoint_of_another_network_is_told_which_one_it_looks_like(
    tmp_path: Path, home: Path, asked: str
) -> None:
    told = {
        "resnet34": " but looks like resnet18: name that architecture, or accept partial coverage (--partial on the "
        "command line).",
        "resnet50": " (77 of 265 entries and 26.7 % of the parameters filled; at least 50 % of each is required) but "
        "looks like resnet18: name that architecture.",
    }
    none = " filled; at least 50 % of each is required) but looks like resnet18: name that architecture."
    with pytest.raises(BadFileError) as refusal:
        add_checkpoint(moco_file(tmp_path), asked)
    assert str(refusal.value).startswith(f"The checkpoint, read as MoCo v1, v2, does not fit {asked}")
    assert str(refusal.value).endswith(told.get(asked, none))


@pytest.mark.parametrize("name", LOOKED_FOR)
def test_every_network_that_is_looked_for_looks_like_itself_alone(tmp_path: Path, name: str) -> None:
    torch.save(network_state(name), tmp_path / "net.pth")
    assert looks_like(tmp_path / "net.pth") == name


def test_what_is_missing_is_drawn_always_alike_where_that_is_asked_for(tmp_path: Path, home: Path) -> None:
    file = moco_file(tmp_path, layer1__0__conv1__weight=torch.zeros(1))
    before = torch.get_rng_state()
    first, second = (add_checkpoint(file, "resnet18", wanted=Wanted(name, partial=True)) for name in ("one", "two"))
    assert torch.equal(before, torch.get_rng_state())
    assert first.backbone.about["drawn_at_random"] == ["layer1.0.conv1.weight"] and not first.coverage.complete
    assert first.backbone.hash == second.backbone.hash and first.backbone.tensors["layer1.0.conv1.weight"].std() > 0
    conv = "layer1.0.conv2.weight"
    assert torch.equal(first.backbone.tensors[conv], random_backbone().tensors[conv])


def test_weights_that_do_not_tell_how_they_were_trained_are_asked_for_it(tmp_path: Path, home: Path) -> None:
    torch.save(trunk_of(real_state()), tmp_path / "resnet50.pth")
    torch.save(real_state(), tmp_path / "whole.pth")
    with pytest.raises(
        BadValueError, match="resnet50.pth has no head .*--source .*self-supervised, supervised, random"
    ):
        add_checkpoint(tmp_path / "resnet50.pth", "resnet18")
    sources = [
        add_checkpoint(tmp_path / "resnet50.pth", "resnet18", "dino", Wanted("a")),
        add_checkpoint(tmp_path / "resnet50.pth", "resnet18", wanted=Wanted("b", source="random")),
        add_checkpoint(tmp_path / "whole.pth", "resnet18"),
        add_checkpoint(moco_file(tmp_path), "resnet18", wanted=Wanted("d", source="supervised")),
    ]
    assert [one.backbone.source for one in sources] == ["self-supervised", "random", "supervised", "supervised"]
    with pytest.raises(UnknownNameError, match="source of weights"):
        add_checkpoint(tmp_path / "whole.pth", "resnet18", wanted=Wanted("e", source="selfsupervised"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, home: Path, value: float) -> None:
    file = moco_file(tmp_path, bn1__weight=torch.full((64,), value))
    with pytest.raises(BadFileError, match="not finite, in bn1.weight"):
        add_checkpoint(file, "resnet18")


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(64, dtype=torch.int8),
        torch.ones(64, dtype=torch.complex64),
        torch.ones(64).to_sparse(),
        torch.quantize_per_tensor(torch.ones(64), 0.1, 0, torch.qint8),
        torch.ones(64, device="meta"),
        -torch.ones(64),
    ],
    ids=["whole", "complex", "sparse", "quantized", "meta", "negative"],
)
def test_weights_that_a_network_cannot_compute_with_are_refused(
    tmp_path: Path, home: Path, value: torch.Tensor
) -> None:
    file = moco_file(tmp_path, bn1__running_var=value)
    with pytest.raises(BadFileError, match="in bn1.running_var: save"):
        add_checkpoint(file, "resnet18")
    assert not list((home / "backbones").glob("*"))


def test_a_name_of_nothing_is_no_name(tmp_path: Path, home: Path) -> None:
    with pytest.raises(BadValueError, match="A backbone's name"):
        add_checkpoint(moco_file(tmp_path), "resnet18", wanted=Wanted(""))


def test_values_too_large_for_half_precision_are_kept_as_they_are(tmp_path: Path, home: Path) -> None:
    large = torch.full((64,), 1e6)
    added = add_checkpoint(moco_file(tmp_path, bn1__running_var=large), "resnet18").backbone
    assert torch.equal(added.tensors["bn1.running_var"], large)
    assert torch.equal(load_backbone(added.id).build(2).bn1.running_var, large)


@pytest.mark.parametrize(
    "wanted, words",
    [
        (Wanted(size=4), "8 to 1024 pixels, not 4"),
        (Wanted(mean=(0.5, 0.5)), "three numbers each"),
        (Wanted(mean=(124.0, 116.0, 104.0)), r"in \[0, 1\]"),
        (Wanted(std=(0.0, 0.2, 0.2)), "three numbers each"),
        (Wanted(name="../mine"), "letters, digits"),
        (Wanted(name="mine.safetensors"), "letters, digits"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, home: Path, wanted: Wanted, words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        add_checkpoint(moco_file(tmp_path), "resnet18", wanted=wanted)


def test_a_size_that_the_network_cannot_take_is_refused(tmp_path: Path, home: Path) -> None:
    torch.save(network_state("vgg16_bn"), tmp_path / "vgg.pth")
    with pytest.raises(MismatchError, match="vgg16_bn cannot take images of 16 × 16"):
        add_checkpoint(tmp_path / "vgg.pth", "vgg16_bn", wanted=Wanted(size=16))


def test_a_network_made_for_one_size_is_read_at_the_size_asked_for(tmp_path: Path) -> None:
    """A ViT has a place for every patch: torchvision publishes some for 384 and 518 pixels too."""
    state = architecture("vit_b_32").shell(10, 384).state_dict()
    numbers = {key: torch.zeros(()).expand(value.shape) for key, value in state.items()}
    torch.save(numbers, tmp_path / "vit.pth")
    assert read_trunk(tmp_path / "vit.pth", "vit_b_32", size=384).coverage.complete
    other = read_trunk(tmp_path / "vit.pth", "vit_b_32").coverage
    assert other.reshaped == ("encoder.pos_embedding [1, 145, 768] for [1, 50, 768]",)


@pytest.mark.parametrize("name", networks.EVERY)
def test_every_architecture_knows_how_torchvisions_weights_want_their_images(name: str) -> None:
    found = presentation(name)
    assert len(found.mean) == len(found.std) == 3 and 200 <= found.size <= 600
    assert all(0 < value < 1 for value in (*found.mean, *found.std))
    assert weights_names(name)
    assert architecture(name).shell(2, found.size) is not None


def test_size_and_colours_are_those_of_the_published_weights_themselves() -> None:
    assert presentation("resnet50", "IMAGENET1K_V2").size == 224
    assert (presentation("resnet50", "IMAGENET1K_V1").mean, presentation("resnet50").std) == IMAGENET
    with pytest.raises(UnknownNameError, match="weights of resnet50 'IMAGENET1K_V3': did you mean"):
        published("resnet50", "IMAGENET1K_V3")
    with pytest.raises(UnknownNameError):
        weights_file("resnet17", "IMAGENET1K_V1")


def fake_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in torch's cache under the hash that it really has, in place of torchvision's ResNet-18."""
    torch.save(real_state(), folder / "net.pth")
    digest = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    file = (folder / "net.pth").rename(folder / f"resnet18-{digest[:8]}.pth")
    monkeypatch.setattr(torchvision_weights, "cached_file", lambda entry: file)
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("downloaded"))
    return file


def test_published_weights_are_taken_from_torchs_cache(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fake_cache(tmp_path, monkeypatch)
    added = core.add_backbone("resnet18", weights="IMAGENET1K_V1")
    assert (added.id, added.source, added.size) == ("resnet18-imagenet1k_v1", "supervised", 224)
    assert added.about["weights"] == "ResNet18_Weights.IMAGENET1K_V1" and added.about["file"] == file.name
    assert added.hash == tensors_hash(random_backbone().tensors)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BadFileError, match="does not have the hash in its name: delete it"):
        add_published("resnet18", "IMAGENET1K_V1")


def test_they_are_downloaded_only_where_that_is_asked_for(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fake_cache(tmp_path, monkeypatch)
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(MissingDataError, match=r"fetch 45 MB from https://download.pytorch.org.* \(--download on"):
        add_published("resnet18", "IMAGENET1K_V1")

    def fetch(url: str, target: str, progress: bool) -> None:
        assert url.startswith("https://download.pytorch.org/models/resnet18-")
        Path(target).write_bytes(content)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    assert add_published("resnet18", "IMAGENET1K_V1", download=True).coverage.complete


def test_without_a_network_that_is_one_sentence(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cache(tmp_path, monkeypatch).unlink()

    def fail(*_: object, **__: object) -> None:
        raise URLError("Network is unreachable")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(
        MissingDataError, match=r"Downloading https.*failed \(Network is unreachable\): check the network"
    ):
        add_published("resnet18", "IMAGENET1K_V1", download=True)


def test_a_backbone_file_needs_no_architecture(tmp_path: Path, home: Path) -> None:
    core.add_backbone(moco_file(tmp_path), "resnet18", name="mine", size=32)
    file = (home / "backbones" / "mine.safetensors").rename(tmp_path / "theirs.safetensors")
    assert core.add_backbone(file).id == "theirs" and "theirs" in backbone_ids()

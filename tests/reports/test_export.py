"""Exporting: the file is what PyTorch computes, says what it is, and loads without this project."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.backbones.architectures import architecture
from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.channels.groups import channel_groups
from core.channels.rebuild import rebuild
from core.channels.selection import Selection
from core.channels.slim import slim
from core.errors import BadFileError, BadValueError, MetaVoteError, MissingDataError, UnknownNameError
from core.pruning.config import RunConfig
from core.reports import export as exporting
from core.reports import formats
from core.reports.export import export
from core.reports.formats import TOLERANCE, checked
from core.reports.snippets import plain_logits
from core.runs.processes import this_worker
from core.runs.store import Store

CONFIG = RunConfig("emoji-t00")
SIZES = {"params": 11_000_000, "macs": 37_000_000}
RESULT = {
    "test_accuracy": 0.7,
    "requested": {"keep": 0.2, "iterations": 60},
    "achieved": {"channel_sparsity": 0.8, "params": 450_000, "macs": 1_900_000},
    "dense": SIZES,
    "cost": {"seconds": 9.0, "iterations": 60},
}


def slim_model(name: str, size: int = 32) -> PrunedModel:
    """A network of which every fourth channel is kept."""
    torch.manual_seed(0)
    network = architecture(name).build(3)
    groups = channel_groups(network, torch.zeros(1, 3, size, size))
    selection = Selection({name: tuple(range(0, size, 4)) for name, size in groups.sizes.items()}, groups.sizes)
    tensors = {name: value.detach().numpy() for name, value in slim(network, groups, selection).state_dict().items()}
    importance = {group: np.zeros(size, np.float32) for group, size in groups.sizes.items()}
    task = {"id": "emoji-t00", "dataset": "emoji", "classes": ["tool", "plant", "heart"]}
    return PrunedModel(name, "some", "hash", task, selection, (0.5,) * 3, (0.25,) * 3, size, tensors, importance)


@pytest.fixture(scope="module")
def model() -> PrunedModel:
    return slim_model("resnet18")


@pytest.fixture
def store(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'runs.db'}")


def finished(store: Store, model: PrunedModel, config: RunConfig = CONFIG, **more: object) -> str:
    """A finished run with its model."""
    name = store.create(config)
    store.claim(this_worker(), name)
    save_pruned(model, store.model_path(name))
    store.finish(name, RESULT | more)
    return name


@pytest.fixture
def run_id(store: Store, model: PrunedModel) -> str:
    return finished(store, model)


def elsewhere(code: str, folder: Path, model: PrunedModel, batch: int = 2, more: str = "") -> np.ndarray:
    """The logits that lines of code compute in a process of its own that knows nothing of this project."""
    np.save(folder / "images.npy", noise(batch, model.size).numpy())
    program = (
        "import numpy, sys, torch\n"
        "assert not any('meta' in path or path == '' for path in sys.path), sys.path\n"
        f"images = torch.from_numpy(numpy.load('images.npy')){more}\n{code}\n"
        "assert 'core' not in sys.modules\n"
        "numpy.save('logits.npy', numpy.asarray(getattr(logits, 'detach', lambda: logits)()))"
    )
    subprocess.run([sys.executable, "-I", "-c", program], cwd=folder, check=True, timeout=240)
    found: np.ndarray = np.load(folder / "logits.npy")
    return found


def noise(batch: int, size: int = 32) -> torch.Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(9))


def expected(model: PrunedModel, batch: int = 2) -> np.ndarray:
    found: np.ndarray = rebuild(model)(noise(batch, model.size)).detach().numpy()
    return found


def test_safetensors_is_the_pruned_model_as_it_was_stored(
    store: Store, run_id: str, model: PrunedModel, tmp_path: Path
) -> None:
    target = tmp_path / "model.safetensors"
    done = export(store, run_id, "safetensors", target)
    read = load_pruned(target)
    assert read.selection == model.selection and read.classes == ("tool", "plant", "heart")
    assert all(np.array_equal(read.tensors[name], value) for name, value in model.tensors.items())
    assert done["bytes"] == target.stat().st_size == store.model_path(run_id).stat().st_size
    assert done["input"] == {"shape": [None, 3, 32, 32], "mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.mark.slow
def test_a_torch_file_is_loaded_by_torch_alone_in_two_lines(
    store: Store, run_id: str, model: PrunedModel, tmp_path: Path
) -> None:
    done = export(store, run_id, "torch", tmp_path / "slim.pt2")
    assert done["check"]["difference"] <= 1e-5
    lines = done["load"].splitlines()
    assert len(lines) == 3 and lines[0] == "import torch"
    for batch in (1, 5):
        logits = elsewhere(done["load"], tmp_path, model, batch)
        np.testing.assert_allclose(logits, expected(model, batch), rtol=1e-5, atol=1e-6)
    told = {formats.ABOUT: ""}
    torch.export.load(tmp_path / "slim.pt2", extra_files=told)
    about = json.loads(told[formats.ABOUT])
    assert about["classes"] == ["tool", "plant", "heart"] and about["mean"] == [0.5] * 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_a_safetensors_file_is_loaded_by_torchvision_alone_in_a_few_lines(
    store: Store, tmp_path: Path, name: str
) -> None:
    model = slim_model(name)
    done = export(store, finished(store, model), "safetensors", tmp_path / "slim.safetensors")
    assert len(done["load"].splitlines()) == {"resnet18": 5, "mobilenet_v2": 8}[name]
    assert done["check"]["difference"] <= done["check"]["tolerance"]
    logits = elsewhere(done["load"], tmp_path, model)
    np.testing.assert_allclose(logits, expected(model), rtol=1e-4, atol=1e-5)


def test_where_torchvision_cannot_hold_the_tensors_the_lines_say_so(model: PrunedModel) -> None:
    from dataclasses import replace

    from core.reports.snippets import snippet

    unknown = replace(model, architecture="a-network-of-mine")
    assert plain_logits(unknown, noise(1)) is None
    assert "load_pruned" in snippet(unknown, "safetensors", "x.safetensors", plain=False)
    way = exporting.way_of(unknown, "safetensors", "x.safetensors", None)
    assert "cannot hold these tensors" in way.check and "onnxruntime" in exporting.not_checked("onnx")


@pytest.mark.slow
def test_onnx_computes_what_the_slim_network_computes_and_says_what_it_is(
    store: Store, run_id: str, model: PrunedModel, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    done = export(store, run_id, "onnx", tmp_path / "model.onnx")
    check = done["check"]
    assert check["by"].startswith("onnxruntime") and check["batches"] == [1, 2, 7]
    assert 0 <= check["difference"] <= check["tolerance"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == ["tool", "plant", "heart"] and json.loads(about["std"]) == [0.25] * 3
    for batch in (1, 5):
        (logits,) = session.run(["logits"], {"images": noise(batch).numpy()})
        np.testing.assert_allclose(logits, expected(model, batch), rtol=1e-4, atol=1e-5)
    logits = elsewhere(done["load"], tmp_path, model, more=".numpy()")
    np.testing.assert_allclose(logits, expected(model), rtol=1e-4, atol=1e-5)


def test_what_computes_something_else_is_never_handed_out(model: PrunedModel) -> None:
    network = rebuild(model)
    found = checked(network, network, model, "itself")
    assert found.difference == 0 and found.tolerance >= TOLERANCE

    def off(images: torch.Tensor) -> torch.Tensor:
        return network(images) + (0.1 if len(images) == 7 else 0.0)  # at one batch size alone

    with pytest.raises(MetaVoteError, match="does not compute what PyTorch does"):
        checked(network, off, model, "another")
    with pytest.raises(MetaVoteError, match="answers"):
        checked(network, lambda images: network(images)[:1], model, "another")
    with pytest.raises(MetaVoteError, match="does not compute"):
        checked(network, lambda images: network(images) * float("nan"), model, "another")


class Broken:
    """A library whose every deed fails, in a way of its own."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("line one\nline two")


def test_a_file_that_cannot_be_written_read_back_or_run_is_one_sentence(
    model: PrunedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3)).eval()
    monkeypatch.setattr(formats, "_network", lambda _: network)
    formats.torch_bytes(model, {})
    for name, words in (("save", "cannot be written by torch.export"), ("load", "cannot be read back")):
        with monkeypatch.context() as broken:
            broken.setattr(torch.export, name, Broken)
            with pytest.raises(MetaVoteError, match=f"{words}.*: export it as safetensors"):
                formats.torch_bytes(model, {})
    onnxruntime = pytest.importorskip("onnxruntime")
    with pytest.raises(MetaVoteError, match=r"onnxruntime .*cannot run .*: export it as safetensors or torch\.$"):
        formats._checked_onnx(network, b"no network", model)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Broken)
    with pytest.raises(MetaVoteError, match="onnxruntime .*cannot run"):
        formats._checked_onnx(network, b"", model)


def test_torchvisions_own_network_that_fails_at_one_batch_size_alone_is_not_said_to_hold_the_tensors(
    model: PrunedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        formats, "plain_logits", lambda model, images: None if len(images) == 7 else expected_of(images)
    )
    monkeypatch.setattr(formats, "_network", lambda _: expected_of)
    assert formats.check_plain(model) is None


def expected_of(images: torch.Tensor) -> torch.Tensor:
    return images.mean((2, 3))


def test_the_card_says_what_is_known_and_what_is_not(store: Store, model: PrunedModel, tmp_path: Path) -> None:
    run_id = finished(store, model)
    alone = export(store, run_id, "safetensors", tmp_path / "slim.safetensors")
    assert alone["card"] == str(tmp_path / "slim.safetensors.md")
    text = Path(alone["card"]).read_text()
    for words in (
        "`resnet18`", "`emoji-t00`", "0. `tool`", "70.0 %", "| channels kept | 20.0 % | 20.0 % |",
        "450 k | 11 M", alone["load"], "[0.5, 0.5, 0.5]", "Meta-Vote Pruning", "seed 0", "no licence is recorded",
        "CC-BY-4.0", "No run of the unpruned network", "latency was not measured", "not on this machine",
    ):  # fmt: skip
        assert words in text, words
    control = finished(store, model, RunConfig("emoji-t00", "dense"), test_accuracy=0.75)
    export(store, run_id, "safetensors", tmp_path / "slim.safetensors")
    text = Path(alone["card"]).read_text()
    assert f"(run {control}) | 75.0 % |" in text and "No run of the unpruned" not in text


def test_a_card_can_be_left_out(store: Store, run_id: str, tmp_path: Path) -> None:
    assert export(store, run_id, "safetensors", tmp_path / "x", with_card=False)["card"] is None
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["x"]


def test_onnx_without_its_packages_says_what_to_install(
    store: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    with pytest.raises(MissingDataError, match="pip install onnx onnxscript"):
        export(store, run_id, "onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_model_is_refused_and_an_older_export_kept(
    store: Store, run_id: str, tmp_path: Path, share: float
) -> None:
    source, target = store.model_path(run_id), tmp_path / "model.safetensors"
    export(store, run_id, "safetensors", target)
    before = target.read_bytes()
    source.write_bytes(before[: int(len(before) * share)])
    with pytest.raises(BadFileError):
        export(store, run_id, "safetensors", target)
    assert target.read_bytes() == before


def test_what_cannot_be_exported_is_refused(
    store: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with pytest.raises(UnknownNameError, match="pickle"):
        export(store, run_id, "pickle", tmp_path / "x")
    with pytest.raises(UnknownNameError, match="nope"):
        export(store, "nope", "safetensors", tmp_path / "x")
    waiting = store.create(CONFIG)
    with pytest.raises(BadValueError, match="is queued and has not finished: export it when it has"):
        export(store, waiting, "safetensors", tmp_path / "x")
    store.request_cancel(waiting)
    with pytest.raises(BadValueError, match=f"is cancelled and has not .* core runs resume {waiting}"):
        export(store, waiting, "safetensors", tmp_path / "x")
    with pytest.raises(BadValueError, match=f"There is no folder {tmp_path / 'new'}: make it first"):
        export(store, run_id, "safetensors", tmp_path / "new" / "x")
    assert not (tmp_path / "new").exists()
    with pytest.raises(BadValueError, match="folder"):
        export(store, run_id, "safetensors", tmp_path)
    with pytest.raises(BadValueError, match="own file"):
        export(store, run_id, "safetensors", store.model_path(run_id))
    with pytest.raises(BadValueError, match="There is no folder"):
        export(store, run_id, "safetensors", store.model_path(run_id) / "below-a-file" / "x")
    monkeypatch.setattr(exporting, "write_whole", refuse)
    with pytest.raises(MetaVoteError, match="cannot be written"):
        export(store, run_id, "safetensors", tmp_path / "x")
    assert list(tmp_path.glob("x*")) == []

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
from core.reports.export import export
from core.runs.processes import this_worker
from core.runs.store import Store

CONFIG = RunConfig("emoji-t00")


@pytest.fixture(scope="module")
def model() -> PrunedModel:
    """A ResNet-18 of which every eighth channel is kept."""
    torch.manual_seed(0)
    network = architecture("resnet18").build(3)
    groups = channel_groups(network, torch.zeros(1, 3, 32, 32))
    selection = Selection({name: tuple(range(0, size, 8)) for name, size in groups.sizes.items()}, groups.sizes)
    tensors = {name: value.detach().numpy() for name, value in slim(network, groups, selection).state_dict().items()}
    task = {"id": "emoji-t00", "dataset": "emoji", "classes": ["tool", "plant", "heart"]}
    return PrunedModel("resnet18", "some", "hash", task, selection, (0.5,) * 3, (0.25,) * 3, 32, tensors)


@pytest.fixture
def store(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'runs.db'}")


@pytest.fixture
def run_id(store: Store, model: PrunedModel) -> str:
    """A finished run with its model."""
    name = store.create(CONFIG)
    store.claim(this_worker(), name)
    save_pruned(model, store.model_path(name))
    store.finish(name, {"test_accuracy": 0.7})
    return name


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
def test_onnx_computes_what_the_slim_network_computes(
    store: Store, run_id: str, model: PrunedModel, tmp_path: Path
) -> None:
    pytest.importorskip("onnxscript")
    reference = pytest.importorskip("onnx.reference")
    export(store, run_id, "onnx", tmp_path / "model.onnx")
    images = np.random.default_rng(0).normal(size=(5, 3, 32, 32)).astype(np.float32)
    (logits,) = reference.ReferenceEvaluator(str(tmp_path / "model.onnx")).run(["logits"], {"images": images})
    expected = rebuild(model)(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_onnx_without_its_packages_says_what_to_install(
    store: Store, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
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

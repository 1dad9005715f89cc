"""Data sets by name: read from what is on this machine, and never downloaded unless asked."""

import gzip
import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import BadFileError, MissingDataError, UnknownNameError
from core.tasks import torchvision_names
from core.tasks.datasets import DATASETS, class_names, dataset_names, load_dataset
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION
from core.tasks.thumbnails import MOST, thumbnails
from core.tasks.torchvision_names import CLASSES, DEBIAN_FASHION, IDX_FILES

installed = pytest.mark.skipif(not DEBIAN_FASHION.is_dir(), reason="needs the Debian package dataset-fashion-mnist")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No network; lists what was tried."""
    tried: list[Any] = []

    def refuse(*where: Any, **_: Any) -> None:
        tried.append(where)
        raise OSError("Network is unreachable")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.fixture
def nowhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no data set but the embedded one."""
    monkeypatch.setattr(torchvision_names, "DEBIAN_FASHION", home / "not-installed")
    return home


def idx(values: np.ndarray) -> bytes:
    """Unsigned bytes in the format of the original MNIST files."""
    sizes = b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def small_fashion(folder: Path) -> dict[str, np.ndarray]:
    """Fashion-MNIST's files with 200 + 30 images."""
    random = np.random.default_rng(0)
    made = {}
    folder.mkdir(parents=True)
    for name in IDX_FILES:
        number = 200 if name.startswith("train") else 30
        values = random.integers(0, 256, (number, 28, 28)) if "images" in name else np.arange(number) % 10
        (folder / name).write_bytes(idx(values))
        made[name] = values
    return made


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_data_set_that_is_not_here_says_how_to_get_it_and_tries_no_network(
    name: str, nowhere: Path, offline: list[Any]
) -> None:
    with pytest.raises(MissingDataError, match=f"python -m core tasks --download {name}") as caught:
        load_dataset(name)
    assert str(nowhere / "datasets") in str(caught.value) and "\n" not in str(caught.value)
    assert offline == [] and not nowhere.exists()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_download_without_a_network_fails_in_one_sentence(name: str, nowhere: Path, offline: list[Any]) -> None:
    with pytest.raises(MissingDataError, match="check the network") as caught:
        load_dataset(name, download=True)
    assert offline and "\n" not in str(caught.value)


def test_the_list_says_what_is_here_and_how_to_get_the_rest(nowhere: Path) -> None:
    listed = dataset_names()
    assert list(listed) == ["emoji", "fashion-mnist", "cifar10", "cifar100"]
    assert listed["emoji"].available and listed["emoji"].remedy == ""
    assert all(not listed[name].available and name in listed[name].remedy for name in CLASSES)
    small_fashion(nowhere / "datasets" / "FashionMNIST" / "raw")
    assert dataset_names()["fashion-mnist"].available


def test_an_unknown_data_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean cifar10"):
        load_dataset("cifar-10")
    with pytest.raises(UnknownNameError, match="did you mean fashion-mnist"):
        class_names("fashionmnist")


def test_files_in_torchvisions_layout_are_read_with_its_test_part_as_test(nowhere: Path) -> None:
    made = small_fashion(nowhere / "datasets" / "FashionMNIST" / "raw")
    loaded = load_dataset("fashion-mnist")
    assert loaded.images.shape == (230, 28, 28, 3) and loaded.images.dtype == np.uint8
    for channel in range(3):
        assert np.array_equal(loaded.images[:200, ..., channel], made["train-images-idx3-ubyte"])
    assert np.array_equal(loaded.labels[200:], made["t10k-labels-idx1-ubyte"])
    assert set(loaded.split[200:]) == {SPLITS.index(TEST)}
    assert set(loaded.split[:200]) == {SPLITS.index(TRAIN), SPLITS.index(VALIDATION)}


def test_damaged_files_are_named(nowhere: Path) -> None:
    folder = nowhere / "datasets" / "FashionMNIST" / "raw"
    small_fashion(folder)
    (folder / IDX_FILES[0]).write_bytes(b"cut")
    with pytest.raises(BadFileError, match="delete them and get them again"):
        load_dataset("fashion-mnist")
    (nowhere / "datasets" / "cifar-10-batches-py").mkdir()
    for name in ("batches.meta", "test_batch"):
        (nowhere / "datasets" / "cifar-10-batches-py" / name).write_bytes(pickle.dumps({}))
    with pytest.raises(BadFileError, match="cifar10"):
        load_dataset("cifar10")


@installed
def test_the_original_fashion_mnist_files_are_read_as_they_are(home: Path) -> None:
    loaded = load_dataset("fashion-mnist")
    with gzip.open(DEBIAN_FASHION / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(DEBIAN_FASHION / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    assert np.array_equal(loaded.images[60_000:, ..., 1], pixels)
    assert np.array_equal(loaded.labels[:60_000], labels)
    assert [len(loaded.part(split, ["Bag"])) for split in SPLITS] == [5_098, 902, 1_000]
    assert 0.14 < len(loaded.part(VALIDATION)) / 60_000 < 0.16
    assert [path.name for path in home.iterdir()] == ["cache"]  # pictures to show, and no copy of the files
    assert thumbnails("fashion-mnist", "Bag").shape == (MOST, 64, 64, 3)


@installed
def test_a_damaged_packaged_file_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "packaged"
    shutil.copytree(DEBIAN_FASHION, folder)
    damaged = folder / f"{IDX_FILES[0]}.gz"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    monkeypatch.setattr(torchvision_names, "DEBIAN_FASHION", folder)
    with pytest.raises(BadFileError, match=r"train-images.*damaged"):
        load_dataset("fashion-mnist")


def test_our_lists_of_classes_are_torchvisions() -> None:
    from torchvision import datasets

    assert list(CLASSES["fashion-mnist"]) == datasets.FashionMNIST.classes
    assert len(CLASSES["cifar10"]) == 10 and len(set(CLASSES["cifar100"])) == 100
    for name in ("cifar10", "cifar100"):
        assert list(CLASSES[name]) == sorted(CLASSES[name])


def test_names_classes_and_emoji_are_had_without_torch() -> None:
    code = (
        "import sys; from core.tasks import catalogue, data, datasets; datasets.dataset_names();"
        "data.load_task(catalogue.task('emoji-t00')).train; catalogue.task('cifar10');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_loader_exists() -> None:
    from importlib import import_module

    for entry in DATASETS.values():
        module, function = entry.loader.split(":")
        assert callable(getattr(import_module(module), function))

"""The data sets by name: one registry; every entry loads to an `ImageSet`."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path

from core.errors import MissingDataError, UnknownNameError
from core.numbers import percent
from core.paths import home
from core.tasks import allowed, emoji, folder, torchvision_names
from core.tasks.images import ImageSet
from core.tasks.memory import Kept
from core.tasks.thumbnails import keep_thumbnails
from core.tasks.titles import folder_titles

FOLDER = "folder:"
_folders: Kept[ImageSet] = Kept(0, fewest=2)  # until a file of their classes changes


@dataclass(frozen=True)
class DataSet:
    """One data set: how people call it, its classes, where its loader is, and one sentence on how it is split.

    `loader` is "module:function" and looked up when called: an import, even inside a function, would make every module
    that knows the names of data sets depend on torch, and the dashboard may not.
    """

    name: str
    title: str
    loader: str
    classes: Callable[[], tuple[str, ...]]
    available: Callable[[], bool]
    remedy: Callable[[], str]
    split: str


@dataclass(frozen=True)
class Availability:
    """Whether a data set is on this machine, and if not, one sentence on how to get it ("" if it is)."""

    available: bool
    remedy: str


def _torchvision(name: str, title: str) -> DataSet:
    return DataSet(
        name,
        title,
        "core.tasks.torchvision_sets:load",
        classes=lambda: torchvision_names.CLASSES[name],
        available=lambda: torchvision_names.place(name) is not None,
        remedy=lambda: torchvision_names.remedy(name),
        split=f"The test images of {title} for test; {percent(torchvision_names.VALIDATION_SHARE)} of its training "
        "images, by a hash of their number, for validation.",
    )


_SHIPPED = DataSet(
    "emoji", "Emoji", "core.tasks.emoji:load", lambda: tuple(emoji.about()), lambda: True, lambda: "",
    "By code point, with all its styles and variants: no emoji is in two splits.",
)  # fmt: skip
DATASETS = {
    entry.name: entry
    for entry in (
        _SHIPPED,
        _torchvision("fashion-mnist", "Fashion-MNIST"),
        _torchvision("cifar10", "CIFAR-10"),
        _torchvision("cifar100", "CIFAR-100"),
    )
}


def load_dataset(
    name: str,
    download: bool = False,
    size: int | None = None,
    classes: Collection[str] | None = None,
    skip_unreadable: bool = False,
) -> ImageSet:
    """All images of a data set by name, or of a folder of images as "folder:/path". Kept in memory once loaded.

    size: side of the squares that a folder's images are decoded to, in pixels; any other data set is as it is stored.
    classes: those of a folder whose images are wanted, as no others are then read; None for all.
    skip_unreadable: leave out a folder's images that cannot be decoded; otherwise BadFileError lists them.
    Nothing is ever downloaded unless `download` asks for it. Raises UnknownNameError, MissingDataError with the remedy,
    BadFileError where a file is broken, BadValueError for more images than memory holds.
    """
    if name.startswith(FOLDER):
        listing = folder.listed(folder.path_of(name), classes)
        key = (folder.fingerprint(listing), size, skip_unreadable)
        return _folders.get(key, partial(folder.load, listing, size, skip_unreadable))
    return _load(_entry(name).name, home(), download)


def dataset_names() -> dict[str, Availability]:
    """Every named data set, in order, with whether it is on this machine."""
    found = {name: entry.available() for name, entry in DATASETS.items()}
    return {name: Availability(ok, "" if ok else DATASETS[name].remedy()) for name, ok in found.items()}


def class_names(dataset: str) -> tuple[str, ...]:
    """The classes of a data set in its own order, without loading an image; its files need not be there."""
    if dataset.startswith(FOLDER):
        return folder.class_names(folder.path_of(dataset))
    return _entry(dataset).classes()


def class_title(dataset: str, name: str) -> str:
    """What people read for a class: a word or two."""
    if dataset == "emoji":
        return emoji.short_title(name)
    titles: Mapping[str, str] = {}
    if dataset.startswith(FOLDER):
        with suppress(MissingDataError):
            titles = folder_titles(allowed.check(folder.path_of(dataset)))
    return titles.get(name) or name.replace("_", " ")


def _entry(name: str) -> DataSet:
    if name not in DATASETS:
        raise UnknownNameError("data set", name, [*DATASETS, f"{FOLDER}/path/to/images"])
    return DATASETS[name]


@lru_cache(maxsize=4)
def _load(name: str, _home: Path, download: bool) -> ImageSet:
    """Kept per user folder, as that is where data sets are looked for."""
    module, function = DATASETS[name].loader.split(":")
    loader = getattr(import_module(module), function)
    if name == _SHIPPED.name:
        shipped: ImageSet = loader()
        return shipped
    loaded: ImageSet = loader(name, download=download)
    keep_thumbnails(loaded)
    return loaded

"""A zoo as one file, to be passed on: a zip of its own files, checked whole before it becomes a zoo here.

Torch-free.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.bundle import open_bundle, write_bundle
from core.errors import BadFileError, BadValueError, MetaVoteError
from core.pruning.config import SIMILARITIES
from core.zoo.zoo import LAYOUTS, Zoo, model_path, open_zoo, own_folder, roots

OWNER = ".order"  # in the folder of a zoo in the making: the id of the order that builds it, or nothing
BACKBONE = "backbone.safetensors"  # a zoo's own backbone, where it is passed on with it
_MEMBER = re.compile(r"zoo\.json|arrays\.safetensors|backbone\.safetensors|models/[^/\\]+\.safetensors")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def files_of(zoo: Zoo) -> list[Path]:
    """The files that make up a zoo, relative to its folder."""
    models = [model_path(Path(), task.id) for task in zoo.tasks]
    return [Path("zoo.json"), Path("arrays.safetensors"), *models]


def is_id(text: str) -> bool:
    """Whether a text can be a zoo's id: a plain file name."""
    return _ID.fullmatch(text) is not None


def half_built(id: str) -> Path | None:
    """The folder that a zoo of that id is being built in, or was until its build stopped; None where there is none."""
    folder = own_folder(id)
    return folder if folder.exists() and not (folder / "zoo.json").exists() else None


def check_place(id: str, instead: str) -> None:
    """Refuse a zoo whose place another one has for good: one that ships, or one half built, which `--replace` spares.

    instead: what to do where the id is that of a zoo that ships. Raises BadValueError.
    """
    if (roots()[1] / id).exists():
        raise BadValueError(f"A zoo {id} ships with the project and stays as it is: {instead}.")
    if (folder := half_built(id)) is not None:
        raise BadValueError(
            f"A zoo {id} is half built in {folder}: let its build go on, or remove that folder, before another has "
            "its name."
        )


def check(zoo: Zoo) -> None:
    """Read all that a zoo says it holds. Raises BadFileError, MismatchError for what is missing, damaged or foreign."""
    _check_id(zoo)
    try:
        arrays = (zoo.path / "arrays.safetensors").read_bytes()
    except OSError as error:
        raise BadFileError(f"The zoo {zoo.id} has no readable arrays.safetensors: build or import it again.") from error
    if hashlib.sha256(arrays).hexdigest() != zoo.about.get("hash"):
        raise BadFileError(f"The arrays of the zoo {zoo.id} are not those it was made with: export it again.")
    rows, tasks = len(zoo.rows), len(zoo.tasks)
    zoo.tie_break()
    _ = zoo.layers
    try:
        for kind in LAYOUTS:
            zoo.trustworthiness(kind)
        shapes = {kind: zoo.similarity(kind)[1].shape for kind in SIMILARITIES}
        places = [len(zoo.coordinates(kind)) for kind in LAYOUTS]
    except (KeyError, IndexError) as error:
        raise BadFileError(f"The zoo {zoo.id} lacks {error}: export it again.") from error
    if any(shape != (rows, tasks) for shape in shapes.values()) or any(number != rows for number in places):
        raise BadFileError(f"The arrays of the zoo {zoo.id} do not fit its {tasks} tasks: export it again.")
    for task, entry in zip(zoo.tasks, zoo.about["tasks"], strict=True):
        model = zoo.model(task.id)
        if model.task != task.to_dict():
            raise BadFileError(f"The model of {task.id} in the zoo {zoo.id} is another task's: build the zoo again.")
        # zoos that were built before hashes of models were kept have none
        digest = hashlib.sha256(model_path(zoo.path, task.id).read_bytes()).hexdigest()
        if entry.get("hash", digest) != digest:
            raise BadFileError(
                f"The model of {task.id} is not the one that the zoo {zoo.id} was made with: build the zoo again."
            )
        if dict(model.selection.sizes) != zoo.groups:
            raise BadFileError(
                f"The model of {task.id} has other channel groups than its zoo {zoo.id}: export it again."
            )


def _check_id(zoo: Zoo) -> None:
    if not is_id(zoo.id):
        raise BadFileError(f"The zoo's id {zoo.id!r} is no file name: letters, digits, dots and dashes only.")


def pack(zoo: Zoo, file: Path, backbone: Path | None = None) -> int:
    """Write a zoo to one file, whole or not at all, and its backbone's file too where that is given; returns its size
    in bytes. Raises BadFileError, MismatchError."""
    check(zoo)
    files = [(name.as_posix(), zoo.path / name) for name in files_of(zoo)]
    if backbone is not None:
        files.append((BACKBONE, backbone))
    return write_bundle(file, ((name, path.read_bytes()) for name, path in files))


def unpack(file: Path, replace: bool = False, fits: Callable[[Zoo], None] = lambda _: None) -> Zoo:
    """Make the zoo in a file one of the user's own. Nothing changes here unless its name is free and all of it whole.

    `fits`, asked last, may raise for a zoo that does not fit this machine. Raises BadFileError, MismatchError;
    BadValueError where a zoo of that id is here and `replace` is not set, ships, or is half built.
    """
    root = roots()[0]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".import-") as beside:
            folder = Path(beside) / "zoo"
            _extract(file, folder)
            zoo = open_zoo(folder)
            _check_id(zoo)
            target = _place(zoo.id, replace)
            check(zoo)
            fits(zoo)
            if _place(zoo.id, replace).exists():
                target.rename(Path(beside) / "old")
            folder.rename(target)
    except OSError as error:
        raise MetaVoteError(f"The zoo cannot be put into {root} ({error.strerror}): check that folder.") from error
    return open_zoo(target)


def _place(id: str, replace: bool) -> Path:
    """Where a zoo of that id goes. Raises BadValueError where it may not."""
    check_place(id, f"have this one exported under another name, which python -m core zoo merge NEW {id} gives it")
    target = own_folder(id)
    if target.exists() and not replace:
        raise BadValueError(f"A zoo {id} is here already: let this one replace it (--replace on the command line).")
    return target


def _extract(file: Path, folder: Path) -> None:
    with open_bundle(file, _belongs, "zoo file") as bundle:  # nothing but a zoo's own files: none lands outside
        for name in {"zoo.json", *bundle.names}:  # what lacks that one is no zoo
            bundle.copy(name, folder / name)


def _belongs(name: str) -> bool:
    return _MEMBER.fullmatch(name) is not None and ".." not in name.split("/")

"""Passing a zoo on as one file, with its backbone where that is the user's own; and taking one in, checked whole."""

from pathlib import Path

from core.backbones.listing import ENDING, about, find_backbone, folders
from core.channels.files import write_whole
from core.errors import MetaVoteError, MismatchError, UnknownNameError
from core.zoo.archive import BACKBONE, is_id, pack, unpack
from core.zoo.zoo import Zoo


def give(zoo: Zoo, file: Path, with_backbone: bool = False) -> int:
    """Write a zoo to one file; returns its size in bytes. Torch-free. Raises BadFileError, MismatchError."""
    return pack(zoo, file, backbone_of(zoo) if with_backbone else None)


def backbone_of(zoo: Zoo) -> Path:
    """The file of a zoo's backbone, by what it says itself. Raises UnknownNameError, BadFileError, MismatchError."""
    told = about(zoo.backbone)
    if told.hash != zoo.backbone_hash:
        raise _other(zoo, told.hash)
    return find_backbone(zoo.backbone)


def has_backbone(zoo: Zoo) -> bool:
    """Whether a zoo's backbone is here, so that there can be new targets and runs."""
    try:
        return bool(backbone_of(zoo))
    except MetaVoteError:
        return False


def own_backbone(zoo: Zoo) -> bool:
    """Whether a zoo is on a backbone that does not ship with the project, so that others may lack it."""
    try:
        return not about(zoo.backbone).shipped or about(zoo.backbone).hash != zoo.backbone_hash
    except MetaVoteError:
        return True


def take(file: Path, replace: bool = False) -> Zoo:
    """Make the zoo in a file, and the backbone that came with it, the user's own. Loads torch.

    Raises BadFileError, MismatchError; BadValueError where a zoo of that id is here and is not to be replaced.
    """
    return unpack(file, replace, _fits)


def _fits(zoo: Zoo) -> None:
    """Keep the backbone that came with a zoo. Raises MismatchError for a zoo of another than the one here."""
    from core.backbones.backbone import load_backbone

    came = zoo.path / BACKBONE
    if came.is_file():
        brought = load_backbone(str(came))  # which checks that it holds the weights it says
        if brought.hash != zoo.backbone_hash or not is_id(zoo.backbone):
            raise MismatchError(f"The zoo {zoo.id} came with another backbone than it was made on: export it again.")
    try:
        here = load_backbone(zoo.backbone)
    except UnknownNameError:
        if came.is_file():
            write_whole(folders()[1] / f"{zoo.backbone}{ENDING}", came.read_bytes())
            came.unlink()
        return  # else it is somebody's own: `prune --backbone FILE` checks it when it is used
    if here.hash != zoo.backbone_hash:
        raise _other(zoo, here.hash)
    came.unlink(missing_ok=True)


def _other(zoo: Zoo, hash: str) -> MismatchError:
    return MismatchError(
        f"The zoo {zoo.id} was made on another backbone that is also called {zoo.backbone} "
        f"({zoo.backbone_hash[:12]}, here {hash[:12]}): build it again on this one."
    )

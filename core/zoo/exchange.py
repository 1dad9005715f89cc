"""Passing a zoo on as one file, with its backbone where that is the user's own. Torch-free."""

from pathlib import Path

from core.backbones.listing import about, find_backbone
from core.errors import MetaVoteError, MismatchError
from core.zoo.archive import pack
from core.zoo.zoo import Zoo


def give(zoo: Zoo, file: Path, with_backbone: bool = False) -> int:
    """Write a zoo to one file; returns its size in bytes. Torch-free. Raises BadFileError, MismatchError."""
    return pack(zoo, file, backbone_of(zoo) if with_backbone else None)


def backbone_of(zoo: Zoo) -> Path:
    """The file of a zoo's backbone, by what it says itself. Raises UnknownNameError, BadFileError, MismatchError."""
    told = about(zoo.backbone)
    if told.hash != zoo.backbone_hash:
        raise other_backbone(zoo, told.hash)
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


def other_backbone(zoo: Zoo, hash: str) -> MismatchError:
    """What is raised where the backbone of a zoo's name here, with that hash, is not the one it was made on."""
    return MismatchError(
        f"The zoo {zoo.id} was made on another backbone that is also called {zoo.backbone} "
        f"({zoo.backbone_hash[:12]}, here {hash[:12]}): build it again on this one."
    )

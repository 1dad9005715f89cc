"""Passing a zoo on as one file, with its backbone where that is the user's own. Torch-free."""

from pathlib import Path

from core.backbones.identity import Identity
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
    if zoo.identity.difference(told.identity):
        raise other_backbone(zoo, told.identity)
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
        told = about(zoo.backbone)
        return not told.shipped or bool(zoo.identity.difference(told.identity))
    except MetaVoteError:
        return True


def other_backbone(zoo: Zoo, identity: Identity) -> MismatchError:
    """The error if the backbone that has the name of a zoo's here is not the one that the zoo was made on."""
    return MismatchError(
        f"The zoo {zoo.id} was made on another backbone that is also called {zoo.backbone} "
        f"({zoo.identity.difference(identity)}): build it again on this one."
    )

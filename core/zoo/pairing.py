"""Which backbone goes with a zoo: the one that was given, else the zoo's own, whatever the method. Torch-free."""

from collections.abc import Callable

from core.backbones.listing import OWN, about, backbone_ids
from core.errors import MismatchError, MissingDataError
from core.zoo.exchange import other_backbone
from core.zoo.zoo import Zoo


def recorded_hash(id: str) -> str:
    """SHA-256 of a backbone's tensors, as its file records it. Raises UnknownNameError, BadFileError."""
    return about(id).hash


def backbone_for(zoo: Zoo, given: str | None = None, hash_of: Callable[[str], str] = recorded_hash) -> str:
    """The id or file of the backbone that is pruned with a zoo: the one given, else the zoo's own.

    Raises MismatchError for one that the zoo was not made on, MissingDataError if the zoo's own is not here.
    """
    id = zoo.backbone if given is None else given
    if given is None and not (id.startswith(OWN) or id in backbone_ids()):
        raise MissingDataError(
            f"The backbone {id}, which the zoo {zoo.id} was made on, is not on this machine: add it under that name, "
            "or choose another zoo."
        )
    check_pair(zoo, id, hash_of(id))
    return id


def check_pair(zoo: Zoo, backbone: str, hash: str) -> None:
    """Raise MismatchError if a zoo was not made on the backbone with this id or file and this hash."""
    if hash == zoo.backbone_hash:
        return
    if backbone == zoo.backbone:
        raise other_backbone(zoo, hash)
    raise MismatchError(
        f"The zoo {zoo.id} was made on the backbone {zoo.backbone}, not on {backbone}: name a zoo that was made on "
        f"{backbone}, or leave the backbone out to prune the zoo's own."
    )

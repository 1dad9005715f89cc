"""Which backbone goes with a zoo: the one that was given, else the zoo's own, whatever the method. Torch-free."""

from collections.abc import Callable

from core.backbones.identity import Identity
from core.backbones.listing import OWN, about, backbone_ids
from core.errors import MismatchError, MissingDataError
from core.zoo.exchange import other_backbone
from core.zoo.zoo import Zoo


def recorded_identity(id: str) -> Identity:
    """What tells a backbone from others, as its file records it. Raises UnknownNameError, BadFileError."""
    return about(id).identity


def backbone_for(zoo: Zoo, given: str | None = None, identity_of: Callable[[str], Identity] = recorded_identity) -> str:
    """The id or file of the backbone that is pruned with a zoo: the one given, else the zoo's own.

    Raises MismatchError for one that the zoo was not made on, MissingDataError if the zoo's own is not here.
    """
    id = zoo.backbone if given is None else given
    if given is None and not (id.startswith(OWN) or id in backbone_ids()):
        raise MissingDataError(
            f"The backbone {id}, which the zoo {zoo.id} was made on, is not on this machine: add it under that name, "
            "or choose another zoo."
        )
    check_pair(zoo, id, identity_of(id))
    return id


def check_pair(zoo: Zoo, backbone: str, identity: Identity) -> None:
    """Raise MismatchError if a zoo was not made on the backbone with this id or file: its weights, size and colours."""
    differs = zoo.identity.difference(identity)
    if not differs:
        return
    if backbone == zoo.backbone:
        raise other_backbone(zoo, identity)
    why = f" ({differs})" if identity.hash == zoo.backbone_hash else ""
    raise MismatchError(
        f"The zoo {zoo.id} was made on the backbone {zoo.backbone}, not on {backbone}{why}: name a zoo that was made "
        f"on {backbone}, or leave the backbone out to prune the zoo's own."
    )

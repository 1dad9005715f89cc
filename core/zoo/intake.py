"""Taking a zoo in that comes as one file, with its backbone where that came with it; all of it checked first."""

from pathlib import Path

from core.backbones.backbone import load_backbone
from core.backbones.listing import ENDING, folders
from core.errors import MismatchError, UnknownNameError
from core.files import write_whole
from core.zoo.archive import BACKBONE, is_id, unpack
from core.zoo.exchange import other_backbone
from core.zoo.zoo import Zoo


def take(file: Path, replace: bool = False) -> Zoo:
    """Make the zoo in a file, and the backbone that came with it, the user's own.

    Raises BadFileError, MismatchError; BadValueError where a zoo of that id is here and is not to be replaced.
    """
    return unpack(file, replace, _fits)


def _fits(zoo: Zoo) -> None:
    """Keep the backbone that came with a zoo. Raises MismatchError for a zoo of another than the one here."""
    came = zoo.path / BACKBONE
    if came.is_file():
        brought = load_backbone(came)  # which checks that it holds the weights it says
        if zoo.identity.difference(brought.identity) or not is_id(zoo.backbone):
            raise MismatchError(f"The zoo {zoo.id} came with another backbone than it was made on: export it again.")
    try:
        here = load_backbone(zoo.backbone)
    except UnknownNameError:
        if came.is_file():
            write_whole(folders()[1] / f"{zoo.backbone}{ENDING}", came.read_bytes())
            came.unlink()
        return  # else it is somebody's own: `prune --backbone FILE` checks it when it is used
    if zoo.identity.difference(here.identity):
        raise other_backbone(zoo, here.identity)
    came.unlink(missing_ok=True)

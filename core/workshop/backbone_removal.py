"""Removing a backbone of the user's own. Torch-free."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.backbones.listing import ENDING, about, backbone_ids, find_backbone, folders
from core.channels.files import load_pruned
from core.errors import BadFileError, BadValueError, MetaVoteError, UnknownNameError
from core.runs.record import FINISHED, STORED
from core.runs.store import Store
from core.workshop.removal import NAMED
from core.workshop.state import BUILD, DONE, states
from core.zoo.zoo import open_zoo, roots, zoo_ids


def is_removable(id: str) -> bool:
    """Whether the backbone of that id, be it damaged, is the user's own."""
    return id in backbone_ids() and find_backbone(id).parent == folders()[1].absolute()


def remove_backbone(id: str, store: Store) -> None:
    """Delete a backbone of the user's own, readable or not. Finished runs and their models stay, and need it no more.

    Raises BadValueError for one that ships, or that a zoo, a zoo in the making or an unfinished run needs;
    UnknownNameError.
    """
    if id not in backbone_ids():
        raise UnknownNameError("backbone", id, backbone_ids())
    if not is_removable(id):
        raise BadValueError(f"The backbone {id} ships with the project: only backbones of your own can be removed.")
    file = find_backbone(id)
    _check_nothing_needs(id, _hash(id), file, store)
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".removed-", ignore_cleanup_errors=True) as beside:
            hash = _hash(id)
            aside = file.rename(Path(beside) / file.name)  # at once: nobody finds half of it
            try:
                _check_nothing_needs(id, hash, file, store)  # what was begun since
            except MetaVoteError:
                aside.rename(file)
                raise
    except OSError as error:
        raise MetaVoteError(f"{file} cannot be removed ({error.strerror}): check that folder.") from error


def _hash(id: str) -> str | None:
    """SHA-256 of its tensors; None for a damaged one, which nothing can use."""
    try:
        return about(id).hash
    except BadFileError:
        return None


def _check_nothing_needs(id: str, hash: str | None, file: Path, store: Store) -> None:
    if hash is None:
        return
    for what, names, remedy in (
        ("the zoo", list(_zoos_on(id, hash)), "remove that zoo first"),
        ("the unfinished zoo", list(_builds_on(id, hash, file)), "wait for its build to finish, or remove it first"),
        ("the unfinished run", list(_runs_on(id, file, store)), "let it finish (or resume it), or delete it first"),
    ):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            several = "s" if len(names) > 1 else ""
            raise BadValueError(
                f"The backbone {id} is needed by {what}{several} {', '.join(names[:NAMED])}{more}: {remedy}."
            )


def _zoos_on(id: str, hash: str) -> Iterator[str]:
    """The zoos that were made on that backbone; one that was made on another of its name does not need it."""
    for name in zoo_ids():
        try:
            zoo = open_zoo(name)
        except MetaVoteError:
            continue  # the Zoos page says what is wrong with it
        if (zoo.backbone, zoo.backbone_hash) == (id, hash):
            yield name


def _builds_on(id: str, hash: str, file: Path) -> Iterator[str]:
    """The zoos in the making on that backbone: orders of the Zoos page, and folders with models but no zoo yet."""
    ordered = [one.order for one in states() if one.order.kind == BUILD and one.status != DONE]
    names = {order.name for order in ordered if _is(str(order.about.get("backbone")), id, file)}
    for folder in (path.parent for path in roots()[0].glob("*/models")):
        if not (folder / "zoo.json").exists() and any(_made_on(hash, model) for model in _models(folder)):
            names.add(folder.name)
    yield from sorted(names)


def _models(folder: Path) -> list[Path]:
    return sorted((folder / "models").glob(f"[!.]*{ENDING}"))


def _made_on(hash: str, model: Path) -> bool:
    try:
        return load_pruned(model, weights=False).backbone_hash == hash
    except MetaVoteError:
        return False


def _runs_on(id: str, file: Path, store: Store) -> Iterator[str]:
    """The ids of the runs that are not finished and prune that backbone: they could still go on."""
    for status in STORED:
        if status != FINISHED:
            yield from (one.id for one in store.list(status=status) if _is(one.config.backbone, id, file))


def _is(named: str, id: str, file: Path) -> bool:
    """Whether a backbone that is named by its id or its file is this one."""
    return named == id or (named.endswith(ENDING) and os.path.realpath(named) == os.path.realpath(file))

"""Removing a zoo of the user's own, with its pruned models. Torch-free."""

import shutil
import tempfile
import time
from pathlib import Path

from core.errors import BadValueError, MetaVoteError
from core.runs import jobs
from core.runs.record import QUEUED, WITH_WORKER
from core.runs.store import Store
from core.targets.state import job_folder
from core.tasks.own import own_tasks
from core.workshop.state import MERGE, WORKING, states
from core.workshop.work import leave_to_its_process
from core.zoo.archive import OWNER, check_place
from core.zoo.zoo import find_zoo, own_folder

NAMED = 3  # runs that a refusal names
ASIDE = ".removed-"
LEFT_OVER = 3600.0  # seconds after which what a removal that was killed left behind is nobody's


def is_own(id: str) -> bool:
    """Whether a whole zoo of that id, be it damaged, is the user's own, so that it can be removed."""
    return _is_name(id) and (own_folder(id) / "zoo.json").is_file()


def remove_zoo(id: str, store: Store) -> None:
    """Delete a zoo of the user's own, readable or not. Runs that it voted for stay, and so do tasks of the user's own.

    Raises BadValueError for one that ships, that a build or merge is at work on, or that a queued or running run needs,
    and UnknownNameError.
    """
    if not is_own(id):
        if _is_name(id):
            check_place(id, "only zoos of your own can be removed")
        find_zoo(id)
        raise BadValueError(f"{id} is a folder: give the id of one of your zoos, or remove that folder yourself.")
    folder = own_folder(id)
    _check_nobody_works_on(id, folder)
    _check_no_run_needs(id, folder, store)
    _sweep(folder.parent)
    rankings = [job_folder(own.task.id, folder) for own in own_tasks()]
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=ASIDE, ignore_cleanup_errors=True) as beside:
            aside = folder.rename(Path(beside) / "zoo")  # at once: nobody finds half of it
            try:
                _check_no_run_needs(id, folder, store)  # one that was queued since
            except MetaVoteError:
                aside.rename(folder)
                raise
            for ranking in rankings:
                jobs.stop(ranking)
    except OSError as error:
        raise MetaVoteError(f"{folder} cannot be removed ({error.strerror}): check that folder.") from error


def _is_name(id: str) -> bool:
    return id not in ("", "..") and Path(id).name == id


def _check_nobody_works_on(id: str, folder: Path) -> None:
    leave_to_its_process(folder)
    for one in states():
        if one.status == WORKING and one.order.kind == MERGE and id in one.order.about["zoos"]:
            raise BadValueError(
                f"The zoo {id} is being merged into {one.order.name}: let that end, or cancel it first."
            )
    if (folder / OWNER).exists():
        raise BadValueError(
            f"The zoo {id} is being extended, or a build that extends it was stopped: let that build end, or delete "
            f"{folder} yourself."
        )


def _check_no_run_needs(id: str, folder: Path, store: Store) -> None:
    waiting = [one for status in (QUEUED, *WITH_WORKER) for one in store.list(status=status)]
    voting = [(one.id, one.config.voting_zoo) for one in waiting]
    needing = [run for run, zoo in voting if zoo is not None and (zoo == id or _place(zoo) == _place(folder))]
    if needing:
        more = f" and {len(needing) - NAMED} more" if len(needing) > NAMED else ""
        raise BadValueError(
            f"The zoo {id} is needed by runs that are not done: {', '.join(needing[:NAMED])}{more}. Let them end, or "
            "cancel them first."
        )


def _place(folder: str | Path) -> Path:
    """One path for a folder however it is written; where it is a link itself, the link's own."""
    path = Path(folder)
    return path.parent.resolve() / path.name


def _sweep(root: Path) -> None:
    """Delete what is left of zoos whose removal was killed."""
    for old in root.glob(f"{ASIDE}*"):
        if time.time() - old.stat().st_mtime > LEFT_OVER:
            shutil.rmtree(old, ignore_errors=True)

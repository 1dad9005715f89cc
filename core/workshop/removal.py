"""Removing a zoo of the user's own, with its pruned models. Torch-free."""

import tempfile
from pathlib import Path

from core.errors import BadValueError, MetaVoteError
from core.runs import jobs
from core.runs.record import QUEUED, WITH_WORKER, RunRecord
from core.runs.store import Store
from core.targets.state import job_folder
from core.tasks.own import own_tasks
from core.workshop.work import leave_to_its_process
from core.zoo.archive import check_place, is_id
from core.zoo.zoo import find_zoo, own_folder

NAMED = 3  # runs that a refusal names


def is_own(id: str) -> bool:
    """Whether a whole zoo of that id, be it damaged, is the user's own, so that it can be removed."""
    return is_id(id) and (own_folder(id) / "zoo.json").is_file()


def remove_zoo(id: str, store: Store) -> None:
    """Delete a zoo of the user's own, readable or not; runs that it voted for stay, and so do targets.

    Raises BadValueError for one that ships, is being built, or that a run still needs, and UnknownNameError.
    """
    folder = own_folder(id)
    if not is_own(id):
        if is_id(id):
            check_place(id, "only zoos of your own can be removed")
        find_zoo(id)
        raise BadValueError(f"{id} is a folder: give the id of one of your zoos, or remove that folder yourself.")
    leave_to_its_process(folder)
    if needing := [one.id for one in store.list() if _needs(one, id, str(folder.absolute()))]:
        more = f" and {len(needing) - NAMED} more" if len(needing) > NAMED else ""
        raise BadValueError(
            f"The zoo {id} is needed by runs that are not done: {', '.join(needing[:NAMED])}{more}. Let them end, or "
            "cancel them first."
        )
    for own in own_tasks():
        jobs.stop(job_folder(own.task.id, folder))
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".removed-") as beside:
            folder.rename(Path(beside) / "zoo")  # at once: nobody finds half of it
    except OSError as error:
        raise MetaVoteError(f"{folder} cannot be removed ({error.strerror}): check that folder.") from error


def _needs(run: RunRecord, id: str, folder: str) -> bool:
    waits = run.status in (QUEUED, *WITH_WORKER)
    return waits and run.config.needs_zoo and run.config.zoo in (id, folder)

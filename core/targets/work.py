"""Asking for a new target: compose, rank, cancel, remove. Returns at once; a process of its own does the work."""

import shutil
import subprocess
from collections.abc import Sequence

from core.runs import jobs
from core.targets.ranking import ranking_of
from core.targets.state import check_few, job_folder, job_folders, ranked_anywhere
from core.tasks.catalogue import named_task
from core.tasks.own import folder_of, is_own_id, keep_task, own_task, own_tasks
from core.tasks.task import Task
from core.tasks.upload import is_upload, remove_upload
from core.workers import detached
from core.zoo.zoo import Zoo

THREADS = 1  # one more would fight with a run that trains meanwhile, and lose
MODULE = "core.targets.worker"


def compose(name: str, dataset: str, classes: Sequence[str], zoo: Zoo) -> Task:
    """Make a new target of 2 to 20 classes of a data set, and see to it that it is ranked. The same one twice is one.

    Raises BadValueError, UnknownNameError, MissingDataError.
    """
    check_few(len(classes))
    task = named_task(name, dataset, classes)
    if own_task(task.id) is None:
        keep_task(task)
    rank(task.id, zoo)
    return task


def rank(id: str, zoo: Zoo) -> None:
    """See to it that a process ranks the zoo for an own task, unless that is done or under way."""
    if ranking_of(id, zoo) is None:
        jobs.start(job_folder(id, zoo.path), lambda: _spawn(id, zoo))


def cancel(id: str, zoo: Zoo) -> None:
    """Stop ranking a zoo for an own task; the task is removed where no zoo was ranked for it, or is being ranked."""
    folder = job_folder(id, zoo.path)
    jobs.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
    if not ranked_anywhere(id) and not any(map(jobs.worker_of, job_folders(id))):
        remove(id)


def remove(id: str) -> None:
    """Forget an own task and its rankings; images taken in from a zip go too, where no other own task is of them."""
    task = own_task(id) if is_own_id(id) else None
    if task is None:
        return
    for folder in job_folders(id):
        jobs.stop(folder)
    shutil.rmtree(folder_of(id), ignore_errors=True)
    if removes_images(task):
        remove_upload(task.dataset)


def removes_images(task: Task) -> bool:
    """Whether no other own task needs the images of this one's data set, so that they go with it."""
    others = [own.task for own in own_tasks() if own.task.id != task.id]
    return is_upload(task.dataset) and all(other.dataset != task.dataset for other in others)


def _spawn(id: str, zoo: Zoo) -> "subprocess.Popen[bytes]":
    log = job_folder(id, zoo.path) / jobs.LOG
    return detached(MODULE, id, str(zoo.path.absolute()), log=log, threads=THREADS, fresh_log=True)

"""Building a zoo: prune the backbone for every task, full length, then measure how similar all tasks are.

Each finished model is a file, so a build that was killed goes on where it stopped; worker processes share the tasks.
A model that collapsed (see `collapsed`) is pruned again with another seed. Where that does not help, its task has none:
all others get theirs, then the zoo is refused, and the same plan without such tasks goes on from there. All attempts
are paid for: a model's cost is theirs together, and that of looking what the dense network knows.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from core.channels.files import load_pruned, save_pruned
from core.errors import BadFileError, BadValueError, CollapsedError, DivergedError, MetaVoteError
from core.numbers import counted, percent
from core.pruning.config import RunConfig
from core.pruning.schedule import schedule_of
from core.tasks.data import load_task
from core.tasks.task import Task
from core.workers import in_processes
from core.zoo.archive import OWNER, is_id
from core.zoo.plan import ATTEMPTS, Plan, as_planned, check
from core.zoo.zoo import model_path, open_zoo, roots

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone
    from core.tasks.data import TaskData
    from core.zoo.describe import Contents


@dataclass(frozen=True)
class Collapse:
    """A task whose model collapsed with every seed: validation accuracy at best, dense and untrained, by guessing."""

    task: str
    best: float
    dense: float
    chance: float


@dataclass(frozen=True)
class Progress:
    """One step of a build: `done` of `total` models, the task just finished, its validation accuracy."""

    done: int
    total: int
    task: str
    accuracy: float
    seconds: float


def build_zoo(
    folder: Path, plan: Plan, workers: int = 1, replace_old: bool = False, owner: str = ""
) -> Iterator[Progress]:
    """Build the zoo in `folder`, going on where an earlier build stopped. Yields after each model, works when asked.

    A backbone given as a file becomes one of the user's own, so that the zoo finds it by its id. Closing the iterator
    stops the build at once, and so does the first model that cannot be made, unless it collapsed. Until the zoo is
    whole, its folder says who builds it: the order `owner`, or none. Raises BadValueError at once for what cannot be a
    zoo, and where one is here, whole or half built, that would lose models or targets and it is not to `replace_old`;
    CollapsedError in the end for tasks whose models collapsed.
    """
    check(plan, workers)
    if not replace_old and any(_loses(zoo, plan) for zoo in _there(folder, plan.id)):
        raise BadValueError(
            f"A zoo {plan.id} already exists, finished or half built, with other tasks, settings or engine version: "
            "choose another name, or replace it (--replace on the command line)."
        )
    return _steps(folder, plan, workers, owner)


def _there(folder: Path, id: str) -> Iterator[Path]:
    """The zoos that would be found by that id no more: the one in the folder, and one that ships."""
    own, shipped = roots()
    places = [folder, shipped / id] if folder.absolute() == (own / id).absolute() else [folder]
    return (place.absolute() for place in places if place.exists())


def _loses(there: Path, plan: Plan) -> bool:
    """Whether a zoo has a model that is not as planned, or a target that is not planned for; or cannot say so.

    One that is half built loses those models alone that would be made anew: others stay where they are.
    """
    done = [task for task in plan.tasks if finished(there, plan, task)]
    if any(_readable(there, task) for task in plan.tasks if task not in done):
        return True
    if not (there / "zoo.json").exists():
        return False
    try:
        zoo = open_zoo(there)
    except BadFileError:
        return True
    return any(task not in done for task in zoo.tasks) or any(
        target not in (*plan.tasks, *plan.targets) for target in zoo.targets
    )


def _readable(folder: Path, task: Task) -> bool:
    """Whether there is a whole model of this task, however it was made."""
    try:
        load_pruned(model_file(folder, task), weights=False)
    except MetaVoteError:
        return False
    return True


def _steps(folder: Path, plan: Plan, workers: int, owner: str) -> Iterator[Progress]:
    from core.backbones.backbone import keep_backbone
    from core.zoo.describe import describe

    plan = replace(plan, backbone=keep_backbone(plan.backbone).id)
    (folder / "models").mkdir(parents=True, exist_ok=True)
    (folder / OWNER).write_text(owner)
    start, total = time.perf_counter(), len(plan.tasks)
    done = [task for task in plan.tasks if finished(folder, plan, task)]
    for number, task in enumerate(done, 1):
        yield Progress(number, total, task.id, accuracy_of(folder, task), 0.0)
    missing = [task for task in plan.tasks if task not in done]
    if any(model_file(folder, task).exists() for task in missing):
        (folder / "zoo.json").unlink(missing_ok=True)  # else it would tell of models that are being replaced
    failed: list[Collapse] = []
    for task, collapse in _built(folder, plan, missing, workers):
        if collapse is not None:
            failed.append(collapse)
            continue
        done.append(task)
        yield Progress(len(done), total, task.id, accuracy_of(folder, task), time.perf_counter() - start)
    if failed:
        raise _refused(plan, failed, len(done))
    describe(folder, contents_of(folder, plan))
    (folder / OWNER).unlink(missing_ok=True)


def _built(folder: Path, plan: Plan, missing: Sequence[Task], workers: int) -> Iterator[tuple[Task, Collapse | None]]:
    """Build models, here or in worker processes; yields each task when its model is there, or collapsed."""
    if workers == 1:
        for task in missing:
            yield task, build_model(folder, plan, task)
    elif missing:
        yield from in_processes(partial(build_model, folder, plan), missing, workers, plan.threads)


def _refused(plan: Plan, failed: Sequence[Collapse], made: int) -> CollapsedError:
    """What is said of tasks that have no model, so that there is no zoo."""
    first, *more = sorted(failed, key=lambda one: [task.id for task in plan.tasks].index(one.task))
    told = (
        f"{first.task} gets {percent(first.best)} of its validation images right at best (the unpruned network, "
        f"untrained, {percent(first.dense)}, guessing {percent(first.chance)})"
    )
    told += "".join(f"; {one.task} {percent(one.best)} ({percent(one.dense)}, {percent(one.chance)})" for one in more)
    ids = [one.task for one in (first, *more)]
    tasks, these = ("A task", "it") if not more else (f"{len(ids)} tasks", "them")
    are = "is" if made == 1 else "are"
    kept = f"; {counted(made, 'other model')} {are} kept: go on without {these} (--without on the command line), or"
    return CollapsedError(
        f"{tasks} collapsed in pruning, with each of {ATTEMPTS} seeds: {told}{kept if made else ':'} give all tasks "
        "more iterations or a higher keep ratio.",
        ids if made else (),
    )


def checked(plan: Plan, workers: int, notice: Callable[[str], None] = lambda sentence: None) -> Plan:
    """The plan with a path of its backbone that holds from any folder; refused before any work where it cannot work.

    notice: receives each sentence that there is to say about the tasks' images, such as repeated ones, once. Raises
    BadValueError for what cannot be a zoo; UnknownNameError, MissingDataError, BadFileError for what it names.
    """
    from core.backbones.backbone import find_backbone, is_file_name, load_backbone

    if not is_id(plan.id):
        raise BadValueError(f"A zoo's id is made of letters, digits, dots and dashes, unlike {plan.id!r}.")
    check(plan, workers)
    schedule_of(plan.config(plan.tasks[0]))
    size = load_backbone(plan.backbone).size
    said: set[str] = set()
    for each in (*plan.tasks, *plan.targets):
        for sentence in load_task(each, size, plan.skip_unreadable).notices:
            if sentence not in said:
                notice(sentence)
            said.add(sentence)
    return replace(plan, backbone=str(find_backbone(plan.backbone))) if is_file_name(plan.backbone) else plan


def model_file(folder: Path, task: Task) -> Path:
    """Where a task's pruned model is."""
    return model_path(folder, task.id)


def finished(folder: Path, plan: Plan, task: Task) -> bool:
    """Is there a whole model of this task, made as planned on that backbone as it is now, whatever its name was?"""
    from core.backbones.backbone import load_backbone

    try:
        model = load_pruned(model_file(folder, task), weights=False)
    except MetaVoteError:
        return False
    backbone = load_backbone(plan.backbone)
    return as_planned(model, plan, task) and not model.identity.difference(backbone.identity)


def accuracy_of(folder: Path, task: Task) -> float:
    """Validation accuracy of a finished model."""
    return float(load_pruned(model_file(folder, task), weights=False).origin["validation_accuracy"])


def collapsed(accuracy: float, dense: float, classes: int) -> bool:
    """Did pruning lose over half of what the dense backbone with a prototype head, untrained, knows beyond chance?"""
    chance = 1 / classes
    return accuracy - chance < 0.5 * (dense - chance)


def build_model(folder: Path, plan: Plan, task: Task) -> Collapse | None:
    """Prune for one task and save the model (float16); another seed where it collapsed, and none after ATTEMPTS."""
    from core.backbones.backbone import load_backbone
    from core.pruning.loop import prune_events

    backbone = load_backbone(plan.backbone)
    data = load_task(task, backbone.size, plan.skip_unreadable)
    dense, cost = dense_accuracy(plan.config(task), task, data, backbone)
    best: float | None = None
    diverged: DivergedError | None = None
    for attempt in range(ATTEMPTS):
        config = plan.config(task, attempt)
        curve, model = [], None
        try:
            for event in prune_events(config, task, data, backbone):
                if event.kind == "evaluation":
                    curve.append({"iteration": event.iteration, "accuracy": round(event.accuracy, 4)})  # type: ignore[union-attr]
                elif event.kind == "slimmed":
                    model = event.model  # type: ignore[union-attr]
        except DivergedError as error:  # collapsed too, but of no accuracy: told as it is where no seed has one
            cost, diverged = added(cost, error.cost), error
            continue
        assert model is not None
        cost = added(cost, model.origin["cost"])
        accuracy = float(model.origin["validation_accuracy"])
        if not collapsed(accuracy, dense, len(task.classes)):
            origin = {**model.origin, "curve": curve, "attempts": attempt + 1, "dense_accuracy": dense, "cost": cost}
            save_pruned(replace(model, origin=origin), model_file(folder, task), half=True)
            return None
        best = max(best or 0.0, accuracy)
    if best is None:
        assert diverged is not None
        raise diverged
    return Collapse(task.id, best, dense, 1 / len(task.classes))


def dense_accuracy(
    config: RunConfig, task: Task, data: "TaskData", backbone: "Backbone"
) -> tuple[float, dict[str, Any]]:
    """(validation accuracy of the dense backbone with a prototype head, untrained; what finding it out cost)."""
    import torch

    from core.pruning.events import Evaluation
    from core.pruning.work import Pruning

    torch.set_num_threads(config.threads)
    dense = Pruning(replace(config, method="dense", weights=None, iterations=0), task, data, backbone, (), None)
    (first,) = (event for event in dense.prepare() if isinstance(event, Evaluation))
    return first.accuracy, dense.meter.cost()


def added(cost: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two costs as one: sums, but of peak memory the larger; words are those of the second."""
    summed = {key: value + cost.get(key, 0) for key, value in more.items() if isinstance(value, int | float)}
    peak = max(cost.get("peak_memory_bytes", 0), more.get("peak_memory_bytes", 0))
    return {**cost, **more, **summed, "peak_memory_bytes": peak}


def contents_of(folder: Path, plan: Plan) -> "Contents":
    """What the zoo holds, once its models are there. Its keep ratio is of the channels, whatever the budget counted."""
    from core.backbones.backbone import load_backbone
    from core.zoo.describe import Contents

    config, keep = plan.config(plan.tasks[0]), plan.keep
    if not config.budget.by_groups:
        models = [load_pruned(model_file(folder, task), weights=False) for task in plan.tasks]
        keep = round(fmean(model.selection.keep_ratio() for model in models), 4)
    backbone = load_backbone(plan.backbone)
    return Contents(plan.id, plan.tasks, plan.targets, backbone, keep, config.to_dict(), plan.seed)

"""Zoos made of models that are there: a model added to one, or several zoos of one backbone merged into a new one.

Two models for the same classes of a data set are one too many: that of the zoo named first stays. Where two tasks have
the same id but other classes, the later one is named by its classes. A target that has a model now is a zoo task.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from core.backbones.backbone import Backbone, load_backbone
from core.channels.files import PrunedModel, load_pruned, save_pruned
from core.errors import BadValueError, MetaVoteError, MismatchError
from core.paths import ASSETS
from core.pruning.config import RunConfig
from core.tasks.task import Task, ad_hoc_id
from core.zoo.archive import check_place, is_id
from core.zoo.describe import Contents, describe
from core.zoo.zoo import Zoo, model_path, open_zoo, own_folder, same_classes, zoo_ids

Source = PrunedModel | Path  # a model, or the file of one that is taken as it is


@dataclass(frozen=True)
class Merged:
    """A zoo made of others. left_out: (zoo, its task, the equal task that stays). renamed: (zoo, old id, new id)."""

    zoo: Zoo
    left_out: tuple[tuple[str, str, str], ...]
    renamed: tuple[tuple[str, str, str], ...]


def add(zoo: Zoo, model: PrunedModel, replace_equal: bool = False) -> Zoo:
    """The zoo with one more model; where the model's task was a target, it is one no longer.

    Raises BadValueError where the zoo has a model for that task, and is not to `replace_equal`, or ships with the
    project; MismatchError for a model of another backbone.
    """
    if ASSETS in zoo.path.resolve().parents:
        raise BadValueError(
            f"The zoo {zoo.id} ships with the project and stays as it is: make one of your own of it first, with "
            f"python -m core zoo merge my-zoo {zoo.id}"
        )
    backbone, task = _backbone_of(zoo), Task.from_dict(model.task)
    if differs := model.identity.difference(backbone.identity):
        raise MismatchError(
            f"The model of {task.id} was pruned from another backbone than the zoo {zoo.id}: {model.backbone}, not "
            f"{backbone.id} ({differs}): add it to a zoo of its own backbone."
        )
    equal = [other for other in zoo.tasks if other.id == task.id or same_classes(other, task)]
    if equal and not replace_equal:
        raise BadValueError(
            f"The zoo {zoo.id} has a model for {equal[0].id} already: replace it (--replace on the command line)."
        )
    kept: list[tuple[Task, Source]] = [
        (other, model_path(zoo.path, other.id)) for other in zoo.tasks if other not in equal
    ]
    return _written(zoo.path, zoo.id, [*kept, (task, model)], zoo.targets, backbone, [zoo])


def start(id: str, model: PrunedModel, backbone: Backbone) -> Zoo:
    """A new zoo with one model in it. Raises BadValueError where there is a zoo of that id, whole or half built."""
    _check_new(id, replace_old=False)
    return _written(own_folder(id), id, [(Task.from_dict(model.task), model)], (), backbone, ())


def merge(id: str, zoos: Sequence[Zoo], replace_old: bool = False) -> Merged:
    """A new zoo of the models and targets of others, on the one backbone that they share.

    Raises MismatchError for zoos of different backbones, BadValueError where there is a zoo of that id and it is not to
    `replace_old`, ships, or is half built.
    """
    _check_new(id, replace_old)
    for other in zoos[1:]:
        if differs := zoos[0].identity.difference(other.identity):
            raise MismatchError(
                f"The zoos {zoos[0].id} and {other.id} were made on different backbones, {zoos[0].backbone} and "
                f"{other.backbone} ({differs}), so their models cannot vote together: merge zoos on one backbone."
            )
    chosen: list[tuple[Task, Source]] = []
    left_out, renamed = [], []
    for zoo in zoos:
        for task in zoo.tasks:
            if equal := next((one for one, _ in chosen if same_classes(one, task)), None):
                left_out.append((zoo.id, task.id, equal.id))
            elif any(one.id == task.id for one, _ in chosen):
                own = replace(task, id=ad_hoc_id(task.dataset, task.classes))
                renamed.append((zoo.id, task.id, own.id))
                chosen.append((own, replace(zoo.model(task.id), task=own.to_dict())))
            else:
                zoo.model(task.id, weights=False)  # which says where it is damaged, or of another backbone
                chosen.append((task, model_path(zoo.path, task.id)))
    targets = [target for zoo in zoos for target in zoo.targets]
    made = _written(own_folder(id), id, chosen, targets, _backbone_of(*zoos), zoos)
    return Merged(made, tuple(left_out), tuple(renamed))


def _check_new(id: str, replace_old: bool) -> None:
    if not is_id(id):
        raise BadValueError(f"A zoo's id is made of letters, digits, dots and dashes, unlike {id!r}.")
    check_place(id, "choose another name")
    if id in zoo_ids() and not replace_old:
        raise BadValueError(
            f"A zoo {id} is here already: choose another name, or replace it (--replace on the command line)."
        )


def _backbone_of(*zoos: Zoo) -> Backbone:
    """The backbone of zoos that share one, by whichever of its names finds it here."""
    failure: MetaVoteError | None = None
    for name in dict.fromkeys(zoo.backbone for zoo in zoos):
        try:
            backbone = load_backbone(name)
        except MetaVoteError as error:
            failure = error
            continue
        if not zoos[0].identity.difference(backbone.identity):
            return backbone
    raise failure or MismatchError(
        f"The zoo {zoos[0].id} was made on another {zoos[0].backbone} than the one here: use what belongs together."
    )


def _written(
    target: Path,
    id: str,
    chosen: Sequence[tuple[Task, Source]],
    targets: Sequence[Task],
    backbone: Backbone,
    known: Sequence[Zoo],
) -> Zoo:
    """Write a zoo, which takes the place of the one that is there once it is whole."""
    tasks = [task for task, _ in chosen]
    open_ = _open(targets, tasks)
    with in_place_of(target) as folder:
        for task, source in chosen:
            file = model_path(folder, task.id)
            if isinstance(source, Path):
                shutil.copyfile(source, file)
            else:
                save_pruned(source, file, half=True)
        new = [source.origin for _, source in chosen if not isinstance(source, Path)]
        keep, config = _keep(folder, tasks), _config(known, new)
        seed = int((config or {}).get("seed", 0))
        describe(folder, Contents(id, tuple(tasks), tuple(open_), backbone, keep, config, seed, tuple(known)))
    return open_zoo(target)


def _open(targets: Sequence[Task], tasks: Sequence[Task]) -> list[Task]:
    """The targets that are none of the tasks, each problem and each id once."""
    found: list[Task] = []
    for target in targets:
        taken = [*tasks, *found]
        if not any(target.id == one.id or same_classes(target, one) for one in taken):
            found.append(target)
    return found


def _keep(folder: Path, tasks: Sequence[Task]) -> float:
    """The keep ratio that all models were asked to end at, else the mean share of channels that they keep."""
    models = [load_pruned(model_path(folder, task.id), weights=False) for task in tasks]
    asked = {_asked(model) for model in models}
    if len(asked) == 1:
        return next(iter(asked))
    return max(0.01, round(fmean(model.selection.keep_ratio() for model in models), 2))


def _asked(model: PrunedModel) -> float:
    """The keep ratio that its run was asked for, where that is of the channels of every group; else what it keeps."""
    config = model.origin.get("config")
    if config and RunConfig.from_dict(config).budget.by_groups:
        return float(config["keep"])
    return round(model.selection.keep_ratio(), 2)


def _config(known: Sequence[Zoo], new: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """How the models of all these zoos, and new ones of these origins, were made, but for the task; None where that
    differs."""
    if not known:
        return None
    told: list[dict[str, Any]] = [dict(of.get("config") or {}) for of in (*(zoo.about for zoo in known), *new)]
    same = all({**one, "task": ""} == {**told[0], "task": ""} for one in told)
    return told[0] if same and told[0] else None


@contextmanager
def in_place_of(target: Path) -> Iterator[Path]:
    """A folder to write a zoo in, which takes the target's place once all went well, and only then."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".zoo-") as beside:
            folder = Path(beside) / "zoo"
            (folder / "models").mkdir(parents=True)
            yield folder
            if target.exists():
                target.rename(Path(beside) / "old")
            folder.rename(target)
    except OSError as error:
        raise MetaVoteError(f"The zoo cannot be put into {target} ({error.strerror}): check that folder.") from error

"""`tasks` and `neighbours`: what there is to prune for, and which tasks of a zoo are like it."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, say, table
from core.cli.parser import Verbs, add_skip_unreadable, add_task, check_k, listed, one_of, task_of, whole
from core.numbers import count, counted, decimal, megabytes

if TYPE_CHECKING:
    from rich.console import Console

    from core.tasks.task import Task
    from core.zoo.zoo import Neighbour, Zoo


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    parser = verbs.add(
        "tasks", list_tasks, "List the tasks that ship with the project, or the classes of a data set; download one.",
        "tasks --targets\ntasks --json\ntasks --dataset folder:/path/to/images\n"
        "tasks --dataset emoji --classes 'animal-*'\ntasks --download cifar10",
    )  # fmt: skip
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--targets", dest="kind", action="store_const", const="targets", help="only the target tasks")
    kind.add_argument("--zoo", dest="kind", action="store_const", const="zoo", help="only the tasks of the zoo")
    kind.add_argument("--download", metavar="NAME", help="get a data set that is not here; nothing else downloads any")
    kind.add_argument("--dataset", metavar="NAME", help="the classes of a data set, and how many images each has")
    parser.add_argument("--classes", metavar="A,B,...", help="only these of its classes; 'animal-*' means all it fits")
    add_skip_unreadable(parser)
    parser.add_argument(
        "--setting", help="a shipped setting: emoji (default), emoji-disjoint (no class in common) or fashion"
    )

    parser = verbs.add(
        "neighbours",
        neighbours,
        "Rank the zoo's tasks by their similarity to a task, best first.",
        "neighbours emoji-t00 -k 5\nneighbours --dataset emoji --classes animal-mammal,animal-bird,tool",
    )
    add_task(parser)
    add_ranking(parser)


def add_ranking(parser: argparse.ArgumentParser) -> None:
    """The options that say how neighbours are ranked, and in which zoo."""
    parser.add_argument("-k", type=whole(1), default=5, metavar="K", help="how many neighbours (default: %(default)s)")
    parser.add_argument("--similarity", type=one_of("similarity", similarities), default="leep", metavar="NAME",
                        help="leep, logme or prototypes (default: %(default)s)")  # fmt: skip
    parser.add_argument("--zoo", metavar="ZOO", help="a zoo's id, or its folder (default: the embedded one)")
    add_skip_unreadable(parser)


def similarities() -> tuple[str, ...]:
    """The names of the similarities."""
    from core.pruning.config import SIMILARITIES

    return SIMILARITIES


def list_tasks(args: argparse.Namespace) -> Answer:
    """[{"id", "dataset", "classes", "title", "kind", "setting"}]; with --download and --dataset as theirs."""
    if args.classes is not None and args.dataset is None:
        raise UsageError("Classes are of a data set: name it with --dataset.")
    if args.download is not None:
        return download(args)
    if args.dataset is not None:
        return classes(args)
    from core.reports.tables import Column
    from core.tasks import catalogue

    setting = args.setting or catalogue.SETTING
    kinds = (args.kind,) if args.kind else catalogue.KINDS
    found = [
        {**task.to_dict(), "title": task.title, "kind": kind, "setting": setting}
        for kind in kinds
        for task in catalogue.tasks(kind, setting)
    ]
    columns: list[Column[dict[str, Any]]] = [
        Column("task", lambda one: one["id"], numeric=False),
        Column("kind", lambda one: one["kind"].removesuffix("s"), numeric=False),
        Column("classes", lambda one: ", ".join(one["classes"]), numeric=False),
    ]
    return Answer(found, lambda out: table(out, columns, found))


def classes(args: argparse.Namespace) -> Answer:
    """{"dataset", "task", "images", "imbalance", "split", "splits", "bytes", "classes": [{"name", "title", "train",
    ...}], "checked", "left_out", "unreadable", "skipped", "repeats"}, as `Summary` and `Findings` have them."""
    from core.reports.by_class import uneven_words
    from core.reports.tables import Column
    from core.tasks.datasets import FOLDER
    from core.tasks.memory import AS_FLOATS
    from core.tasks.summary import MOST_CHECKED, ClassCount, summarise

    found = summarise(
        args.dataset, None if args.classes is None else listed(args.classes), bool(args.skip_unreadable), check=True
    )
    columns: list[Column[ClassCount]] = [
        Column("class", lambda one: one.name, numeric=False),
        Column("title", lambda one: one.title if one.title != one.name else None, numeric=False),
        Column("train", lambda one: one.train),
        Column("validation", lambda one: one.validation),
        Column("test", lambda one: one.test),
    ]
    images = found.images
    lines = [
        f"{counted(len(found.classes), 'class', 'classes')}, {count(sum(images.values()))} images: "
        f"{count(images['train'])} for training, {count(images['validation'])} for validation, "
        f"{count(images['test'])} for test.",
        f"Split: {found.split}",
        f"In memory: {', '.join(f'{megabytes(size)} at {side} pixels' for side, size in found.bytes.items())}; "
        f"{1 + AS_FLOATS} times that while a run trains.",
    ]
    lines += found.findings.sentences()
    if found.dataset.startswith(FOLDER) and not found.checked:
        lines.append(f"Image check skipped (over {count(MOST_CHECKED)} images): prune checks the images of its task.")
    if uneven := uneven_words(found.imbalance):
        lines.insert(1, f"{uneven}: see prune --sampling balanced.")

    def show(out: "Console") -> None:
        table(out, columns, found.classes, found.task)
        say(out, *lines)

    return Answer(found.to_dict(), show)


def download(args: argparse.Namespace) -> Answer:
    """{"dataset", "images", "classes": [...], "downloaded": whether it was not here before}."""
    from core.errors import UnknownNameError
    from core.tasks.datasets import dataset_names, load_dataset

    name, known = args.download, dataset_names()
    if name not in known:
        raise UnknownNameError("data set", name, known)
    loaded = load_dataset(name, download=True)
    document = {
        "dataset": name,
        "images": len(loaded.images),
        "classes": list(loaded.classes),
        "downloaded": not known[name].available,
    }
    found = "was here already" if known[name].available else "is here now"
    classes = counted(len(loaded.classes), "class", "classes")
    line = f"The data set {name} {found}: {count(len(loaded.images))} images in {classes}."
    return Answer(document, lambda out: say(out, line))


def ranked(args: argparse.Namespace, task: "Task", zoo: "Zoo") -> "list[Neighbour]":
    """The task's neighbours in the zoo, best first. Loads torch only for a task whose similarities are not stored."""
    from core.tasks.datasets import FOLDER

    check_k(args.k, len(zoo.voters(task)))
    if zoo.holds(task) and not task.dataset.startswith(FOLDER):  # a folder's pictures may have changed
        return zoo.neighbours(task, args.k, args.similarity)
    from core.backbones.backbone import load_backbone
    from core.tasks.data import load_task
    from core.zoo.pairing import backbone_for
    from core.zoo.similarity import neighbours_of

    backbone = load_backbone(backbone_for(zoo))
    data = load_task(task, backbone.size, bool(args.skip_unreadable))
    return neighbours_of(zoo, task, data, backbone, args.k, args.similarity)


def neighbours(args: argparse.Namespace) -> Answer:
    """[{"task", "similarity", "dataset", "classes", "shared", "validation_accuracy"}], best first."""
    from core.reports.tables import Column, share

    task, zoo = task_of(args), opened(args)
    found = [
        {
            **near.to_dict(),
            "shared": task.shared(near.task),
            "validation_accuracy": zoo.accuracy(near.task.id),
        }
        for near in ranked(args, task, zoo)
    ]
    columns: list[Column[dict[str, Any]]] = [
        Column("task", lambda one: one["task"], numeric=False),
        Column(args.similarity, lambda one: one["similarity"], lambda value: decimal(value, 4)),
        Column("classes in common", lambda one: one["shared"]),
        Column("its accuracy", lambda one: one["validation_accuracy"], share),
        Column("classes", lambda one: ", ".join(one["classes"]), numeric=False),
    ]
    return Answer(found, lambda out: table(out, columns, found, f"{task.id}: {', '.join(task.classes)}"))


def opened(args: argparse.Namespace) -> "Zoo":
    """The zoo asked for, or the embedded one."""
    from core.zoo.zoo import DEFAULT, open_zoo

    return open_zoo(args.zoo or DEFAULT)

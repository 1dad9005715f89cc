"""`zoo build`, `zoo add`, `zoo merge`: zoos made, extended, and made of others."""

import argparse
from typing import TYPE_CHECKING

from core.channels.budget import KIND
from core.cli.answer import Answer, UsageError, notice
from core.cli.parser import Verbs, add_budget, add_skip_unreadable, keep_ratio, one_of, place, whole
from core.cli.progress import CountBar, bars
from core.cli.zoos import described
from core.errors import BadValueError, MetaVoteError
from core.numbers import percent

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone
    from core.channels.files import PrunedModel
    from core.zoo.plan import Plan


def add_build(actions: Verbs) -> None:
    """Add `zoo build`."""
    parser = actions.add(
        "build", build, "Prune the backbone for many tasks; a build that was stopped goes on where it was.",
        "zoo build my-zoo --tasks emoji:tool+plant+heart emoji:sport+flag+person --method taylor\n"
        "zoo build my-zoo --tasks emoji:tool+plant emoji:sport+flag --backbone my-backbone.safetensors\n"
        "zoo build my-zoo --from tasks.yaml --workers 2\n"
        "zoo build --setting emoji --workers 2\n"
        "zoo build apart --setting emoji-disjoint",
    )  # fmt: skip
    parser.add_argument(
        "zoo", nargs="?", metavar="ZOO", help="the new zoo's id (default: what the file or the setting says)"
    )
    parser.add_argument("--tasks", nargs="+", action="extend", metavar="TASK", help="the tasks to prune for")
    help = "instead: a YAML of tasks and settings (docs/zoos.md); what is given here goes before its own"
    parser.add_argument("--from", dest="recipe", type=place, metavar="FILE", help=help)
    parser.add_argument(
        "--targets", nargs="+", action="extend", metavar="TASK", help="tasks to show on its map as targets"
    )
    parser.add_argument("--without", nargs="+", action="extend", default=[], metavar="TASK",
                        help="leave these tasks out, as those whose models collapsed")  # fmt: skip
    parser.add_argument("--setting", metavar="NAME", help="instead: the tasks of a shipped setting, such as emoji")
    parser.add_argument("--out", type=place, metavar="FOLDER", help="default: the folder zoos/ZOO in the user's folder")
    parser.add_argument(
        "--backbone",
        metavar="ID",
        help="a backbone's id, or a file, which is copied to your backbones (default: the embedded one)",
    )
    parser.add_argument("--method", type=one_of("method", _methods), metavar="NAME", help="default: taylor")
    parser.add_argument("--keep", type=keep_ratio, metavar="RATIO", help="keep ratio (default: 0.2)")
    add_budget(parser)
    parser.add_argument("--iterations", type=whole(0), metavar="N", help="training iterations a model (default: 240)")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="seed of every random draw (default: 0)")
    parser.add_argument(
        "--learning-rate", dest="learning_rate", type=float, metavar="RATE",
        help="peak of the learning rate (default: 0.02)",
    )  # fmt: skip
    add_skip_unreadable(parser)
    parser.add_argument("--threads", type=whole(1), metavar="N", help="CPU threads a worker (default: 1)")
    parser.add_argument("--workers", type=whole(1), metavar="N", help="processes (default: 1)")
    parser.add_argument("--replace", action="store_true", help="replace a zoo of that id, of other tasks or settings")


def _methods() -> list[str]:
    from core.zoo.plan import buildable

    return buildable()


def add_extend(actions: Verbs) -> None:
    """Add `zoo add` and `zoo merge`."""
    one = actions.add(
        "add", add_model, "Add a pruned model to a zoo: one that was made elsewhere, one of our files, or a run's.",
        "zoo add my-zoo --task emoji:tool+plant --model slim.pth --kept kept.json\n"
        "zoo add my-zoo --model slim.safetensors\n"
        "zoo add my-zoo --run RUN\n"
        "zoo add new-zoo --task emoji:tool+plant --model slim.pth --kept kept.json --backbone my-backbone",
    )  # fmt: skip
    one.add_argument("zoo", metavar="ZOO", help="a zoo's id, or its folder; with --backbone, the id of a new one")
    one.add_argument(
        "--task", metavar="TASK", help="the task that the model is for (default: the one that its file says)"
    )
    one.add_argument("--model", type=place, metavar="FILE",
                     help="slim tensors: a .safetensors file, or a state dict that torch saved")  # fmt: skip
    one.add_argument(
        "--kept",
        type=place,
        metavar="FILE",
        help='what it keeps, as JSON: {"layer1.0.conv1": [0, 3, 7], ...}; our own files say so themselves',
    )
    one.add_argument("--run", metavar="RUN", help="instead: a finished run, whose model is added")
    one.add_argument("--backbone", metavar="ID", help="make a new zoo, on this backbone")
    one.add_argument("--replace", action="store_true", help="replace the zoo's model of the same task")
    one = actions.add(
        "merge", merge, "Make a new zoo of the models of several, or of one; they need the same backbone.",
        "zoo merge all-of-them my-zoo your-zoo\nzoo merge my-copy emoji-resnet18-simclr",
    )  # fmt: skip
    one.add_argument("zoo", metavar="NEW", help="the new zoo's id")
    one.add_argument("zoos", nargs="+", metavar="ZOO",
                     help="where two have a model for the same classes, that of the zoo named first stays")  # fmt: skip
    one.add_argument("--replace", action="store_true", help="replace your zoo of the same id")


def build(args: argparse.Namespace) -> Answer:
    """The new zoo, as `info` shows it."""
    from core.workshop.work import leave_to_its_process
    from core.zoo.build import build_zoo
    from core.zoo.zoo import open_zoo, own_folder

    plan, workers = _plan(args)
    folder = args.out or own_folder(plan.id)
    leave_to_its_process(folder)
    done = 0
    with bars() as progress:
        bar = CountBar(progress, "pruned models")
        try:
            for step in build_zoo(folder, plan, workers, args.replace):
                done = step.done
                bar(step.done, step.total, f"{step.task}: validation accuracy {percent(step.accuracy, 1)}")
        except KeyboardInterrupt:
            told = f"The build was stopped with {done} of {len(plan.tasks)} models done"
            raise MetaVoteError(f"{told}: give the same command again to go on from there.") from None
    return described(open_zoo(folder.absolute()))


def _plan(args: argparse.Namespace) -> "tuple[Plan, int]":
    """(what to build, by how many worker processes), refused before any work where it cannot work."""
    from dataclasses import replace

    from core.zoo.build import checked
    from core.zoo.plan import left

    plan, workers = _asked(args)
    plan = replace(plan, tasks=left(plan.tasks, args.without))
    names = ("backbone", "method", "keep", "iterations", "seed", "threads", "learning_rate", "skip_unreadable", *KIND)
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    try:
        return checked(replace(plan, **given), args.workers or workers, notice), args.workers or workers
    except BadValueError as error:
        raise UsageError(str(error)) from error


def _asked(args: argparse.Namespace) -> "tuple[Plan, int]":
    """The plan before options change it: of named tasks, a file, or a shipped setting."""
    from dataclasses import replace

    from core.tasks.catalogue import task
    from core.zoo.plan import Plan, shipped_plan
    from core.zoo.recipe import plan_of, read_recipe

    if sum(map(bool, (args.tasks, args.recipe, args.setting))) > 1:
        raise UsageError("Say once which tasks the zoo is for: name them with --tasks, or give a --setting, or a file.")
    targets = None if args.targets is None else tuple(task(name) for name in args.targets)
    if args.tasks:
        named = tuple(task(name) for name in args.tasks)
        return Plan(args.zoo or "", named, targets or (), shipped_plan().backbone), 1
    if args.recipe:
        plan, workers = plan_of(read_recipe(args.recipe))
    elif args.setting:
        plan, workers = shipped_plan(args.setting), 1
    else:
        raise UsageError("Say which tasks the zoo is for: name them with --tasks, or give a --setting, or a file.")
    return replace(plan, id=args.zoo or plan.id, targets=plan.targets if targets is None else targets), workers


def add_model(args: argparse.Namespace) -> Answer:
    """The zoo as `info` shows it."""
    from core.backbones.backbone import keep_backbone, load_backbone
    from core.zoo import compose
    from core.zoo.zoo import open_zoo

    if (args.model is None) == (args.run is None):
        raise UsageError("Say which model to add: a file with --model, or a finished run with --run.")
    if args.kept is not None and args.model is None:
        raise UsageError("A run knows what it keeps: give --kept only with --model.")
    if args.backbone is not None:
        backbone = keep_backbone(args.backbone)
        return described(compose.start(args.zoo, _model(args, backbone), backbone))
    zoo = open_zoo(args.zoo)
    return described(compose.add(zoo, _model(args, load_backbone(zoo.backbone)), args.replace))


def _model(args: argparse.Namespace, backbone: "Backbone") -> "PrunedModel":
    """The model that the arguments name, checked and tried on its task's images."""
    from core.channels.files import is_pruned, load_pruned
    from core.runs.models import model_of
    from core.tasks.catalogue import task as task_of
    from core.tasks.task import Task
    from core.zoo.foreign import foreign, ours, read_state

    task = None if args.task is None else task_of(args.task)
    if args.run is not None:
        model = model_of(args.run)
        return ours(model, task or Task.from_dict(model.task), backbone, f"run {args.run}")
    if args.kept is None and is_pruned(args.model):
        model = load_pruned(args.model)
        return ours(model, task or Task.from_dict(model.task), backbone, args.model.name)
    if task is None or args.kept is None:
        raise UsageError("A model that was made elsewhere needs --task and --kept: what it is for, and what it keeps.")
    return foreign(task, backbone, args.kept, read_state(args.model), args.model.name)


def merge(args: argparse.Namespace) -> Answer:
    """The new zoo as `info` shows it, "left_out": [{"zoo", "task", "stays"}], "renamed": [{"zoo", "task", "id"}]."""
    from core.zoo import compose
    from core.zoo.zoo import open_zoo

    made = compose.merge(args.zoo, [open_zoo(name) for name in args.zoos], args.replace)
    more = {
        "left_out": [{"zoo": zoo, "task": task, "stays": stays} for zoo, task, stays in made.left_out],
        "renamed": [{"zoo": zoo, "task": task, "id": id} for zoo, task, id in made.renamed],
    }
    lines = [
        f"Left out: {zoo}'s model for {task}, as {stays} has the same classes." for zoo, task, stays in made.left_out
    ]
    lines += [f"Renamed: {zoo}'s {task}, an id that was taken, to {id}." for zoo, task, id in made.renamed]
    return described(made.zoo, more, lines)

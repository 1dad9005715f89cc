"""`zoo`: build, look into, export and import zoos."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, say, table
from core.cli.parser import Verbs, keep_ratio, one_of, whole
from core.cli.progress import CountBar, bars
from core.errors import BadValueError, MetaVoteError, MismatchError, UnknownNameError
from core.pruning.methods import METHODS

if TYPE_CHECKING:
    from rich.console import Console

    from core.zoo.build import Plan
    from core.zoo.zoo import Zoo


def add(verbs: Verbs) -> None:
    """Add the verb and its actions."""
    parser = verbs.add("zoo", no_action, "Build, look into, export or import a zoo of pruned models.", "zoo info")
    actions = Verbs(parser, metavar="ACTION", required=False)
    _add_build(actions)
    one = actions.add("info", info, "Show what a zoo holds.", "zoo info\nzoo info my-zoo --json")
    one.add_argument("zoo", nargs="?", metavar="ZOO", help="a zoo's id, or its folder (default: the embedded one)")
    one = actions.add("export", export, "Write a zoo to one file, to be passed on.", "zoo export my-zoo my-zoo.zip")
    one.add_argument("zoo", metavar="ZOO", help="a zoo's id, or its folder")
    one.add_argument("file", type=Path, metavar="FILE", help="the file to write; one that is there is replaced")
    one = actions.add("import", import_, "Check a zoo file and make it one of your zoos.", "zoo import my-zoo.zip")
    one.add_argument("file", type=Path, metavar="FILE", help="a file made by 'zoo export'")
    one.add_argument("--replace", action="store_true", help="replace your zoo of the same id")


def _add_build(actions: Verbs) -> None:
    parser = actions.add(
        "build", build, "Prune the backbone for many tasks; a build that was stopped goes on where it was.",
        "zoo build my-zoo --tasks emoji:tool+plant+heart emoji:sport+flag+person --method taylor\n"
        "zoo build my-zoo --tasks emoji:tool+plant emoji:sport+flag --backbone my-backbone.safetensors\n"
        "zoo build --workers 2\n"
        "zoo build apart --setting emoji-disjoint",
    )  # fmt: skip
    parser.add_argument(
        "zoo", nargs="?", metavar="ZOO", help="the new zoo's id (default: the embedded one, made again)"
    )
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="the tasks to prune for")
    parser.add_argument("--targets", nargs="+", metavar="TASK", default=[], help="tasks to show on its map as targets")
    parser.add_argument("--setting", metavar="NAME", help="instead: the tasks of a shipped setting, such as emoji")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: the folder zoos/ZOO in the user's folder")
    parser.add_argument(
        "--backbone",
        metavar="ID",
        help="a backbone's id, or a file, which is copied to your backbones (default: the embedded one)",
    )
    parser.add_argument("--method", type=one_of("method", _methods), metavar="NAME", help="default: taylor")
    parser.add_argument("--keep", type=keep_ratio, metavar="RATIO", help="keep ratio (default: 0.2)")
    parser.add_argument("--iterations", type=whole(0), metavar="N", help="training iterations a model (default: 240)")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="seed of every random draw (default: 0)")
    parser.add_argument("--threads", type=whole(1), metavar="N", help="CPU threads a worker (default: 1)")
    parser.add_argument("--workers", type=whole(1), default=1, metavar="N", help="processes (default: %(default)s)")


def _methods() -> list[str]:
    """Those that make a pruned model from the backbone and the task alone."""
    apart = ("same-mask",)  # needs another run
    return [one.name for one in METHODS.values() if one.removes and not one.needs_zoo and one.name not in apart]


def no_action(args: argparse.Namespace) -> Answer:
    """Refuse `zoo` without an action."""
    raise UsageError("Say what to do with a zoo: build, info, export or import.")


def build(args: argparse.Namespace) -> Answer:
    """The new zoo, as `info` shows it."""
    from core.paths import home
    from core.zoo.build import build_zoo
    from core.zoo.zoo import open_zoo

    plan = _plan(args)
    folder = (args.out or home() / "zoos" / plan.id).expanduser()
    done = 0
    with bars() as progress:
        bar = CountBar(progress, "pruned models")
        try:
            for step in build_zoo(folder, plan, args.workers):
                done = step.done
                bar(step.done, step.total, f"{step.task}: validation accuracy {step.accuracy:.1%}")
        except KeyboardInterrupt:
            told = f"The build was stopped with {done} of {len(plan.tasks)} models done"
            raise MetaVoteError(f"{told}: give the same command again to go on from there.") from None
    return _described(open_zoo(folder.absolute()))


def _plan(args: argparse.Namespace) -> "Plan":
    """What to build, refused before any work where it cannot work."""
    from dataclasses import replace

    from core.backbones.backbone import find_backbone, is_file_name, load_backbone
    from core.pruning.schedule import schedule_of
    from core.tasks.catalogue import SETTING, task
    from core.tasks.data import load_task
    from core.zoo.archive import is_id
    from core.zoo.build import Plan, check, shipped_plan

    if args.zoo is None and not args.tasks:
        args.setting = args.setting or SETTING
        args.zoo = shipped_plan(args.setting).id
    if not is_id(args.zoo or ""):
        raise UsageError(f"A zoo's id is made of letters, digits, dots and dashes, unlike {args.zoo!r}.")
    if bool(args.tasks) == bool(args.setting):
        raise UsageError("Say which tasks the zoo is for: name them with --tasks, or give a --setting.")
    if args.setting:
        plan = shipped_plan(args.setting)
    else:
        tasks, targets = (tuple(task(name) for name in names) for names in (args.tasks, args.targets))
        plan = Plan(args.zoo, tasks, targets, shipped_plan().backbone)
    names = ("backbone", "method", "keep", "iterations", "seed", "threads")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    plan = replace(plan, id=args.zoo, **given)
    try:
        check(plan, args.workers)
        schedule_of(plan.config(plan.tasks[0]))
    except BadValueError as error:
        raise UsageError(str(error)) from error
    size = load_backbone(plan.backbone).size
    for each in (*plan.tasks, *plan.targets):
        load_task(each, size)
    return replace(plan, backbone=str(find_backbone(plan.backbone))) if is_file_name(plan.backbone) else plan


def info(args: argparse.Namespace) -> Answer:
    """{"id", "path", "backbone", "keep", "groups", "tasks": [...], "targets": [...], "bytes", "cost", ...}."""
    from core.zoo.zoo import DEFAULT, open_zoo

    return _described(open_zoo(args.zoo or DEFAULT))


def export(args: argparse.Namespace) -> Answer:
    """{"zoo", "file", "bytes"}."""
    from core.zoo.archive import pack
    from core.zoo.zoo import open_zoo

    zoo = open_zoo(args.zoo)
    size = pack(zoo, args.file)
    document = {"zoo": zoo.id, "file": str(args.file), "bytes": size}
    return Answer(document, lambda out: say(out, f"{args.file}: {size:,} bytes, {len(zoo.tasks)} pruned models"))


def import_(args: argparse.Namespace) -> Answer:
    """The zoo as `info` shows it."""
    from core.zoo.archive import unpack

    return _described(unpack(args.file, args.replace, fits=_backbone_fits))


def _backbone_fits(zoo: "Zoo") -> None:
    """Raise MismatchError for a zoo of another backbone than the one of that name here."""
    from core.backbones.backbone import load_backbone

    try:
        backbone = load_backbone(zoo.backbone)
    except UnknownNameError:
        return  # somebody's own: `prune --backbone FILE` checks it when it is used
    if backbone.hash != zoo.backbone_hash:
        raise MismatchError(
            f"The zoo {zoo.id} was made on another backbone that is also called {zoo.backbone} "
            f"({zoo.backbone_hash[:12]}, here {backbone.hash[:12]}): build it again on this one."
        )


def _described(zoo: "Zoo") -> Answer:
    from core.cli.checks import size_of

    document = {**zoo.to_dict(), "bytes": size_of(zoo.path)}
    return Answer(document, lambda out: _show(out, document))


def _show(out: "Console", document: dict[str, Any]) -> None:
    from core.reports.tables import Column, duration, share

    made = duration((document["cost"] or {}).get("cpu_seconds"))
    say(
        out,
        f"{document['id']}: {len(document['tasks'])} pruned models of {document['backbone']}, keep ratio "
        f"{document['keep']:g}, {document['bytes'] / 1e6:.1f} MB, made in {made} of CPU time",
        document["path"],
    )
    columns: list[Column[dict[str, Any]]] = [
        Column("task", lambda one: one["id"], numeric=False),
        Column("validation accuracy", lambda one: one["validation_accuracy"], share),
        Column("classes", lambda one: ", ".join(one["classes"]), numeric=False),
    ]
    table(out, columns, document["tasks"])

"""`zoo`: build, look into, extend, merge, export, import and remove zoos."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, say, table
from core.cli.parser import Verbs, place
from core.numbers import counted, megabytes, ratio
from core.pruning.engine import BUILD_AGAIN, is_outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from core.zoo.zoo import Zoo


def add(verbs: Verbs) -> None:
    """Add the verb and its actions."""
    from core.cli.zoo_making import add_build, add_extend

    line = "Build, look into, extend, merge, export, import or remove a zoo of pruned models."
    parser = verbs.add("zoo", no_action, line, "zoo list\nzoo info")
    actions = Verbs(parser, metavar="ACTION", required=False)
    actions.add("list", list_, "List the zoos that are here.", "zoo list\nzoo list --json")
    add_build(actions)
    one = actions.add("info", info, "Show what a zoo holds.", "zoo info\nzoo info my-zoo --json")
    one.add_argument("zoo", nargs="?", metavar="ZOO", help="a zoo's id, or its folder (default: the embedded one)")
    add_extend(actions)
    one = actions.add("export", export, "Write a zoo to one file, to be passed on.",
                      "zoo export my-zoo my-zoo.zip\nzoo export my-zoo my-zoo.zip --with-backbone")  # fmt: skip
    one.add_argument("zoo", metavar="ZOO", help="a zoo's id, or its folder")
    one.add_argument("file", type=place, metavar="FILE", help="the file to write; one that is there is replaced")
    one.add_argument("--with-backbone", action="store_true", help="put the zoo's backbone into the file too")
    one = actions.add("import", import_, "Check a zoo file and make it one of your zoos.", "zoo import my-zoo.zip")
    one.add_argument("file", type=place, metavar="FILE", help="a file made by 'zoo export'")
    one.add_argument("--replace", action="store_true", help="replace your zoo of the same id")
    one = actions.add("remove", remove, "Delete a zoo of yours, with its pruned models, for good.", "zoo remove my-zoo")
    one.add_argument("zoo", metavar="ZOO", help="the zoo's id; runs that it voted for stay")


def no_action(args: argparse.Namespace) -> Answer:
    """Refuse `zoo` without an action."""
    raise UsageError("Say what to do with a zoo: list, build, info, add, merge, export, import or remove.")


def info(args: argparse.Namespace) -> Answer:
    """{"id", "path", "backbone", "keep", "groups", "tasks": [...], "targets": [...], "bytes", "cpu_seconds", ...}."""
    from core.zoo.zoo import DEFAULT, open_zoo

    return described(open_zoo(args.zoo or DEFAULT))


def list_(args: argparse.Namespace) -> Answer:
    """{"zoos": [{"id", "backbone", "tasks", "targets", "keep", "mean_accuracy", ...}], "broken": {id: sentence}}."""
    from core.zoo.summary import summaries

    found, broken = summaries()
    document = {"zoos": [one.to_dict() for one in found], "broken": broken}
    return Answer(document, lambda out: _show_list(out, document))


def export(args: argparse.Namespace) -> Answer:
    """{"zoo", "file", "bytes", "backbone", "with_backbone"}."""
    from core.zoo.exchange import give, own_backbone
    from core.zoo.zoo import open_zoo

    zoo = open_zoo(args.zoo)
    size = give(zoo, args.file, args.with_backbone)
    document = {
        "zoo": zoo.id, "file": str(args.file), "bytes": size, "backbone": zoo.backbone,
        "with_backbone": args.with_backbone,
    }  # fmt: skip
    lines = [f"{args.file}: {megabytes(size)}, {counted(len(zoo.tasks), 'pruned model')}"]
    if own_backbone(zoo) and not args.with_backbone:
        lines.append(f"Its backbone {zoo.backbone} is not in it: give --with-backbone, or pass that file on as well.")
    return Answer(document, lambda out: say(out, *lines))


def import_(args: argparse.Namespace) -> Answer:
    """The zoo as `info` shows it, and "backbone_here"."""
    from core.zoo.exchange import has_backbone
    from core.zoo.intake import take

    zoo = take(args.file, args.replace)
    here = has_backbone(zoo)
    lines = [] if here else [f"Its backbone {zoo.backbone} is not here: put {zoo.backbone}.safetensors among yours."]
    return described(zoo, {"backbone_here": here}, lines)


def remove(args: argparse.Namespace) -> Answer:
    """{"zoo", "status": "removed"}."""
    from core.runs.store import Store
    from core.workshop.removal import remove_zoo

    remove_zoo(args.zoo, Store())
    document = {"zoo": args.zoo, "status": "removed"}
    return Answer(document, lambda out: say(out, f"Zoo {args.zoo} is removed."))


def described(zoo: "Zoo", more: "Mapping[str, Any] | None" = None, lines: "Sequence[str]" = ()) -> Answer:
    """A zoo as an answer, with what more there is to say of it."""
    from core.cli.checks import size_of

    document = {**zoo.to_dict(), "bytes": size_of(zoo.path), **(more or {})}
    return Answer(document, lambda out: _show(out, document, lines))


def _show_list(out: "Console", document: dict[str, Any]) -> None:
    from core.reports.tables import Column, duration, share

    columns: list[Column[dict[str, Any]]] = [
        Column("zoo", lambda one: one["id"], numeric=False),
        Column("backbone", lambda one: one["backbone"], numeric=False),
        Column("architecture", lambda one: one["architecture"], numeric=False),
        Column("tasks", lambda one: one["tasks"]),
        Column("targets", lambda one: one["targets"]),
        Column("keep", lambda one: one["keep"], ratio),
        Column("accuracy", lambda one: one["mean_accuracy"], share),
        Column("lowest", lambda one: one["lowest_accuracy"], share),
        Column("size", lambda one: one["bytes"], megabytes),
        Column("CPU time", lambda one: one["cpu_seconds"], duration),
        Column("data sets", lambda one: ", ".join(one["datasets"]), numeric=False),
    ]
    table(out, columns, document["zoos"])
    say(out, *document["broken"].values())


def _show(out: "Console", document: dict[str, Any], lines: "Sequence[str]" = ()) -> None:
    from core.reports.tables import Column, duration, share

    made = duration(document["cpu_seconds"])
    elsewhere = f" ({document['imported']} of them imported)" if document["imported"] else ""
    say(
        out,
        f"{document['id']}: {counted(len(document['tasks']), 'pruned model')}{elsewhere} of {document['backbone']}, "
        f"keep ratio {ratio(document['keep'])}, {megabytes(document['bytes'])}, made in {made} of CPU time",
        *_settings(document["config"]),
        *([BUILD_AGAIN] if is_outdated(document) else []),
        document["path"],
        *lines,
    )
    columns: list[Column[dict[str, Any]]] = [
        Column("task", lambda one: one["id"], numeric=False),
        Column("validation accuracy", lambda one: one.get("validation_accuracy"), share),
        Column("classes", lambda one: ", ".join(one["classes"]), numeric=False),
    ]
    table(out, columns, document["tasks"])
    if document["targets"]:
        table(out, columns, document["targets"], title="Targets, held out")


def _settings(config: "Mapping[str, Any] | None") -> list[str]:
    """How its models were pruned, if that was one way for all: as much of it as the zoo records."""
    words: dict[str, Callable[[Any], str]] = {
        "method": str,
        "iterations": lambda number: counted(number, "iteration"),
        "learning_rate": lambda rate: f"learning rate {rate:g}",
        "seed": lambda seed: f"seed {seed}",
    }
    found = [word(config[name]) for name, word in words.items() if config and config.get(name) is not None]
    return [", ".join(found)] if found else []

"""`backbones`: list, add from a checkpoint or from torchvision, remove, and what is known of one."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, say, table
from core.cli.parser import Verbs, listed, one_of, whole
from core.errors import BadValueError
from core.numbers import count, megabytes, percent, short

if TYPE_CHECKING:
    from rich.console import Console


def add(verbs: Verbs) -> None:
    """Add the verb and its actions."""
    parser = verbs.add(
        "backbones", all_of_them, "List the backbones on this machine; add, remove or inspect one.",
        "backbones\nbackbones add moco_v2_800ep.pth.tar --architecture resnet50\nbackbones info my-moco",
    )  # fmt: skip
    actions = Verbs(parser, metavar="ACTION", required=False)
    _add_add(actions)
    one = actions.add(
        "info", info, "Show what a backbone is, and how its checkpoint was read.", "backbones info my-moco"
    )
    one.add_argument("backbone", metavar="ID", help="a backbone's id, or its file")
    one = actions.add("remove", remove, "Permanently delete one of your backbones.", "backbones remove my-moco")
    one.add_argument("backbone", metavar="ID", help="its id; refused while a zoo or an unfinished run needs it")
    actions.add("formats", formats, "List the layouts of checkpoints that are read.", "backbones formats")


def _add_add(actions: Verbs) -> None:
    parser = actions.add(
        "add", add_one, "Make a checkpoint, or weights that torchvision publishes, one of your backbones.",
        "backbones add checkpoint.pth.tar --architecture resnet50 --format moco --name my-moco --size 64\n"
        "backbones add resnet50 --weights IMAGENET1K_V2 --download\n"
        "backbones add network.safetensors --architecture resnet18 --source self-supervised",
    )  # fmt: skip
    parser.add_argument(
        "file", metavar="FILE", help="a checkpoint, a backbone file, or with --weights an architecture's name"
    )
    parser.add_argument("--architecture", type=one_of("architecture", _architectures), metavar="NAME",
                        help="the network that the checkpoint is of")  # fmt: skip
    parser.add_argument("--format", type=one_of("checkpoint format", _formats), metavar="NAME",
                        help="its layout (default: as recognised; see 'backbones formats')")  # fmt: skip
    parser.add_argument("--weights", metavar="NAME", help="torchvision's published weights, such as IMAGENET1K_V2")
    parser.add_argument("--download", action="store_true", help="fetch those where they are not on this machine")
    parser.add_argument("--name", metavar="ID", help="its id (default: after the file)")
    parser.add_argument("--size", type=whole(1), metavar="N",
                        help="side of its images in pixels (default: as torchvision's weights have it)")  # fmt: skip
    for name, example in (("mean", "0.485,0.456,0.406"), ("std", "0.229,0.224,0.225")):
        parser.add_argument(f"--{name}", type=_colours, metavar="R,G,B",
                            help=f"of each colour, in [0, 1] (default: torchvision's, such as {example})")  # fmt: skip
    parser.add_argument("--source", type=one_of("source of weights", _sources), metavar="NAME",
                        help="self-supervised, supervised or random (default: as the layout tells)")  # fmt: skip
    parser.add_argument("--partial", action="store_true",
                        help="accept at least half of the entries and parameters; the rest is random")  # fmt: skip


def _architectures() -> list[str]:
    from core.backbones.architectures import ARCHITECTURES

    return list(ARCHITECTURES)


def _formats() -> list[str]:
    from core.backbones.layouts import LAYOUTS

    return list(LAYOUTS)


def _sources() -> tuple[str, ...]:
    from core.backbones.layouts import SOURCES

    return SOURCES


def _colours(text: str) -> tuple[float, ...]:
    """An argparse type: three numbers apart by commas."""
    try:
        values = tuple(float(part) for part in listed(text))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise argparse.ArgumentTypeError(f"must be three numbers apart by commas, not '{text}'")
    return values


def all_of_them(args: argparse.Namespace) -> Answer:
    """[{"id", "architecture", "source", "hash", "size", "params", "bytes", "shipped", "where", ...}], by id.

    Also "about", and "filled": what its checkpoint filled, {"entries", "of_entries", "params", "of_params"}, or null.
    """
    from core.backbones.listing import backbone_ids, backbones
    from core.reports.tables import Column

    found = [one.to_dict() for one in backbones()]
    damaged = sorted(set(backbone_ids()) - {one["id"] for one in found})
    columns: list[Column[dict[str, Any]]] = [
        Column("backbone", lambda one: one["id"], numeric=False),
        Column("architecture", lambda one: one["architecture"], numeric=False),
        Column("weights", lambda one: one["source"], numeric=False),
        Column("filled", _filled),
        Column("image size", lambda one: one["size"], str),
        Column("parameters", lambda one: one["params"], short),
        Column("where", lambda one: "shipped" if one["shipped"] else one["where"], numeric=False),
    ]

    def show(out: "Console") -> None:
        table(out, columns, found)
        for id in damaged:
            say(out, f"{id} cannot be read: python -m core doctor says what to do.")

    return Answer(found, show)


def _filled(one: dict[str, Any]) -> str | None:
    """The share of a backbone's parameters (of its entries, in older files) that its checkpoint filled."""
    from core.backbones.coverage import Filling

    return None if one["filled"] is None else percent(Filling(**one["filled"]).share, 1)


def add_one(args: argparse.Namespace) -> Answer:
    """The backbone as `info` shows it."""
    from core.backbones.adding import Wanted
    from core.backbones.adding import add as add_backbone
    from core.errors import BadFileError

    wanted = Wanted(args.name, args.size, args.mean, args.std, args.source, args.partial)
    try:
        added = add_backbone(args.file, args.architecture, args.format, args.weights, args.download, wanted)
    except BadValueError as error:
        raise UsageError(str(error)) from error
    except BadFileError as error:
        if args.architecture is None and args.weights is None:
            raise UsageError(f"{error} A checkpoint made elsewhere needs its --architecture.") from error
        raise
    return _described(added.id)


def remove(args: argparse.Namespace) -> Answer:
    """{"backbone", "status": "removed"}."""
    from core.runs.store import Store
    from core.workshop.backbone_removal import remove_backbone

    remove_backbone(args.backbone, Store())
    document = {"backbone": args.backbone, "status": "removed"}
    return Answer(document, lambda out: say(out, f"Backbone {args.backbone} is removed."))


def info(args: argparse.Namespace) -> Answer:
    """{"id", "architecture", "source", "hash", "mean", "std", "size", "params", "where", "about": {...}}."""
    return _described(args.backbone)


def _described(id: str) -> Answer:
    from core.backbones.backbone import load_backbone
    from core.backbones.listing import about

    document = {**load_backbone(id).to_dict(), **about(id).to_dict()}
    return Answer(document, lambda out: _show(out, document))


def _show(out: "Console", document: dict[str, Any]) -> None:
    from core.backbones.coverage import filling_of, weights_words

    mean, std = (", ".join(f"{value:.4g}" for value in document[name]) for name in ("mean", "std"))
    say(
        out,
        f"{document['id']}: {document['architecture']}, {weights_words(document['source'], document['about'])}, "
        f"{short(document['params'])} parameters",
        f"images of {document['size']} pixels, mean {mean}, standard deviation {std}",
        f"{document['where']} ({megabytes(document['bytes'])}, hash {document['hash'][:12]})",
    )
    about = document["about"]
    if "file" in about:
        hash = f" (SHA-256 {about['sha256'][:12]})" if "sha256" in about else ""
        say(out, f"from {about['file']}{hash}, {about.get('weights') or 'a checkpoint'}")
    if coverage := about.get("coverage"):
        place = f" under '{coverage['place']}'" if coverage.get("place") else ""
        prefix = f" after '{coverage['prefix']}'" if coverage.get("prefix") else ""
        title, filling = coverage.get("title", "a checkpoint"), filling_of(about)
        say(
            out,
            f"read as {title}{place}{prefix}: {filling.words if filling else 'nothing'} filled",
        )
        for words, name in (("left behind", "dropped"), ("not known", "others")):
            if told := ", ".join(f"{key} ({number})" for key, number in coverage.get(name, {}).items()):
                say(out, f"{words}: {told}")
        for name in ("missing", "reshaped", "unexpected", "constant"):
            for key in coverage.get(name, ()):
                say(out, f"{name}: {key}")
    if (recipe := about.get("recipe")) and {"objective", "dataset", "views"} <= recipe.keys():
        say(out, f"trained here: {recipe['objective']} on {recipe['dataset']}, {count(recipe['views'])} views")


def formats(args: argparse.Namespace) -> Answer:
    """[{"format", "title", "places", "prefixes", "source", "url"}], as they are tried."""
    from core.backbones.layouts import LAYOUTS
    from core.reports.tables import Column

    found = [
        {"format": one.name, "title": one.title, "places": list(one.places), "prefixes": list(one.prefixes),
         "source": one.source or None, "url": one.url}
        for one in LAYOUTS.values()
    ]  # fmt: skip
    columns: list[Column[dict[str, Any]]] = [
        Column("format", lambda one: one["format"], numeric=False),
        Column("of", lambda one: one["title"], numeric=False),
        Column("weights", lambda one: one["source"] or "as said", numeric=False),
        Column("written by", lambda one: one["url"], numeric=False),
    ]
    return Answer(found, lambda out: table(out, columns, found))

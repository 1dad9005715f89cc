"""`votes`: what a task's neighbours vote for, per channel group, and who voted for which channel."""

import argparse
from dataclasses import asdict
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from core.channels.budget import WORDS
from core.cli.answer import Answer, say, table
from core.cli.parser import Verbs, add_budget, add_task, budget_of, keep_ratio, one_of, task_of
from core.cli.tasks import add_ranking, opened, ranked
from core.errors import UnknownNameError
from core.numbers import decimal, percent, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from core.channels.selection import Selection
    from core.voting import Votes
    from core.zoo.zoo import Zoo

OVERLAP = "Overlap: of the channels that one of two neighbours keeps, the share that both keep; beside it, by chance."


def add(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add(
        "votes", votes, "Count the votes of a task's neighbours for each channel, and say who voted.",
        "votes emoji-t00 -k 5\nvotes emoji-t00 --group layer1.0.conv1 --keep 0.2 --json",
    )  # fmt: skip
    add_task(parser)
    add_ranking(parser)
    parser.add_argument("--weighting", type=one_of("weighting of votes", weightings), default="count", metavar="NAME",
                        help="what a vote weighs: count, similarity or score (default: %(default)s)")  # fmt: skip
    parser.add_argument("--keep", type=keep_ratio, default=0.2, metavar="RATIO",
                        help="keep ratio of the selection that the votes make (default: %(default)s)")  # fmt: skip
    add_budget(parser)
    parser.add_argument("--group", metavar="NAME", help="only this channel group, channel by channel")


def weightings() -> tuple[str, ...]:
    """The names of the weightings of votes."""
    from core.voting import WEIGHTINGS

    return WEIGHTINGS


def votes(args: argparse.Namespace) -> Answer:
    """{"task", "keep" and the rest of the budget, "weighting", "neighbours", "achieved", "groups": [...]}.

    A neighbour: {"task", "similarity", "weight"}. Achieved: {"share" of what the budget counts, "params", "macs"}.
    A group: {"group", "size", "votes": [n_g], "voters": {task: [channels]}, "selected": [channels], "overlap",
    "chance_overlap"}; the selection is the one that `prune` would start from.
    """
    from core.zoo.election import allowance_of, elected

    task, zoo = task_of(args), opened(args)
    if args.group is not None and args.group not in zoo.groups:
        raise UnknownNameError("channel group", args.group, zoo.groups)
    budget = budget_of(args)
    allowance = allowance_of(zoo, budget, len(task.classes))
    counted, chosen = elected(zoo, ranked(args, task, zoo), args.weighting, allowance, _tie_break(zoo))
    groups = [args.group] if args.group else list(counted.groups)
    document = {
        "task": task.id,
        **asdict(budget),
        "weighting": args.weighting,
        "neighbours": counted.to_dict()["tasks"],
        "achieved": {"share": allowance.share(chosen.counts), **_size(zoo, chosen, len(task.classes))},
        "groups": [group_document(counted, chosen, name) for name in groups],
    }
    shown = _show_channels if args.group else _show_groups
    return Answer(document, lambda out: shown(out, document))


def _size(zoo: "Zoo", chosen: "Selection", classes: int) -> dict[str, int | None]:
    """{"params", "macs"} of the network that is voted for; None where the zoo cannot tell them."""
    if zoo.layers is None:
        return {"params": None, "macs": None}
    size = zoo.layers.size(chosen.counts, classes)
    return {"params": size.params, "macs": size.macs}


def group_document(counted: "Votes", chosen: "Selection", group: str) -> dict[str, Any]:
    """One channel group: votes per channel, who voted, what is selected, and how far the neighbours agree."""
    from core.channels.selection import chance_overlap

    selections = [ballot.selection for ballot in counted.ballots]
    pairs = [one.overlap(other, group) for one, other in combinations(selections, 2)]
    return {
        "group": group,
        "size": counted.sizes[group],
        "votes": counted.table(group).tolist(),
        "voters": {
            name: row.nonzero()[0].tolist() for name, row in zip(counted.tasks, counted.voters(group), strict=True)
        },
        "selected": list(chosen.kept[group]),
        "overlap": fmean(pairs) if pairs else None,
        "chance_overlap": chance_overlap(fmean(one.keep_ratio(group) for one in selections)),
    }


def _tie_break(zoo: "Zoo") -> "Mapping[str, Any]":
    """What breaks ties between votes, as in `prune`; loads torch only for a zoo that does not say."""
    if (stored := zoo.tie_break()) is not None:
        return stored
    from core.backbones.backbone import load_backbone
    from core.zoo.describe import backbone_importance
    from core.zoo.pairing import backbone_for

    return backbone_importance(load_backbone(backbone_for(zoo)))


def _title(document: dict[str, Any]) -> str:
    return f"{document['task']}: votes of {', '.join(one['task'] for one in document['neighbours'])}"


def _show_groups(out: "Console", document: dict[str, Any]) -> None:
    from core.reports.tables import Column

    everyone = len(document["neighbours"])
    columns: list[Column[dict[str, Any]]] = [
        Column("channel group", lambda one: one["group"], numeric=False),
        Column("channels", lambda one: one["size"]),
        Column("voted for", lambda one: len({channel for row in one["voters"].values() for channel in row})),
        Column("by all", lambda one: len(set.intersection(*map(set, one["voters"].values()))) if everyone else 0),
        Column("selected", lambda one: len(one["selected"])),
        Column("overlap", lambda one: one["overlap"], _two_places),
        Column("by chance", lambda one: one["chance_overlap"], _two_places),
    ]
    table(out, columns, document["groups"], _title(document))
    got = document["achieved"]
    told = f"Selected: {percent(got['share'], 1)} of the {WORDS[document['of']]}"
    if got["params"] is not None:
        told += f"; {short(got['params'])} parameters, {short(got['macs'])} MACs"
    say(out, f"{told}. {OVERLAP}")


def _show_channels(out: "Console", document: dict[str, Any]) -> None:
    from core.reports.tables import Column

    (group,) = document["groups"]
    selected = set(group["selected"])
    rows = [
        {
            "channel": channel,
            "votes": vote,
            "selected": "yes" if channel in selected else "",
            "voters": ", ".join(name for name, kept in group["voters"].items() if channel in kept),
        }
        for channel, vote in enumerate(group["votes"])
    ]
    rows = sorted((one for one in rows if one["voters"] or one["selected"]), key=lambda one: -one["votes"])
    columns: list[Column[dict[str, Any]]] = [
        Column("channel", lambda one: one["channel"]),
        Column("votes", lambda one: one["votes"], lambda vote: f"{vote:.4g}"),
        Column("selected", lambda one: one["selected"], numeric=False),
        Column("who voted", lambda one: one["voters"], numeric=False),
    ]
    table(out, columns, rows, f"{_title(document)}, in {group['group']} ({group['size']} channels)")


def _two_places(value: float | None) -> str:
    return "-" if value is None else decimal(value)

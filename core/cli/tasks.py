"""`tasks`, `neighbours` and `votes`: what there is to prune for, who is like it, and what they vote for."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, say, table
from core.cli.parser import Verbs, add_task, keep_ratio, one_of, task_of, whole
from core.errors import UnknownNameError

if TYPE_CHECKING:
    from rich.console import Console

    from core.tasks.task import Task


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    parser = verbs.add("tasks", list_tasks, "List the tasks that ship with the project.", "tasks --targets\ntasks --json")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--targets", dest="kind", action="store_const", const="targets", help="only the target tasks")
    kind.add_argument("--zoo", dest="kind", action="store_const", const="zoo", help="only the tasks of the zoo")
    parser.add_argument("--setting", help="a shipped setting: emoji (default), or emoji-disjoint, no class in common")

    parser = verbs.add(
        "neighbours",
        neighbours,
        "Rank the zoo's tasks by their similarity to a task, best first.",
        "neighbours emoji-t00 -k 5\nneighbours --dataset emoji --classes animal-mammal,animal-bird,tool",
    )
    add_task(parser)
    add_ranking(parser)

    parser = verbs.add(
        "votes",
        votes,
        "Count the votes of a task's neighbours for each channel, and say who voted.",
        "votes emoji-t00 -k 5\nvotes emoji-t00 --group layer1 --keep 0.2 --json",
    )
    add_task(parser)
    add_ranking(parser)
    parser.add_argument("--weighting", type=one_of("weighting of votes", weightings), default="count", metavar="NAME",
                        help="what a vote weighs: count, similarity or score (default: %(default)s)")  # fmt: skip
    parser.add_argument("--keep", type=keep_ratio, default=0.2, metavar="RATIO",
                        help="keep ratio of the selection that the votes make (default: %(default)s)")  # fmt: skip
    parser.add_argument("--group", metavar="NAME", help="only this channel group, channel by channel")


def add_ranking(parser: argparse.ArgumentParser) -> None:
    """The options that say how neighbours are ranked, and in which zoo."""
    parser.add_argument("-k", type=whole(1), default=5, metavar="K", help="how many neighbours (default: %(default)s)")
    parser.add_argument("--similarity", type=one_of("similarity", similarities), default="leep", metavar="NAME",
                        help="leep, logme or prototypes (default: %(default)s)")  # fmt: skip
    parser.add_argument("--zoo", metavar="ZOO", help="a zoo's id, or its folder (default: the embedded one)")


def similarities() -> tuple[str, ...]:
    """The names of the similarities."""
    from core.pruning.config import SIMILARITIES

    return SIMILARITIES


def weightings() -> tuple[str, ...]:
    """The names of the weightings of votes."""
    from core.pruning.config import WEIGHTINGS

    return WEIGHTINGS


def list_tasks(args: argparse.Namespace) -> Answer:
    """[{"id", "dataset", "classes", "title", "kind", "setting"}]."""
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

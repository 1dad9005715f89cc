"""The parser: the verbs in the order people meet them, and the types and options that several verbs share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from core.channels.budget import ALLOCATIONS, KIND, SHARES_OF, Budget
from core.cli.answer import Answer, UsageError
from core.errors import BadValueError, UnknownNameError
from core.paths import expanded

PROGRAM = "python -m core"
DESCRIPTION = "Meta-Vote Studio: prune a network for a task by the votes of the tasks most like it."
EPILOG = """\
exit codes:
  0  done
  1  failed: something the command needs is missing, damaged, unknown (a task, class, run, zoo) or went wrong
  2  wrong usage: an option that does not exist, or a value that it cannot have (keep ratio, K, method, ...)

Errors are one sentence on stderr. With --json, stdout holds exactly one JSON document.
Runs are stored in the folder METAVOTE_HOME where set, else in the user's data folder ('doctor' says where).

examples:
  python -m core tasks --targets
  python -m core neighbours emoji-t00 -k 5
  python -m core prune emoji-t00 --method mvp --keep 0.2 --iterations 60 --seed 0
  python -m core compare --task emoji-t00
  python -m core doctor
"""

Verb = Callable[[argparse.Namespace], Answer]


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks, and each verb on the line of its help."""

    def add_argument(self, action: argparse.Action) -> None:
        """Also leave room for the indent of verbs, which argparse forgets."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += 2


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError instead of printing its usage, and knows what a wrong name is near."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Formatter, allow_abbrev=False, **settings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """For a verb that is mistyped, offer the nearest; argparse lists all there are."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            raise UsageError(
                f"{UnknownNameError(str(action.metavar).lower(), value, action.choices)} (See: {self.prog} --help)"
            )
        super()._check_value(action, value)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what is not known is told by the verb that it was given to, with the nearest option."""
        found, extra = super().parse_known_args(args, namespace)
        if option := next((word.partition("=")[0] for word in extra if word.startswith("-")), None):
            known = [name for name in self._option_string_actions if name.startswith("--")]
            raise UsageError(f"{UnknownNameError('option', option, known)} (See: {self.prog} --help)")
        if extra:
            self.error(
                f"'{extra[0]}' is one word too many: put a name that holds spaces in quotes, and commas between numbers"
            )
        return found, extra

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with argparse's message as a sentence."""
        sentence = message.removeprefix("argument ").rstrip(".")
        end = "" if sentence.endswith("?") else "."
        raise UsageError(f"{sentence[0].upper()}{sentence[1:]}{end} (See: {self.prog} --help)")


class Verbs:
    """Adds verbs to a parser, each with its one line of help, its examples and `--json`."""

    def __init__(self, parser: argparse.ArgumentParser, metavar: str = "VERB", required: bool = True) -> None:
        self._parsers = parser.add_subparsers(
            metavar=metavar,
            required=required,
            title=f"{metavar.lower()}s",
            parser_class=Parser,
            dest=metavar.lower() + "_name",
        )

    def add(self, name: str, verb: Verb, line: str, examples: str = "") -> argparse.ArgumentParser:
        """A verb's parser; `line` is one sentence, `examples` are command lines without the program's name."""
        shown = "".join(f"  {PROGRAM} {example}\n" for example in examples.strip().splitlines() if example)
        parser = self._parsers.add_parser(
            name, help=line, description=line, epilog=f"examples:\n{shown}" if shown else None
        )
        # SUPPRESS: a verb within a verb must not undo the --json given before it.
        parser.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document on stdout"
        )
        parser.set_defaults(verb=verb, program=parser.prog)
        return parser


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Imports nothing heavy, so that `--help` is quick."""
    from core.cli import backbones, doctor, files, pruning, runs, tasks, votes, zoos

    parser = Parser(prog=PROGRAM, description=DESCRIPTION, epilog=EPILOG)
    parser.set_defaults(json=False)
    verbs = Verbs(parser)
    for module in (tasks, votes, pruning, backbones, zoos, runs, files, doctor):
        module.add(verbs)
    return parser


def add_task(parser: argparse.ArgumentParser) -> None:
    """TASK, or --dataset and --classes for a task nobody named before."""
    parser.add_argument("task", nargs="?", metavar="TASK", help="a task's id, such as emoji-t00 (see 'tasks')")
    parser.add_argument("--dataset", metavar="NAME", help="the data set of a new task, such as emoji")
    parser.add_argument("--classes", metavar="A,B,...",
                        help="the classes of a new task, apart by commas; 'animal-*' means all it fits")  # fmt: skip


def add_skip_unreadable(parser: argparse.ArgumentParser) -> None:
    """--skip-unreadable; None if it is not given."""
    help = "leave out a folder's images that cannot be decoded, instead of refusing them; the result says which"
    parser.add_argument("--skip-unreadable", action="store_true", default=None, help=help)


def add_budget(parser: argparse.ArgumentParser) -> None:
    """What a keep ratio is a share of, and how it is shared out among channel groups: the names in KIND."""
    parser.add_argument("--of", type=one_of("measure of a keep ratio", lambda: SHARES_OF), metavar="WHAT",
                        help="a share of what to keep: channels, params or macs (default: channels)")  # fmt: skip
    parser.add_argument("--allocation", type=one_of("allocation", lambda: ALLOCATIONS), metavar="HOW",
                        help="uniform: one ratio for all channel groups; global: channels of all groups against each "
                        "other (default: uniform)")  # fmt: skip
    parser.add_argument("--least-width", dest="least_width", type=whole(1), metavar="N",
                        help="channels that every group keeps at least (default: 1)")  # fmt: skip
    parser.add_argument("--multiple", type=whole(1), metavar="N",
                        help="widths are multiples of this, or a group's own size (default: 1)")  # fmt: skip


def budget_of(args: argparse.Namespace) -> Budget:
    """The Budget that --keep and `add_budget`'s arguments ask for."""
    given = {name: value for name in KIND if (value := getattr(args, name)) is not None}
    return Budget(args.keep, **given)


def task_of(args: argparse.Namespace) -> Any:
    """The Task that `add_task`'s arguments name. Raises UsageError if they name none, or two."""
    from core.tasks.catalogue import task

    if args.task is not None and args.dataset is None and args.classes is None:
        return task(args.task)
    if args.task is None and args.dataset is not None and args.classes is not None:
        return task(args.dataset, listed(args.classes))
    raise UsageError("Name one task: either its id, or both --dataset and --classes.")


def listed(text: str) -> tuple[str, ...]:
    """An argparse type: names apart by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def place(text: str) -> Path:
    """An argparse type: a path, "~" replaced by the home folder."""
    try:
        return expanded(text)
    except BadValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def whole(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, not '{text}'")
        return value

    return parse


def check_k(k: int | None, zoo_size: int) -> None:
    """Raise UsageError for more neighbours than the zoo has."""
    from core.voting import check_k as check

    try:
        if k is not None:
            check(k, zoo_size)
    except BadValueError as error:
        raise UsageError(str(error)) from error


def keep_ratio(text: str) -> float:
    """An argparse type: above 0 and at most 1."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(
            f"the keep ratio must be above 0 and at most 1, not '{text}': 0.2 keeps a fifth of the channels"
        )
    return value


def one_of(kind: str, known: Callable[[], Any]) -> Callable[[str], str]:
    """An argparse type: one of the names that `known` returns, with the nearest ones offered for a wrong one."""

    def parse(text: str) -> str:
        if text not in (names := known()):
            raise argparse.ArgumentTypeError(str(UnknownNameError(kind, text, names)))
        return text

    return parse

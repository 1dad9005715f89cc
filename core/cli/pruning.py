"""`prune`: one run from the command line, worked on in this process or left to the background worker."""

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from core.cli.answer import Answer, UsageError, notice, say, table
from core.cli.parser import Verbs, add_budget, add_skip_unreadable, add_task, keep_ratio, listed, one_of, task_of, whole
from core.cli.progress import RunBar, bars
from core.errors import BadValueError, MetaVoteError
from core.numbers import decimal
from core.pruning import config as settings
from core.pruning.config import RunConfig
from core.pruning.engine import RUN_AGAIN, is_outdated
from core.pruning.methods import METHODS
from core.voting import WEIGHTINGS

if TYPE_CHECKING:
    from rich.console import Console

    from core.pruning.events import Checkpoint, Event
    from core.runs.store import Store

EXAMPLES = """
prune emoji-t00 --method mvp --keep 0.2 --iterations 60 --seed 0
prune emoji-t00 --method taylor --keep 0.1 --json
prune emoji-t00 --keep 0.05 --of params --allocation global --least-width 4 --multiple 8
prune --dataset emoji --classes animal-mammal,animal-bird,food-fruit,tool,face-hand -k 3
prune emoji-t00 --chosen emoji-z03,emoji-z17
prune emoji-t00 --method same-mask --mask-of RUN
prune emoji-t00 --detach
"""
DEFAULTS = RunConfig(task="any")
MOST_CLASSES = 30  # shown of a run
FOLLOW = 1.0  # seconds between two looks at a run that another process works on


def add(verbs: Verbs) -> None:
    """Add the verb."""
    line = "Prune the backbone for a task: from its neighbours' votes, or with another method."
    parser = verbs.add("prune", prune, line, EXAMPLES)
    add_task(parser)
    option = _option_adder(parser)
    option("method", one_of("method", lambda: METHODS), "NAME", ", ".join(METHODS))
    option("keep", keep_ratio, "RATIO", "share to keep, of what --of says; hit within 2 %% or refused")
    add_budget(parser)
    option("iterations", whole(0), "N", "training iterations, everything the method trains or scores included")
    option("seed", whole(0), "N", "seed of every random draw")
    option("k", whole(1), "K", "how many neighbours vote", "-k")
    option("neighbours", one_of("way to choose neighbours", lambda: settings.NEIGHBOURS), "WHICH",
           ", ".join(settings.NEIGHBOURS))  # fmt: skip
    option("chosen", listed, "ID,ID", "the zoo tasks that vote, instead of the K nearest", default="")
    option("similarity", one_of("similarity", lambda: settings.SIMILARITIES), "NAME", ", ".join(settings.SIMILARITIES))
    option("weighting", one_of("weighting of votes", lambda: WEIGHTINGS), "NAME", ", ".join(WEIGHTINGS))
    option("weights", one_of("source of weights", lambda: settings.WEIGHTS), "SOURCE",
           "where kept channels take their weights: " + ", ".join(settings.WEIGHTS),
           default="neighbours where they vote, else pretrained")  # fmt: skip
    option("mask_of", str, "RUN", "keep the channels that this finished run kept; for --method same-mask",
           "--mask-of", default="")  # fmt: skip
    option("sample", float, "T", "draw channels by their votes at this temperature", default="the most voted are taken")
    parser.add_argument("--dynamic", action="store_true", default=None, help="vote in rounds, neighbours ranked anew")
    option("zoo", str, "ZOO", "a zoo's id or folder; every method prunes the backbone of that zoo",
           default="the shipped one")  # fmt: skip
    option("backbone", str, "ID", "a backbone's id or file; with --zoo, it must be the zoo's",
           default="the zoo's own")  # fmt: skip
    option("threads", whole(1), "N", "CPU threads")
    option("learning_rate", float, "RATE", "peak of the learning rate", "--learning-rate")
    option("batch", whole(2), "N", "images a training iteration")
    option("sampling", one_of("way to draw training images", lambda: settings.SAMPLINGS), "HOW",
           "draw training images as they come, or each class as often: " + ", ".join(settings.SAMPLINGS))  # fmt: skip
    add_skip_unreadable(parser)
    parser.add_argument("--tag", action="append", default=[], metavar="WORD", help="tag the run; may be given again")
    parser.add_argument("--detach", action="store_true", help="only queue the run; a background process works on it")


def _option_adder(parser: argparse.ArgumentParser) -> Callable[..., None]:
    def option(
        name: str, type: Callable[[str], Any], metavar: str, help: str, flag: str = "", default: str | None = None
    ) -> None:
        usual = getattr(DEFAULTS, name) if default is None else default
        text = help if usual == "" else f"{help} (default: {usual})"
        parser.add_argument(flag or f"--{name}", dest=name, type=type, metavar=metavar, help=text)

    return option


def prune(args: argparse.Namespace) -> Answer:
    """The run as one document, once it has finished; with --detach as soon as it is queued."""
    from core.reports.records import run_document
    from core.runs.queue import ensure_worker
    from core.runs.store import Store

    config = checked_config(args)
    store = Store()
    run_id = store.create(config, tags=args.tag)
    if args.detach:
        ensure_worker(store)
        document = run_document(store, run_id)
        return Answer(document, lambda out: say(out, f"Run {run_id} is queued: python -m core runs show {run_id}"))
    work_here(store, run_id, config)
    document = run_document(store, run_id)
    return Answer(document, lambda out: show_run(out, document))


def checked_config(args: argparse.Namespace) -> RunConfig:
    """The config that the arguments ask for, refused before a run is made where it cannot work.

    Raises UsageError for values, UnknownNameError, MissingDataError, BadFileError, MismatchError for what they name.
    """
    from core.runs.settings import run_config

    task = task_of(args)
    chosen = {name: getattr(args, name) for name in DEFAULTS.to_dict() if name != "task"}
    given = {name: value for name, value in chosen.items() if value is not None}
    if given.get("neighbours") == "all":
        given["k"] = None
    try:
        RunConfig(task=task.id, **given)
    except MetaVoteError as error:
        raise UsageError(str(error)) from error
    run_config({**given, "task": task.id})  # which refuses names and pairs that cannot be

    from core.backbones.backbone import load_backbone  # torch, which takes seconds
    from core.runs.resolve import resolved
    from core.tasks.data import load_task

    try:
        config = resolved({**given, "task": task.id})
    except BadValueError as error:
        raise UsageError(str(error)) from error
    data = load_task(task, load_backbone(config.backbone).size, config.skip_unreadable)  # kept in memory for the run
    notice(*data.notices)
    return config


def work_here(store: "Store", run_id: str, config: RunConfig) -> None:
    """Work on a queued run in this process, showing its progress. Returns when it has finished, else raises."""
    from core.runs.worker import events_of, work

    with bars() as progress:
        bar = RunBar(progress, config.iterations)

        def observed(config: RunConfig, checkpoint: "Checkpoint | None") -> "Iterator[Event]":
            for event in events_of(config, checkpoint):
                bar(event)
                yield event

        work(store, only=run_id, events_of=observed)
        _follow(store, run_id, bar)
    _raise_unless_finished(store, run_id)


def _follow(store: "Store", run_id: str, bar: RunBar) -> None:
    """Wait for a run that a background worker took first; a run that was stopped here is not left in the queue."""
    import time

    from core.runs.processes import this_worker
    from core.runs.record import QUEUED, WITH_WORKER
    from core.runs.status import current

    seen = 0
    while (record := store.get(run_id)) and current(record) in WITH_WORKER and record.pid != this_worker().pid:
        for number, event in store.events(run_id, after=seen):
            bar(event)
            seen = number
        time.sleep(FOLLOW)
    if record.status == QUEUED:  # Ctrl-C: the worker's machinery put it back
        store.request_cancel(run_id)


def _raise_unless_finished(store: "Store", run_id: str) -> None:
    from core.runs.record import FAILED, FINISHED
    from core.runs.status import current

    record = store.get(run_id)
    status = current(record)
    if status == FINISHED:
        return
    if status == FAILED:
        raise MetaVoteError(f"Run {run_id} failed: {record.error}")
    raise MetaVoteError(f"Run {run_id} was stopped ({status}): continue it with python -m core runs resume {run_id}")


def show_run(out: "Console", document: dict[str, Any]) -> None:
    """One run for people: what was asked for beside what was reached, the curve, the cost."""
    from core.reports import records
    from core.reports.by_class import balanced_where_uneven
    from core.reports.tables import Column, asked_for, duration, known, reached, share, short

    achieved, dense, cost = document["achieved"], document["dense"], document["cost"]
    asked = document["requested"]
    lines = [
        ("run", f"{document['run']} ({document['status']})"),
        ("task", document["task"]),
        ("method", METHODS[document["method"]].title),
        ("keep ratio asked for", asked_for(asked)),
        ("reached", reached(*records.reached(RunConfig.from_dict(document["config"]), document))),
        ("channel sparsity", share(achieved.get("channel_sparsity"))),
        ("parameters", f"{short(achieved.get('params'))} of {short(dense.get('params'))}"),
        ("MACs", f"{short(achieved.get('macs'))} of {short(dense.get('macs'))}"),
        ("test accuracy", share(document["test_accuracy"])),
        ("balanced accuracy", share(balanced_where_uneven(document["test_balanced_accuracy"], document["imbalance"]))),
        ("top-5 accuracy", share(document["test_top5_accuracy"])),
        ("images skipped", f"{document['skipped']['count']} unreadable" if document["skipped"] else "-"),
        ("time", duration(cost.get("seconds"))),
        ("model", document["model"] or "-"),
    ]
    width = max(len(name) for name, _ in lines)
    say(out, *(f"{name:<{width}}  {value}" for name, value in lines if value not in ("-", "- of -")))
    if document["error"]:
        say(out, f"{'error':<{width}}  {document['error']}")
    if document["engine"] is not None and is_outdated(document):
        say(out, RUN_AGAIN)
    columns: list[Column[dict[str, Any]]] = [
        Column("iteration", lambda one: one["iteration"]),
        Column("validation accuracy", lambda one: one["accuracy"], share),
        Column("balanced", lambda one: balanced_where_uneven(one["balanced_accuracy"], document["imbalance"]), share),
        Column("top-5", lambda one: one["top5_accuracy"], share),
        Column("loss", lambda one: one["loss"], known(lambda loss: decimal(loss, 3))),
        Column("time", lambda one: one["seconds"], duration),
    ]
    if document["curve"]:
        table(out, columns, document["curve"])
    show_classes(out, document)


def show_classes(out: "Console", document: dict[str, Any]) -> None:
    """Class by class, where the task is imbalanced: images by split, and accuracy on the test split."""
    from core.reports.by_class import ClassFigures, class_figures, least_accurate, uneven_words
    from core.reports.tables import Column, share

    if not (title := uneven_words(document["imbalance"])):
        return
    columns: list[Column[ClassFigures]] = [
        Column("class", lambda one: one.name, numeric=False),
        Column("training images", lambda one: one.train),
        Column("test images", lambda one: one.test),
        Column("test accuracy", lambda one: one.accuracy, share),
    ]
    every = class_figures(document)
    shown = least_accurate(every, MOST_CLASSES)
    more = f"; the {len(shown)} least accurate of {len(every)} classes" if len(shown) < len(every) else ""
    table(out, columns, shown, title + more)

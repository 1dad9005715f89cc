"""What a fair comparison has, checked against the runs at hand: each control and each statement, there or missing."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import compress
from typing import Any

from core.channels.budget import TOLERANCE, WORDS
from core.numbers import counted, percent, ratio
from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import MANY_CLASSES
from core.pruning.methods import METHODS
from core.reports.comparability import outdated_sentence, with_setups
from core.reports.records import reached, rows_of
from core.reports.rows import Row
from core.runs.record import FINISHED, RunRecord

THERE, PARTLY, MISSING, NOT_KNOWN, NOT_NEEDED = "there", "partly", "missing", "not known", "not needed"
STATES = (THERE, PARTLY, MISSING, NOT_KNOWN, NOT_NEEDED)
ENOUGH_SEEDS, ENOUGH_KEEPS = 3, 5

_Configs = Sequence[RunConfig]
_Cell = tuple[str, str, int, float, str]  # backbone, task, iterations, keep ratio and what it is of


@dataclass(frozen=True)
class Check:
    """One line of the checklist: what is asked for, whether it is there, and what that was seen from."""

    asked: str
    state: str
    seen: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def checklist(
    records: Sequence[RunRecord],
    classes: Mapping[str, int] | None = None,
    equal_to_zoo: Collection[str] | None = None,
) -> list[Check]:
    """All lines, in the order in which a reader asks. Only finished runs count as evidence.

    classes: task -> number of its classes, where known. equal_to_zoo: the tasks that are also in the zoo that voted;
    None where that is not known.
    """
    every = with_setups(rows_of(records, {}), engines=False)
    finished = [row.status == FINISHED and row.engine is not None for row in every]
    rows = list(compress(every, finished))
    done = [_on(record.config, row.setup) for record, row in compress(zip(records, every, strict=True), finished)]
    votes = [config for config in done if _votes(config)]
    return [
        _all_finished(records, done),
        _same("One task, or the same tasks for all", *_tasks(done)),
        _same("The same iterations for all", *_values(done, lambda one: one.iterations)),
        _same("The same keep ratio for all", *_values([one for one in done if _removes(one)], _asked)),
        _hit(records),
        _inputs(rows),
        _same("The same fine-tuning for all", *_values(done, _tuning)),
        _seeds(done),
        _sizes(records),
        *(_control(words, is_it, done) for words, is_it in _controls()),
        *(_control(words, is_it, done) for words, is_it in (_VOTE_CONTROLS if votes else ())),
        *([_zoo_apart(votes, equal_to_zoo)] if votes else ()),
        _after_training(done),
        _trade_off(done),
        _top_five(records, classes or {}),
        _both_allocations(done),
        _engine(rows),
    ]


def _on(config: RunConfig, setup: str) -> RunConfig:
    """The config with its setup in place of its backbone, so that only runs on equal inputs are paired."""
    return replace(config, backbone=setup or "the same")


def _inputs(rows: Sequence[Row]) -> Check:
    """Whether all ran on one backbone, at one image size, on the same images of each task."""
    words = "The same backbone, image size and images for all"
    if not rows:
        return Check(words, MISSING, "No finished run.")
    setups = {row.setup for row in rows}
    if len(setups) > 1:
        return Check(words, MISSING, f"{len(setups)} setups: {_list(sorted(one or 'the others' for one in setups))}.")
    if unknown := sum(row.data is None for row in rows):
        return Check(words, NOT_KNOWN, f"All runs use {rows[0].backbone}. Images not recorded for {_runs(unknown)}.")
    return Check(words, THERE, f"All runs use {rows[0].backbone} at {rows[0].image_size} pixels.")


def _engine(rows: Sequence[Row]) -> Check:
    """Whether one engine version, today's, made all."""
    words = "The same, current engine version for all"
    if not rows:
        return Check(words, MISSING, "No finished run.")
    if outdated := outdated_sentence(rows):
        return Check(words, MISSING, outdated)
    return Check(words, THERE, f"All runs use engine version {ENGINE}.")


def _removes(config: RunConfig) -> bool:
    return METHODS[config.method].removes


def _asked(config: RunConfig) -> str:
    return f"{config.keep:g}" + ("" if config.of == "channels" else f" of the {WORDS[config.of]}")


def _votes(config: RunConfig) -> bool:
    return METHODS[config.method].needs_zoo


def _is_vote(config: RunConfig) -> bool:
    return _votes(config) and config.neighbours in ("nearest", "chosen") and config.weights == "neighbours"


_Test = Callable[[RunConfig], bool]


def _controls() -> list[tuple[str, _Test]]:
    """(words, whether a run is that control) of each control that a method is, the ceiling first."""
    words = dict.fromkeys(method.control for method in reversed(METHODS.values()) if method.control)
    return [(one, partial(_is_control, words=one)) for one in words]


def _is_control(config: RunConfig, words: str) -> bool:
    return METHODS[config.method].control == words


_VOTE_CONTROLS: tuple[tuple[str, _Test], ...] = (
    ("Votes of random neighbours", lambda one: _votes(one) and one.neighbours == "random"),
    ("Votes of the farthest neighbours", lambda one: _votes(one) and one.neighbours == "farthest"),
    ("Votes of the whole zoo", lambda one: _votes(one) and one.neighbours == "all"),
    ("The nearest neighbour alone", lambda one: _votes(one) and one.neighbours == "nearest" and one.k == 1),
    (
        "The same mask with the backbone's weights",
        lambda one: one.weights == "pretrained" and (METHODS[one.method].keeps_mask or _votes(one)),
    ),
)


def _control(words: str, is_it: _Test, done: _Configs) -> Check:
    """There where it ran on each task, at the iterations and keep ratio of what it is the control of."""
    wanted = {_cell(one) for one in done if _is_vote(one)} or {_cell(one) for one in done if _removes(one)}
    found = [one for one in done if is_it(one)]
    if not found:
        return Check(words, MISSING, "No such run among these.")
    if not wanted:
        return Check(words, THERE, f"{_runs(len(found))}.")
    # An unpruned network has no keep ratio, so it stands beside all of them.
    covered = {
        cell
        for cell in wanted
        for one in found
        if _cell(one)[: 5 if _removes(one) else 3] == cell[: 5 if _removes(one) else 3]
    }
    if covered == wanted:
        return Check(words, THERE, f"{_runs(len(found))}, at the same budget.")
    if covered:
        return Check(words, PARTLY, f"At {len(covered)} of {len(wanted)} combinations of task, iterations and keep.")
    spent = sorted({one.iterations for one in found})
    return Check(words, PARTLY, f"{_runs(len(found))}, but none at the same budget (iterations {_list(spent)}).")


def _cell(config: RunConfig) -> _Cell:
    return config.backbone, config.task, config.iterations, config.keep, config.of


def _all_finished(records: Sequence[RunRecord], done: _Configs) -> Check:
    words, out = "Every run has finished", len(records) - len(done)
    if not out:
        return Check(words, THERE, f"{_runs(len(done))}.")
    return Check(
        words, PARTLY if done else MISSING, f"{out} of {_runs(len(records))} have no result and count nowhere."
    )


def _tasks(done: _Configs) -> tuple[bool, str]:
    """Whether every method ran on every task, and on how many."""
    by_method: dict[str, set[str]] = defaultdict(set)
    for one in done:
        by_method[one.method].add(one.task)
    everywhere = {one.task for one in done}
    alike = all(tasks == everywhere for tasks in by_method.values())
    if len(everywhere) == 1:
        return True, f"All on {next(iter(everywhere))}."
    return alike, f"{len(everywhere)} tasks, {'all methods on each' if alike else 'not every method on each'}."


def _values(done: _Configs, value: Callable[[RunConfig], Any]) -> tuple[bool, str]:
    found = sorted({value(one) for one in done})
    return len(found) < 2, _list(found) + "." if found else "No finished run."


def _tuning(config: RunConfig) -> str:
    return f"Learning rate {config.learning_rate:g}, batch {config.batch}"


def _same(words: str, alike: bool, seen: str) -> Check:
    return Check(words, THERE if alike else MISSING, seen)


def _seeds(done: _Configs) -> Check:
    words = f"At least {ENOUGH_SEEDS} seeds of each, with mean and spread"
    by_cell: dict[RunConfig, set[int]] = defaultdict(set)
    for one in done:
        data = one.to_dict() | {"seed": 0, "threads": 1, "mask_of": None if one.method != "same-mask" else "any"}
        by_cell[RunConfig.from_dict(data)].add(one.seed)
    if not by_cell:
        return Check(words, MISSING, "No finished run.")
    counts = [len(seeds) for seeds in by_cell.values()]
    enough = sum(count >= ENOUGH_SEEDS for count in counts)
    if enough == len(counts):
        return Check(words, THERE, f"{min(counts)} seeds or more of each.")
    state = PARTLY if enough or max(counts) > 1 else MISSING
    return Check(words, state, f"{enough} of {len(counts)} settings have that many; the fewest is {min(counts)}.")


def _sizes(records: Sequence[RunRecord]) -> Check:
    words = "Parameters and MACs reported with accuracy"
    results = [record.result for record in records if record.status == FINISHED and record.result]
    whole = [one for one in results if (one.get("achieved") or {}).get("macs") and (one.get("dense") or {}).get("macs")]
    if results and len(whole) == len(results):
        return Check(words, THERE, "Parameters and MACs of every run, and of the unpruned network.")
    return Check(words, PARTLY if whole else MISSING, f"Known of {len(whole)} of {_runs(len(results))}.")


def _hit(records: Sequence[RunRecord]) -> Check:
    words = f"What was reached within {ratio(TOLERANCE)} of what was asked for"
    found = [reached(record.config, record.result)[1] for record in records if record.status == FINISHED]
    known = [abs(deviation) for deviation in found if deviation is not None]
    if not known:
        return Check(words, NOT_NEEDED, "No run here had a keep ratio to hit.")
    near = sum(deviation <= TOLERANCE for deviation in known)
    state = THERE if near == len(known) else PARTLY if near else MISSING
    return Check(words, state, f"{near} of {_runs(len(known))}; the farthest is {percent(max(known), 1)} off.")


def _both_allocations(done: _Configs) -> Check:
    words = "Global pruning beside per layer"
    by_budget: dict[tuple[str, _Cell], set[str]] = defaultdict(set)
    for one in done:
        if _removes(one):
            by_budget[one.method, _cell(one)].add(one.allocation)
    both = sum(len(found) > 1 for found in by_budget.values())
    if both:
        state = THERE if both == len(by_budget) else PARTLY
        return Check(words, state, f"Both for {both} of {len(by_budget)} combinations of method, task and budget.")
    kinds = set[str]().union(*by_budget.values())
    if len(kinds) == 2:
        return Check(words, PARTLY, "Both, but never for one method on one task at one budget.")
    return Check(words, MISSING, f"Every run here is {_list(sorted(kinds)) or 'unpruned'}.")


def _zoo_apart(votes: _Configs, equal_to_zoo: Collection[str] | None) -> Check:
    words = "No zoo task equals a target"
    if equal_to_zoo is None:
        return Check(words, NOT_KNOWN, "The zoo that voted, or a task, is not on this machine.")
    same = sorted({one.task for one in votes} & set(equal_to_zoo))
    return Check(words, MISSING if same else THERE, f"Also in the zoo: {_list(same)}." if same else "None does.")


def _after_training(done: _Configs) -> Check:
    words, before = "Ranked by accuracy after fine-tuning", sum(one.iterations == 0 for one in done)
    if not done:
        return Check(words, MISSING, "No finished run.")
    return Check(words, PARTLY if before else THERE, f"{_runs(before)} had none." if before else "All were fine-tuned.")


def _trade_off(done: _Configs) -> Check:
    words = f"A trade-off curve of at least {ENOUGH_KEEPS} keep ratios"
    by_method: dict[tuple[str, str], set[float]] = defaultdict(set)
    for one in done:
        if _removes(one):
            by_method[one.method, one.of].add(one.keep)
    most = max(map(len, by_method.values()), default=0)
    state = THERE if by_method and min(map(len, by_method.values())) >= ENOUGH_KEEPS else MISSING
    return Check(words, PARTLY if state == MISSING and most > 1 else state, f"{most} at most for one method.")


def _top_five(records: Sequence[RunRecord], classes: Mapping[str, int]) -> Check:
    words = f"Top-5 beside top-1 accuracy, where classes are more than {MANY_CLASSES}"
    done = [(one, one.result) for one in records if one.status == FINISHED and one.result]
    counts = [len(result.get("classes") or ()) or classes.get(one.config.task) for one, result in done]
    if None in counts:
        return Check(words, NOT_KNOWN, "A task is not on this machine, so its classes cannot be counted.")
    many = [result for (_, result), count in zip(done, counts, strict=True) if (count or 0) > MANY_CLASSES]
    if not many:
        return Check(words, NOT_NEEDED, f"{max((count or 0 for count in counts), default=0)} classes at most.")
    told = sum(result.get("test_top5_accuracy") is not None for result in many)
    if told == len(many):
        return Check(words, THERE, f"Both of all {_runs(told)}.")
    return Check(
        words, PARTLY if told else MISSING, f"Both of {told} of {_runs(len(many))}; older runs have top-1 only."
    )


def _runs(number: int) -> str:
    return counted(number, "run")


def _list(values: Sequence[Any]) -> str:
    texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)

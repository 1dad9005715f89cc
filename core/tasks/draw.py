"""Draw tasks by chance: the shipped ones (`python -m core.tasks.draw` writes `assets/tasks.json`), or anybody's.

Always the same ones. Draws are orders by hash, not a random generator's, so they are the same on every Python version.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import comb

from core.errors import BadValueError
from core.paths import ASSETS
from core.tasks.catalogue import task
from core.tasks.emoji import about
from core.tasks.images import fraction
from core.tasks.task import Task
from core.tasks.torchvision_names import CLASSES

SEED = 0
MOST_TASKS, MOST_TARGETS = 500, 100  # in one draw of anybody's: a zoo of more takes days to build
CLASSES_PER_TASK, FASHION_CLASSES_PER_TASK = 5, 3
Drawn = dict[str, tuple[str, ...]]


def shuffled(items: Sequence[str], key: str, seed: int = SEED) -> list[str]:
    """The items in an order that depends on their names, `key` and `seed` alone."""
    return sorted(items, key=lambda item: fraction(f"meta-vote-studio/tasks/{seed}/{key}/{item}"))


def draw(
    prefix: str,
    number: int,
    classes: Sequence[str],
    taken: Collection[frozenset[str]],
    at_least: int,
    size: int = CLASSES_PER_TASK,
    seed: int = SEED,
) -> Drawn:
    """`number` tasks of `size` classes, none the same set as another or one `taken`; each class in `at_least`."""
    for attempt in count():
        seen, drawn = set(taken), Drawn()
        candidates: Iterator[list[str]] = (shuffled(classes, f"{prefix}/{attempt}/{n}", seed)[:size] for n in count())
        while len(drawn) < number:
            chosen = next(candidates)
            if frozenset(chosen) not in seen:
                seen.add(frozenset(chosen))
                drawn[f"{prefix}{len(drawn):02d}"] = tuple(sorted(chosen, key=classes.index))
        uses = Counter(name for chosen_classes in drawn.values() for name in chosen_classes)
        if min(uses[name] for name in classes) >= at_least:
            return drawn
    raise AssertionError("count() never ends")


@dataclass(frozen=True)
class Draw:
    """What to draw: so many zoo tasks and targets of so many classes each; `disjoint`: with no class in common."""

    dataset: str
    tasks: int
    classes: int
    targets: int = 0
    seed: int = 0
    disjoint: bool = False


def drawn_tasks(wanted: Draw, taken: Collection[Task] = ()) -> tuple[list[Task], list[Task]]:
    """(zoo tasks, targets held out of them) of any data set: no two with the same classes, none with a `taken` one's.

    Raises BadValueError, before drawing, where there are not so many; UnknownNameError, MissingDataError.
    """
    everything = task(wanted.dataset)
    size, known = wanted.classes, everything.classes
    _check(wanted, len(known))
    held_out: set[str] = set()
    if wanted.disjoint and wanted.targets:
        held_out = set(shuffled(known, "held out", wanted.seed)[: _held_out(len(known), size, wanted.targets)])
    before = {frozenset(one.classes) for one in taken if one.dataset == everything.dataset}
    found: list[list[Task]] = []
    for kind, number in (("zoo", wanted.tasks), ("targets", wanted.targets)):
        may = [name for name in known if not held_out or (name in held_out) == (kind == "targets")]
        free = comb(len(may), size) - sum(classes <= set(may) and len(classes) == size for classes in before)
        if number > free:
            raise BadValueError(
                f"Of {len(may)} classes of {wanted.dataset} there are only {free} more tasks of {size} classes, not "
                f"{number} {'targets' if kind == 'targets' else 'zoo tasks'} asked for: draw fewer, or smaller ones."
            )
        drawn = draw(kind, number, may, before, 0, size, wanted.seed)
        found.append([task(wanted.dataset, classes) for classes in drawn.values()])
        before |= {frozenset(classes) for classes in drawn.values()}
    return found[0], found[1]


def _held_out(known: int, size: int, targets: int) -> int:
    """How many classes only targets have, where they share none with the zoo: a third, but enough for all of them."""
    return next(held for held in count(max(size, round(known / 3))) if comb(held, size) >= targets)


def _check(wanted: Draw, known: int) -> None:
    for words, number, least in (
        ("tasks", wanted.tasks, 1), ("classes", wanted.classes, 2), ("targets", wanted.targets, 0),
        ("seed", wanted.seed, 0),
    ):  # fmt: skip
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise BadValueError(f"A draw's {words} must be a whole number of at least {least}, not {number!r}.")
    for words, number, most in (("tasks", wanted.tasks, MOST_TASKS), ("targets", wanted.targets, MOST_TARGETS)):
        if number > most:
            raise BadValueError(f"A draw has at most {most} {words}, not {number}: draw fewer.")
    if not isinstance(wanted.disjoint, bool):
        raise BadValueError(f"A draw is disjoint or not, true or false, not {wanted.disjoint!r}.")
    apart = wanted.disjoint and wanted.targets
    held_out = _held_out(known, wanted.classes, wanted.targets) if apart else 0
    if wanted.classes + held_out > known:
        held = f" and {held_out} that only targets have" if apart else ""
        raise BadValueError(
            f"{wanted.dataset} has {known} classes, too few for tasks of {wanted.classes}{held}: draw smaller tasks."
        )


def settings() -> dict[str, dict[str, str | Drawn]]:
    """All settings: targets over all classes, targets over classes that no task of the zoo has, and another domain."""
    classes = list(about())
    zoo = draw("emoji-z", 48, classes, (), at_least=2)
    targets = draw("emoji-t", 12, classes, {frozenset(names) for names in zoo.values()}, at_least=0)
    held_out = set(shuffled(classes, "disjoint")[:16])
    apart = draw("emoji-dz", 20, [name for name in classes if name not in held_out], (), at_least=1)
    apart_targets = draw("emoji-dt", 8, [name for name in classes if name in held_out], (), at_least=1)
    clothes = CLASSES["fashion-mnist"]
    worn = draw("fashion-z", 20, clothes, (), at_least=2, size=FASHION_CLASSES_PER_TASK)
    taken = {frozenset(names) for names in worn.values()}
    worn_targets = draw("fashion-t", 6, clothes, taken, at_least=0, size=FASHION_CLASSES_PER_TASK)
    return {
        "emoji": {"dataset": "emoji", "zoo": zoo, "targets": targets},
        "emoji-disjoint": {"dataset": "emoji", "zoo": apart, "targets": apart_targets},
        "fashion": {"dataset": "fashion-mnist", "zoo": worn, "targets": worn_targets},
    }


def text() -> str:
    """What `assets/tasks.json` holds, one task to a line."""
    blocks = []
    for name, setting in settings().items():
        parts = [f'   "dataset": {json.dumps(setting["dataset"])}']
        for kind in ("zoo", "targets"):
            drawn = setting[kind]
            assert isinstance(drawn, dict)
            lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(classes)}" for key, classes in drawn.items())
            parts.append(f'   "{kind}": {{\n{lines}\n   }}')
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n  }")
    return f'{{\n "seed": {SEED},\n "settings": {{\n' + ",\n".join(blocks) + "\n }\n}\n"


if __name__ == "__main__":
    (ASSETS / "tasks.json").write_text(text())

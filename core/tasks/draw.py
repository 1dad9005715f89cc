"""Draw the shipped tasks: `python -m core.tasks.draw` writes `assets/tasks.json`, always the same one.

Draws are orders by hash, not a random generator's, so they are the same on every Python version.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import count

from core.paths import ASSETS
from core.tasks.emoji import about
from core.tasks.images import fraction
from core.tasks.torchvision_names import CLASSES

SEED = 0
CLASSES_PER_TASK, FASHION_CLASSES_PER_TASK = 5, 3
Drawn = dict[str, tuple[str, ...]]


def shuffled(items: Sequence[str], key: str) -> list[str]:
    """The items in an order that depends on their names and `key` alone."""
    return sorted(items, key=lambda item: fraction(f"meta-vote-studio/tasks/{SEED}/{key}/{item}"))


def draw(
    prefix: str,
    number: int,
    classes: Sequence[str],
    taken: Collection[frozenset[str]],
    at_least: int,
    size: int = CLASSES_PER_TASK,
) -> Drawn:
    """`number` tasks of `size` classes, none the same set as another or one `taken`; each class in `at_least`."""
    for attempt in count():
        seen, drawn = set(taken), Drawn()
        candidates: Iterator[list[str]] = (shuffled(classes, f"{prefix}/{attempt}/{n}")[:size] for n in count())
        while len(drawn) < number:
            chosen = next(candidates)
            if frozenset(chosen) not in seen:
                seen.add(frozenset(chosen))
                drawn[f"{prefix}{len(drawn):02d}"] = tuple(sorted(chosen, key=classes.index))
        uses = Counter(name for chosen_classes in drawn.values() for name in chosen_classes)
        if min(uses[name] for name in classes) >= at_least:
            return drawn
    raise AssertionError("count() never ends")


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

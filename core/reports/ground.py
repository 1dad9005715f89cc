"""What two accuracies must have in common to be comparable: task, backbone, image size, normalisation and images."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from core.numbers import counted
from core.pruning.engine import ENGINE, NOTE
from core.reports.rows import Comparison, Row
from core.runs.record import FINISHED

TASK, BACKBONE, SIZE, DATA = "another task", "another backbone", "another image size", "other images"
NORMALISATION = "another normalisation"
DIGITS = 8  # of a hash in a sentence
MOST_NAMED = 4  # grounds in a sentence


def mismatch(one: Row, other: Row, tasks: bool = True) -> str | None:
    """Why one run's accuracy may not be held against another's; None if it may.

    What was not recorded counts as equal, but for the backbone, whose id is always known. tasks: whether these count.
    """
    if tasks and one.task != other.task:
        return TASK
    if not _same_backbone(one, other):
        return BACKBONE
    if None not in (one.image_size, other.image_size) and one.image_size != other.image_size:
        return SIZE
    if None not in (one.normalisation, other.normalisation) and one.normalisation != other.normalisation:
        return NORMALISATION
    if one.task == other.task and None not in (one.data, other.data) and one.data != other.data:
        return DATA
    return None


def _same_backbone(one: Row, other: Row) -> bool:
    if one.backbone_hash is not None and other.backbone_hash is not None:
        return one.backbone_hash == other.backbone_hash
    return one.backbone == other.backbone


def on_grounds(rows: Iterable[Row], engines: bool = True) -> tuple[Row, ...]:
    """The rows, each finished one with the words that tell its inputs from those of others among them: its `ground`.

    Rows of one ground may be averaged. What was not recorded is taken to be the one value that others like it have; if
    these have several, it is a ground of its own. engines: whether runs of an earlier engine are apart from today's.
    """
    every = [replace(row, ground="") for row in rows]
    found = [row for row in every if row.status == FINISHED]
    backbones = _told_apart(found, lambda row: row.backbone, lambda row: row.backbone_hash)
    backbones = {row.run: backbones[row.run] or row.backbone for row in found}
    sizes = _told_apart(found, lambda row: backbones[row.run], _size)
    colours = _told_apart(found, lambda row: backbones[row.run], lambda row: row.normalisation)
    pictures = _told_apart(found, lambda row: row.task, lambda row: row.data)
    names = _backbone_names(found, backbones)
    sizes_of, colours_of, pictures_of = (defaultdict[str, set[str]](set) for _ in range(3))
    for row in found:
        sizes_of[backbones[row.run]].add(sizes[row.run])
        colours_of[backbones[row.run]].add(colours[row.run])
        pictures_of[row.task].add(pictures[row.run])
    mixed = engines and len({row.engine for row in found if row.engine is not None}) > 1

    def ground(row: Row) -> str:
        parts = [names[row.run]] if len(set(backbones.values())) > 1 else []
        if len(sizes_of[backbones[row.run]]) > 1:
            parts.append(f"{sizes[row.run]} pixels" if sizes[row.run] else "image size unknown")
        if len(colours_of[backbones[row.run]]) > 1:
            parts.append(colours[row.run] or "normalisation unknown")
        if len(pictures_of[row.task]) > 1:
            parts.append(f"images {pictures[row.run][:DIGITS]}" if pictures[row.run] else "images unknown")
        if mixed and row.engine is not None and row.engine < ENGINE:
            parts.append(f"engine version {row.engine}")
        return ", ".join(parts)

    return tuple(replace(row, ground=ground(row)) if row.status == FINISHED else row for row in every)


def _size(row: Row) -> str | None:
    return None if row.image_size is None else str(row.image_size)


def _told_apart(rows: Sequence[Row], like: Callable[[Row], str], value: Callable[[Row], str | None]) -> dict[str, str]:
    """Run -> its value; for one without, the only value of the rows like it, "" if there are none or several."""
    known: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if (found := value(row)) is not None:
            known[like(row)].add(found)
    alone = {name: next(iter(values)) if len(values) == 1 else "" for name, values in known.items()}
    return {row.run: found if (found := value(row)) is not None else alone.get(like(row), "") for row in rows}


def _backbone_names(rows: Sequence[Row], backbones: Mapping[str, str]) -> dict[str, str]:
    """Run -> what people read for its backbone: an id, and the first digits of its hash if two have that id."""
    ids: dict[str, str] = {}
    for row in rows:
        ids.setdefault(backbones[row.run], row.backbone)
    often = Counter(ids.values())
    return {
        row.run: name if often[name := ids[backbones[row.run]]] == 1 else f"{name} {backbones[row.run][:DIGITS]}"
        for row in rows
    }


def notices(found: Comparison) -> list[str]:
    """What to know before reading a comparison: runs not compared, means kept apart, runs that an old engine made."""
    missing = "" if found.base is None else misfits(found.rows, found.base)
    engines = {row.engine for row in found.rows if row.engine is not None}
    outdated = outdated_in_words(found.rows) if len(engines) > 1 else ""
    return [one for one in (missing, grounds_in_words(found.rows), outdated) if one]


def misfits(rows: Iterable[Row], base: Row) -> str:
    """One sentence on the finished runs that are not held against the baseline, with what both have; "" for none."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.not_compared is not None:
            found[_in_words(row, base)].append(row)
    if not found:
        return ""
    number = sum(map(len, found.values()))
    reasons = "; ".join(f"{len(some)} {'has' if len(some) == 1 else 'have'} {words}" for words, some in found.items())
    return f"No difference is shown for {counted(number, 'run')} that cannot be compared with the baseline: {reasons}."


def _in_words(row: Row, base: Row) -> str:
    """Why a row is not compared, with its value and the baseline's."""
    if row.not_compared == BACKBONE:
        mine, its = row.backbone, base.backbone
        if mine == its:
            mine, its = (f"{one.backbone} {(one.backbone_hash or '')[:DIGITS]}" for one in (row, base))
        return f"{BACKBONE} ({mine}, not {its})"
    values = {
        TASK: (row.task, base.task),
        SIZE: (f"{row.image_size} pixels", base.image_size),
        NORMALISATION: (row.normalisation, base.normalisation),
        DATA: (f"{(row.data or '')[:DIGITS]}", f"{(base.data or '')[:DIGITS]}"),
    }
    mine, its = values[str(row.not_compared)]  # type: ignore[assignment]
    return f"{row.not_compared} ({mine}, not {its})"


def grounds_in_words(rows: Iterable[Row]) -> str:
    """One sentence if finished runs are on several grounds, so that means are apart; "" if they are on one."""
    grounds = list(dict.fromkeys(row.ground for row in rows if row.test_accuracy is not None))
    if len(grounds) < 2:
        return ""
    named = " and ".join(one or "the others" for one in grounds[:MOST_NAMED])
    more = f" and {len(grounds) - MOST_NAMED} more" if len(grounds) > MOST_NAMED else ""
    return f"These runs differ in what they were made with, so they are averaged apart: {named}{more}."


def outdated_in_words(rows: Iterable[Row]) -> str:
    """One sentence on the runs that an earlier engine made; "" if there are none."""
    made = [row.engine for row in rows if row.engine is not None]
    old = sum(engine < ENGINE for engine in made)
    return f"{old} of {counted(len(made), 'finished run')}: {NOTE}" if old else ""

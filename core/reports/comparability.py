"""What two accuracies must share to be comparable: task, backbone, size, normalisation, images, engine version."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from core.numbers import counted
from core.pruning.engine import ENGINE, NOTE
from core.reports.rows import Comparison, Row
from core.runs.record import FINISHED

TASK, BACKBONE, SIZE, DATA = "another task", "another backbone", "another image size", "other images"
VERSION, NORMALISATION = "another engine version", "another normalisation"
DIGITS = 8  # of a hash in a sentence
MOST_NAMED = 4  # setups in a sentence


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
    if None not in (one.engine, other.engine) and one.engine != other.engine:
        return VERSION
    return None


def _same_backbone(one: Row, other: Row) -> bool:
    if one.backbone_hash is not None and other.backbone_hash is not None:
        return one.backbone_hash == other.backbone_hash
    return one.backbone == other.backbone


def with_setups(rows: Iterable[Row], engines: bool = True) -> tuple[Row, ...]:
    """The rows, each finished one with the words that tell its inputs from those of others among them: its `setup`.

    Rows of one setup may be averaged. What was not recorded is taken to be the one value that others like it have; if
    these have several, it is a setup of its own. engines: whether runs of an earlier engine are apart from today's.
    """
    every = [replace(row, setup="") for row in rows]
    found = [row for row in every if row.status == FINISHED]
    backbones = _known_or_only(found, lambda row: row.backbone, lambda row: row.backbone_hash)
    backbones = {row.run: backbones[row.run] or row.backbone for row in found}
    sizes = _known_or_only(found, lambda row: backbones[row.run], _size)
    colours = _known_or_only(found, lambda row: backbones[row.run], lambda row: row.normalisation)
    pictures = _known_or_only(found, lambda row: row.task, lambda row: row.data)
    names = _backbone_names(found, backbones)
    sizes_of, colours_of, pictures_of = (defaultdict[str, set[str]](set) for _ in range(3))
    for row in found:
        sizes_of[backbones[row.run]].add(sizes[row.run])
        colours_of[backbones[row.run]].add(colours[row.run])
        pictures_of[row.task].add(pictures[row.run])
    mixed = engines and len({row.engine for row in found if row.engine is not None}) > 1

    def setup(row: Row) -> str:
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

    return tuple(replace(row, setup=setup(row)) if row.status == FINISHED else row for row in every)


def _size(row: Row) -> str | None:
    return None if row.image_size is None else str(row.image_size)


def _known_or_only(
    rows: Sequence[Row], like: Callable[[Row], str], value: Callable[[Row], str | None]
) -> dict[str, str]:
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
    missing = "" if found.base is None else incomparable_sentence(found.rows, found.base)
    engines = {row.engine for row in found.rows if row.engine is not None}
    outdated = outdated_sentence(found.rows) if len(engines) > 1 else ""
    return [one for one in (missing, setups_sentence(found.rows), outdated) if one]


def incomparable_sentence(rows: Iterable[Row], base: Row) -> str:
    """One sentence on the finished runs that are not compared with the baseline, with what both have; "" for none.

    Runs on other tasks are left to the reason in their rows: nobody expects a difference there.
    """
    found = Counter(_in_words(row, base) for row in rows if row.not_compared not in (None, TASK))
    if not found:
        return ""
    reasons = [
        f"{number} {'has' if number == 1 else 'have'} {words}" for words, number in found.most_common(MOST_NAMED)
    ]
    if (rest := found.total() - sum(number for _, number in found.most_common(MOST_NAMED))) > 0:
        reasons.append(f"{rest} more differ otherwise")
    number = counted(found.total(), "run")
    return f"{number} not comparable with the baseline, so no difference is shown: {'; '.join(reasons)}."


def _in_words(row: Row, base: Row) -> str:
    """Why a row is not compared, with its value and the baseline's."""
    if row.not_compared == BACKBONE:
        mine, its = row.backbone, base.backbone
        if mine == its:
            mine, its = (f"{one.backbone} {(one.backbone_hash or '')[:DIGITS]}" for one in (row, base))
        return f"{BACKBONE} ({mine}, not {its})"
    values = {
        SIZE: (f"{row.image_size} pixels", base.image_size),
        NORMALISATION: (row.normalisation, base.normalisation),
        DATA: (f"{(row.data or '')[:DIGITS]}", f"{(base.data or '')[:DIGITS]}"),
        VERSION: (f"{row.engine}", f"{base.engine}"),
    }
    mine, its = values[str(row.not_compared)]  # type: ignore[assignment]
    return f"{row.not_compared} ({mine}, not {its})"


def setups_sentence(rows: Iterable[Row]) -> str:
    """One sentence if finished runs are on several setups, so that means are apart; "" if they are on one."""
    setups = list(dict.fromkeys(row.setup for row in rows if row.test_accuracy is not None))
    if len(setups) < 2:
        return ""
    named = "; ".join(one or "the others" for one in setups[:MOST_NAMED])
    more = f"; {len(setups) - MOST_NAMED} more" if len(setups) > MOST_NAMED else ""
    return f"These runs have different setups and are averaged separately: {named}{more}."


def outdated_sentence(rows: Iterable[Row]) -> str:
    """One sentence on the runs that an earlier engine made; "" if there are none."""
    made = [row.engine for row in rows if row.engine is not None]
    old = sum(engine < ENGINE for engine in made)
    return f"{old} of {counted(len(made), 'finished run')} out of date. {NOTE}" if old else ""

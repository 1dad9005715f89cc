"""Where tasks are on the map and what is known of each: places, trust, and what points can be coloured by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import streamlit as st

from core.neighbours.trust import placed_between, point_trust
from core.targets.ranking import ranking_of
from core.tasks.task import Task
from core.zoo.zoo import Zoo
from dashboard import data, theme

BETWEEN = 3  # nearest tasks that a new target is put between


@dataclass(frozen=True)
class Atlas:
    """One layout: task id -> place; task id -> trust in it, from 0 to 1, {} where the zoo has no embedding to tell by.

    between: own target -> the tasks it was put between, as the map was made without it.
    """

    places: Mapping[str, tuple[float, float]]
    trust: Mapping[str, float]
    between: Mapping[str, tuple[str, ...]]
    trustworthiness: float


def atlas(zoo: Zoo, kind: str) -> Atlas:
    """The layout of that kind, with the user's own targets on it."""
    return _atlas(zoo, kind, tuple(task.id for task in data.targets(zoo) if task.id not in zoo.rows))


@st.cache_resource(max_entries=16, hash_funcs={Zoo: data._identity}, show_spinner=False)
def _atlas(zoo: Zoo, kind: str, own: tuple[str, ...]) -> Atlas:
    places, embedding = dict(zoo.coordinates(kind)), zoo.embedding()
    if embedding is None:
        return Atlas(places, {}, {}, zoo.trustworthiness(kind))
    rows, flat, ids = embedding.astype(np.float64), np.array(list(places.values())), list(places)
    vectors, between = [rows], {}
    for id in own:
        ranking = ranking_of(id, zoo)
        if ranking is None or ranking.embedding.shape != rows.shape[1:]:
            continue
        vectors.append(ranking.embedding[None])
        places[id] = placed_between(ranking.embedding, rows, flat, BETWEEN)
        near = np.argsort(np.linalg.norm(rows - ranking.embedding, axis=1), kind="stable")[:BETWEEN]
        between[id] = tuple(ids[row] for row in near)
    trust = point_trust(np.concatenate(vectors), np.array(list(places.values())))
    return Atlas(places, dict(zip(places, trust.tolist(), strict=True)), between, zoo.trustworthiness(kind))


@dataclass(frozen=True)
class Shade:
    """One attribute of tasks: task id -> value, its title, how a value reads, and a sentence for the legend."""

    name: str
    values: Mapping[str, float]
    sentence: str

    @property
    def title(self) -> str:
        """What people read for it."""
        return theme.SHADES_OF_TASKS[self.name]

    def text(self, id: str) -> str:
        """A task's value in words, "" where it has none."""
        value = self.values.get(id)
        return "" if value is None else READS[self.name](value)


READS: Mapping[str, Callable[[float], str]] = {
    "similarity": lambda value: theme.decimal(value, 3),
    "shared": lambda value: f"{value:.0f}",
    "accuracy": lambda value: theme.percent(value),
    "sparsity": lambda value: theme.percent(value, 1),
    "trust": lambda value: theme.percent(value),
}


def shades(zoo: Zoo, target: Task, measure: str, kind: str) -> Mapping[str, Shade]:
    """Every attribute that this zoo can tell of its tasks, by name; trust is that in the layout `kind`."""
    return _shades(zoo, target, measure, kind, tuple(data.targets(zoo)))


@st.cache_resource(max_entries=32, hash_funcs={Zoo: data._identity, Task: lambda task: task.id}, show_spinner=False)
def _shades(zoo: Zoo, target: Task, measure: str, kind: str, targets: tuple[Task, ...]) -> Mapping[str, Shade]:
    tasks = zoo.tasks
    removed = {task.id: value for task in tasks if (value := zoo.sparsity(task.id)) is not None}
    found = {
        "similarity": {each.task.id: each.similarity for each in data.ranking(zoo, target.id, measure)},
        "shared": {task.id: float(task.shared(target)) for task in [*tasks, *targets] if task != target},
        "accuracy": {task.id: zoo.accuracy(task.id) for task in tasks},
        "sparsity": removed,
        "trust": dict(atlas(zoo, kind).trust),
    }
    sentences = {
        "similarity": f"{theme.SIMILARITIES[measure]} of each zoo task to the target, larger is better",
        "shared": f"how many of the target's {len(target.classes)} classes a task has too",
        "accuracy": "of a zoo task's slim model, on its own validation images",
        "sparsity": "share of the backbone's parameters that a zoo task's slim model is without",
        "trust": theme.TRUST_HELP,
    }
    return {name: Shade(name, values, sentences[name]) for name, values in found.items() if values}


@dataclass(frozen=True)
class Search:
    """What a search by class found: the classes whose name holds the text, and the ids of the tasks that have one."""

    text: str
    classes: tuple[str, ...] = ()
    tasks: frozenset[str] = frozenset()
    hint: str = ""


def search(text: str, tasks: Sequence[Task]) -> Search | None:
    """Tasks that have a class whose name or title holds the text, in any case; None for no text."""
    wanted = text.strip().lower()
    if not wanted:
        return None
    labels = {(task.dataset, name): theme.class_label(task.dataset, name) for task in tasks for name in task.classes}
    hits = {key for key, label in labels.items() if wanted in label.lower()}
    found = frozenset(task.id for task in tasks if any((task.dataset, name) in hits for name in task.classes))
    near = get_close_matches(wanted, sorted({name for _, name in labels}), n=3, cutoff=0.5) if not hits else []
    return Search(text.strip(), tuple(sorted(labels[key] for key in hits)), found, " or ".join(near))

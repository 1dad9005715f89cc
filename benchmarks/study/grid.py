"""Which runs answer which question. Every run has a place here by question and variant, and nowhere else.

A full grid is for a larger machine; the default one keeps all targets and three seeds where a claim rests on them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation
from core.runs.record import RunRecord
from core.runs.store import Store
from core.tasks.catalogue import tasks
from core.tasks.datasets import dataset_names
from core.zoo.zoo import open_zoo

DISJOINT_ZOO, FASHION_ZOO = "emoji-resnet18-simclr-disjoint", "emoji-resnet18-simclr-fashion"
# How a backbone came by its weights -> its id. The zoo of each is the class-disjoint one, built the same way.
BACKBONES = {
    "self-supervised": "emoji-resnet18-simclr",
    "supervised": "emoji-resnet18-supervised",
    "random": "emoji-resnet18-random",
}
LONG = 240  # iterations of the full-length iterative method
ITERATIONS = (0, 5, 10, 20, 40, 60, 120)
SHORT = (20, 60)
KEEPS = (0.5, 0.3, 0.1, 0.05)
SEEDS = (0, 1, 2)
K = (3, 9, 15)  # besides 1, the nearest alone, and 5

VOTE: dict[str, Any] = {}
RIVALS: dict[str, dict[str, Any]] = {
    "mvp": VOTE,
    "magnitude": {"method": "magnitude"},
    "taylor-oneshot": {"method": "taylor-oneshot"},
    "random": {"method": "random"},
}
CONTROLS: dict[str, dict[str, Any]] = {
    "mvp": VOTE,
    "nearest alone": {"k": 1},
    "5 random": {"neighbours": "random"},
    "5 farthest": {"neighbours": "farthest"},
    "whole zoo": {"neighbours": "all"},
}
WEIGHTINGS: dict[str, dict[str, Any]] = {
    "by similarity": {"weighting": "similarity"},
    "by importance": {"weighting": "score"},
    "dynamic": {"dynamic": True},
}
SIMILARITIES: dict[str, dict[str, Any]] = {
    "logme": {"similarity": "logme"},
    "prototypes": {"similarity": "prototypes"},
}
MASKS: dict[str, dict[str, Any]] = {
    "votes": VOTE,
    "magnitude": {"method": "magnitude"},
    "taylor-oneshot": {"method": "taylor-oneshot"},
    "random": {"method": "random"},
}
Finished = Mapping[RunConfig, RunRecord]


@dataclass(frozen=True)
class Place:
    """Where a run belongs: its question, and its variant there."""

    question: str
    variant: str
    config: RunConfig


@dataclass(frozen=True)
class Grid:
    """How much is run: targets, seeds, and whether nothing is cut."""

    full: bool = False
    targets: tuple[str, ...] = tuple(task.id for task in tasks("targets"))
    seeds: tuple[int, ...] = SEEDS

    def few_seeds(self) -> tuple[int, ...]:
        """The seeds where one is enough for a picture."""
        return self.seeds if self.full else self.seeds[:1]

    def config(self, target: str, seed: int, **settings: Any) -> RunConfig:
        """One run on one thread."""
        return RunConfig(target, seed=seed, threads=1, **settings)

    def cross(
        self,
        question: str,
        variants: Mapping[str, dict[str, Any]],
        iterations: Sequence[int],
        seeds: Sequence[int],
        targets: Sequence[str] | None = None,
        **common: Any,
    ) -> Iterator[Place]:
        """Every combination, a whole seed before the next, so that a stopped study has whole comparisons."""
        for seed, count, (name, settings), target in product(
            seeds, iterations, variants.items(), self.targets if targets is None else targets
        ):
            if count or settings.get("method") != "taylor-oneshot":  # which cannot score on nothing
                merged = {"iterations": count, **common, **settings}
                yield Place(question, name, self.config(target, seed, **merged))


def rivals(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 1: what a user would do instead."""
    yield from grid.cross("1", RIVALS, SHORT, grid.seeds)
    yield from grid.cross("1", {"taylor": {"method": "taylor"}}, (LONG,), grid.seeds[:1])
    yield from grid.cross("1", {"dense": {"method": "dense"}}, (0, 60), grid.seeds[:1])
    yield from grid.cross("1", {"mvp": VOTE}, [n for n in ITERATIONS if n not in SHORT], grid.seeds)
    yield from grid.cross("1", RIVALS, [n for n in ITERATIONS if n not in SHORT], grid.few_seeds())
    yield from grid.cross("1", {"bn-scale": {"method": "bn-scale"}}, ITERATIONS, grid.few_seeds())
    yield from grid.cross("1", {"taylor": {"method": "taylor"}}, (60, 120), grid.few_seeds())


def keep_ratios(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 1, at other keep ratios."""
    for keep in KEEPS:
        yield from grid.cross("1", RIVALS, ITERATIONS if grid.full else SHORT, grid.few_seeds(), keep=keep)
        if grid.full:
            yield from grid.cross("1", {"taylor": {"method": "taylor"}}, (LONG,), grid.seeds, keep=keep)


def more_seeds(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 1: the slow methods, with all seeds."""
    yield from grid.cross("1", {"taylor": {"method": "taylor"}}, (LONG,), grid.seeds)
    yield from grid.cross("1", {"dense": {"method": "dense"}}, (0, 60), grid.seeds)


def controls(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 2: other voters, other numbers of them, other ways to rank and to weight them."""
    yield from grid.cross("2", CONTROLS, SHORT, grid.seeds)
    yield from grid.cross("2", {f"K = {k}": {"k": k} for k in K}, (20,), grid.seeds)
    yield from grid.cross("2", SIMILARITIES, (20,), grid.seeds)
    yield from grid.cross("2", WEIGHTINGS, SHORT, grid.few_seeds())


def alone(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 2: every zoo task as the only voter, without training."""
    for target in grid.targets:
        for task in open_zoo().tasks:
            yield Place("2", "alone", grid.config(target, grid.seeds[0], iterations=0, chosen=(task.id,)))


def oracle(grid: Grid, finished: Finished) -> Iterator[Place]:
    """Question 2: the five neighbours that are best alone, by the target's own validation images."""
    for target in grid.targets:
        found = [place.config for place in alone(grid, finished) if place.config.task == target]
        if all(config in finished for config in found):
            best = sorted(found, key=lambda config: (-start_accuracy(finished[config]), config.chosen))[:5]
            chosen = tuple(config.chosen[0] for config in best)
            for seed in grid.seeds:
                yield Place("2", "oracle", grid.config(target, seed, iterations=20, chosen=chosen))


def start_accuracy(record: RunRecord) -> float:
    """Validation accuracy of a run without training."""
    found = Store().events(record.id, kinds=[Evaluation.kind])
    return max((event.accuracy for _, event in found if isinstance(event, Evaluation)), default=0.0)


def weights(grid: Grid, finished: Finished) -> Iterator[Place]:
    """Question 3: every mask with the neighbours' weights, the backbone's, and none."""
    for name, settings in MASKS.items():
        for source in ("neighbours", "pretrained"):
            seeds = grid.seeds if name == "votes" else grid.few_seeds()
            yield from grid.cross("3", {f"{name} | {source}": settings | {"weights": source}}, SHORT, seeds)
    yield from grid.cross("3", {"votes | reinitialised": {"weights": "reinitialised"}}, SHORT, grid.few_seeds())


def own_mask(grid: Grid, finished: Finished) -> Iterator[Place]:
    """Question 3: the mask that the full-length method finds on the target itself."""
    for target, count, source in product(grid.targets, SHORT, ("neighbours", "pretrained")):
        long = grid.config(target, grid.seeds[0], method="taylor", iterations=LONG)
        if long in finished:
            settings = {"method": "same-mask", "mask_of": finished[long].id, "weights": source, "iterations": count}
            yield Place("3", f"own, iterative | {source}", grid.config(target, grid.seeds[0], **settings))


def disjoint(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 4: targets whose classes no zoo task has."""
    targets = [task.id for task in tasks("targets", "emoji-disjoint")]
    both = CONTROLS | {name: settings for name, settings in RIVALS.items() if name != "mvp"}
    both |= {"backbone's weights": {"weights": "pretrained"}}
    yield from grid.cross("4", both, SHORT, grid.seeds, targets, zoo=DISJOINT_ZOO)
    yield from grid.cross("4", {"taylor": {"method": "taylor"}}, (LONG,), grid.seeds[:1], targets)
    yield from grid.cross("4", {"dense": {"method": "dense"}}, (60,), grid.seeds[:1], targets)


def backbones(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 6: how the backbone came by its weights; a zoo of its own for each, no class shared with a target."""
    targets = [task.id for task in tasks("targets", "emoji-disjoint")]
    variants = {name: CONTROLS[name] for name in ("mvp", "nearest alone", "5 random")}
    variants |= {name: RIVALS[name] for name in ("magnitude", "random")} | {
        "backbone's weights": {"weights": "pretrained"}
    }
    for source, backbone in BACKBONES.items():
        named = {f"{name} | {source}": settings | {"backbone": backbone} for name, settings in variants.items()}
        yield from grid.cross("6", named, SHORT, grid.few_seeds(), targets, zoo=f"{backbone}-disjoint")
        for method, counts in (("taylor", (LONG,)), ("dense", (60,))):
            whole = {f"{method} | {source}": {"method": method, "backbone": backbone}}
            yield from grid.cross("6", whole, counts, grid.seeds[:1], targets)


def fashion(grid: Grid, _: Finished) -> Iterator[Place]:
    """Question 7: Fashion-MNIST's original files, three classes a task, the same backbone, a zoo of its own."""
    if not dataset_names()["fashion-mnist"].available:
        return
    targets = [task.id for task in tasks("targets", "fashion")]
    both = CONTROLS | {name: settings for name, settings in RIVALS.items() if name != "mvp"}
    both |= {"backbone's weights": {"weights": "pretrained"}}
    yield from grid.cross("7", both, SHORT, grid.few_seeds(), targets, zoo=FASHION_ZOO)
    yield from grid.cross("7", {"taylor": {"method": "taylor"}}, (LONG,), grid.seeds[:1], targets)
    yield from grid.cross("7", {"dense": {"method": "dense"}}, (60,), grid.seeds[:1], targets)


Stage = Callable[[Grid, Finished], Iterator[Place]]
STAGES: tuple[Stage, ...] = (
    controls,
    rivals,
    disjoint,
    weights,
    own_mask,
    alone,
    oracle,
    fashion,
    backbones,
    keep_ratios,
    more_seeds,
)


def places(grid: Grid, finished: Finished) -> list[Place]:
    """Every run of the study that can be named so far: some depend on what others found."""
    return list(dict.fromkeys(place for stage in STAGES for place in stage(grid, finished)))

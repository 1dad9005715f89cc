"""One ballot: run, preview, Votes page and command line elect the same channels from the same settings."""

from functools import cache
from random import Random
from typing import Any

import pytest
import torch

from core.backbones.backbone import load_backbone
from core.channels.budget import Budget
from core.channels.selection import Selection
from core.errors import BadValueError
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Pruned
from core.pruning.ground import Ground, ground_of
from core.pruning.work import Pruning
from core.runs import preview
from core.runs.execute import ranking
from core.tasks.catalogue import tasks
from core.tasks.data import TaskData, load_task
from core.tasks.task import Task
from core.voting import WEIGHTINGS, pick_voters
from core.zoo.zoo import Zoo, open_zoo
from dashboard.votes.view import counted
from tests.cli.conftest import Run

CONFIGS, BATCHES = 200, 4
TARGETS = tasks("targets")[:3]


@cache
def prepared(target: Task) -> tuple[TaskData, Ground]:
    data = load_task(target, 32)
    return data, ground_of(target, data, load_backbone("emoji-resnet18-simclr"), 0)


def drawn(chance: Random, zoo: Zoo) -> RunConfig:
    """Settings of a vote by chance: target, voters, weighting, budget."""
    target = chance.choice(TARGETS)
    chosen = chance.random() < 0.4
    who: dict[str, Any] = {"k": chance.randint(1, 9)}
    if chosen:
        who = {"chosen": tuple(task.id for task in chance.sample(zoo.voters(target), chance.randint(1, 6)))}
    budget = {
        "keep": chance.choice([0.05, 0.1, 0.2, 0.3, 0.5]), "of": chance.choice(["channels"] * 2 + ["params", "macs"]),
        "allocation": chance.choice(["uniform", "uniform", "global"]), "multiple": chance.choice([1, 1, 4]),
    }  # fmt: skip
    return RunConfig(
        target.id, iterations=0, threads=1, similarity=chance.choice(["leep", "logme", "prototypes"]),
        weighting=chance.choice(WEIGHTINGS), **budget, **who,
    )  # fmt: skip


def by_run(config: RunConfig, zoo: Zoo) -> Selection:
    target = next(task for task in TARGETS if task.id == config.task)
    data, ground = prepared(target)
    backbone = load_backbone(config.backbone)
    near = [(zoo.model(each.task.id), each.similarity) for each in ranking(config, zoo, target, data)]
    work = Pruning(config, target, data, backbone, near, None, None, ground)
    next(event for event in work.prepare() if isinstance(event, Pruned))
    return work.selection


def by_preview(config: RunConfig, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """The selection of the very network that the preview evaluates."""
    seen: list[Selection] = []

    def spied(work: Pruning) -> Evaluation:
        seen.append(work.selection)
        return Evaluation(0, 0.0, 0.0, 0.0)

    monkeypatch.setattr(Pruning, "make_ready", lambda work: None)
    monkeypatch.setattr(Pruning, "evaluation", spied)
    preview.preview(config)
    return seen[0]


def by_page(config: RunConfig, zoo: Zoo) -> Selection:
    target = next(task for task in TARGETS if task.id == config.task)
    _, matrix = zoo.similarity(config.similarity)
    ranked = zoo.rank(target, matrix[zoo.rows[target.id]], None)
    near = pick_voters(ranked, config.neighbours, config.k, config.chosen)
    return counted(zoo, target, sorted(near, key=ranked.index), config.weighting, config.budget)[1]


def by_command(config: RunConfig, run: Run) -> Selection:
    budget: Budget = config.budget
    asked = {
        "-k": config.k, "--similarity": config.similarity, "--weighting": config.weighting, "--keep": budget.keep,
        "--of": budget.of, "--allocation": budget.allocation, "--multiple": budget.multiple,
    }  # fmt: skip
    words = [str(word) for pair in asked.items() for word in pair]
    document = run("votes", config.task, *words, "--json").document
    sizes = {one["group"]: one["size"] for one in document["groups"]}
    return Selection({one["group"]: tuple(one["selected"]) for one in document["groups"]}, sizes)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_run_preview_page_and_command_line_elect_the_same_channels(
    batch: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    zoo, chance, agreed, refused = open_zoo(), Random(batch), 0, 0
    with monkeypatch.context() as patch:
        for _ in range(CONFIGS // BATCHES):
            config = drawn(chance, zoo)
            try:
                expected = by_run(config, zoo)
            except BadValueError:  # no widths come near enough to the budget
                refused += 1
                continue
            found = [by_page(config, zoo), by_preview(config, zoo, patch)]
            found += [by_command(config, run)] if config.neighbours == "nearest" else []
            assert all(one == expected for one in found), config
            agreed += 1
    assert agreed > 0.8 * CONFIGS / BATCHES and agreed + refused == CONFIGS // BATCHES

"""Each method scores channels with its own criterion, whatever the criterion looks at."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import nn

from core.channels.files import PrunedModel
from core.channels.selection import Selection
from core.criteria.registry import CRITERIA, Criterion
from core.criteria.scores import Scores, keep_best
from core.pruning.events import Slimmed
from core.pruning.methods import METHODS
from core.pruning.scoring import Scoring
from tests.engine import config, network, run_of, small_task

SCORING = [method.name for method in METHODS.values() if method.criterion is not None and not method.needs_zoo]


class Marked:
    """An accumulator that scores channels by a fixed pattern, whatever it sees."""

    def __init__(self, scores: Scores) -> None:
        self.fixed, self.state, self.batches = scores, dict[str, torch.Tensor](), 0

    def see(self, model: nn.Module, selection: Selection) -> None:
        self.batches += 1

    def scores(self, selection: Selection) -> Scores:
        return {group: values * selection.mask(group) for group, values in self.fixed.items()}

    def clear(self) -> None:
        self.batches = 0


def marked(name: str) -> Criterion:
    """A criterion of the same needs whose scores are a pattern of its own."""
    order = np.random.default_rng([len(name), *map(ord, name)])
    groups = network("resnet18")[1]
    fixed = {group: order.permutation(size) + 1.0 for group, size in groups.sizes.items()}
    plain = {True: lambda *_: Marked(fixed), False: lambda *_, **__: dict(fixed)}
    return replace(CRITERIA[name], score=plain[CRITERIA[name].needs == "gradients"])


def kept_by(name: str) -> Selection:
    """What remains if channels are kept by that criterion's pattern."""
    sizes = network("resnet18")[1].sizes
    score = marked(name).score
    scores = score().fixed if CRITERIA[name].needs == "gradients" else score()
    return keep_best(scores, {group: round(0.2 * size) for group, size in sizes.items()}, Selection.full(sizes))


def pruned_with(method: str) -> PrunedModel:
    """The model of a short run in which every criterion scores by its own pattern."""
    task, data = small_task()
    with patch.dict(CRITERIA, {name: marked(name) for name in CRITERIA}):
        events = run_of(config(method, task, iterations=8), task, data)
    return next(event.model for event in events if isinstance(event, Slimmed))


@pytest.mark.parametrize("method", SCORING)
def test_a_method_keeps_the_channels_that_its_own_criterion_scores_highest(method: str) -> None:
    criterion = METHODS[method].criterion
    assert criterion is not None
    assert pruned_with(method).selection == kept_by(criterion)


@pytest.mark.parametrize("one, other", [("magnitude", "bn-scale"), ("activation", "taylor-oneshot"), ("l1", "random")])
def test_that_is_noticed_if_two_criteria_are_swapped(one: str, other: str) -> None:
    swapped = {
        one: replace(METHODS[one], criterion=METHODS[other].criterion),
        other: replace(METHODS[other], criterion=METHODS[one].criterion),
    }
    expected = {name: kept_by(METHODS[name].criterion or "") for name in swapped}
    with patch.dict(METHODS, swapped):
        assert all(pruned_with(name).selection != expected[name] for name in swapped)


@pytest.mark.parametrize("name", CRITERIA)
def test_only_criteria_that_look_at_images_are_given_any_and_those_are_counted(name: str) -> None:
    model, groups = network("resnet18")
    asked = []

    def batches() -> list[torch.Tensor]:
        asked.append(1)
        return [torch.zeros(2, 3, 32, 32), torch.zeros(3, 3, 32, 32)]

    scoring = Scoring(name, groups, seed=1)
    nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.arange(4) % 3).backward()
    scoring.see(model, Selection.full(groups.sizes))
    _, images = scoring.scores(model, Selection.full(groups.sizes), batches)
    assert (len(asked), images) == ((1, 5) if CRITERIA[name].needs == "images" else (0, 0))
    assert bool(scoring.state) == scoring.gathers == (CRITERIA[name].needs == "gradients")

"""The last evaluation of a run, on real tasks: the learning rate has reached 0, so nothing may change any more."""

import pytest
import torch

from core.pruning.config import RunConfig
from core.pruning.events import Evaluation
from core.runs.execute import events_of

NOISE = 0.06  # of the validation loss; statistics from images in data-set order moved it by 0.3


@pytest.mark.parametrize("task", ["emoji-t00", "emoji-t03"])
def test_the_last_evaluation_repeats_the_one_before_up_to_noise(task: str) -> None:
    torch.set_num_threads(1)
    curve = [
        event
        for event in events_of(RunConfig(task, "random", iterations=24, threads=1))
        if isinstance(event, Evaluation)
    ]
    before, last = curve[-2:]
    assert (before.iteration, last.iteration) == (22, 24)
    assert abs(last.loss - before.loss) < NOISE

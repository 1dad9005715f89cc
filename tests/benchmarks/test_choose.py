"""Choosing on zoo tasks: who may vote, and that a changed constant is changed for its own variant alone."""

import pytest

from benchmarks.choose import VARIANTS, config_of, curve
from core.pruning import images, readout
from core.pruning.config import RunConfig
from core.zoo.zoo import open_zoo


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_variant_is_a_run_in_which_no_task_votes_for_itself(name: str) -> None:
    zoo = open_zoo()
    task = zoo.tasks[3]
    config = config_of(VARIANTS[name], zoo, task, 20, 0)
    assert task.id not in config.chosen
    if VARIANTS[name].apart:
        classes = {task.id: set(task.classes) for task in zoo.tasks}
        assert config.chosen and not any(classes[one] & classes[task.id] for one in config.chosen)


def test_a_constant_is_changed_for_its_variant_and_then_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def events_of(config: RunConfig) -> list[object]:
        seen.append((readout.SCALE, images.AUGMENT_FROM))
        return []

    monkeypatch.setattr("core.runs.execute.events_of", events_of)
    before = (readout.SCALE, images.AUGMENT_FROM)
    for name in ("head scale 10, augmented", "as it is"):
        curve((name, RunConfig("emoji-z00")))
    assert seen == [(10.0, 0.0), before] and before == (readout.SCALE, images.AUGMENT_FROM)

"""The process that ranks a zoo for a new target, run here on the tiny zoo: the same numbers as anywhere else."""

from pathlib import Path

import numpy as np
import pytest

from core.backbones.backbone import keep_backbone, save_backbone
from core.neighbours.embedding import task_embedding
from core.targets import worker
from core.targets.ranking import ranking_of
from core.targets.state import FAILED, READY, targets_in
from core.tasks.catalogue import named_task
from core.tasks.data import TaskData
from core.tasks.own import keep_task
from core.zoo.similarity import prototypes, similarities
from core.zoo.zoo import SIMILARITIES
from tests.engine import few_images, random_backbone
from tests.zoo.conftest import Built


@pytest.fixture
def task(home: Path):
    task = named_task("mine", "emoji", ("hand", "music", "arrow"))
    keep_task(task)
    return task


def test_a_ranked_target_has_the_similarities_and_the_embedding_that_a_run_would_compute(
    built: Built, backbone_file: str, task, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo, backbone = built.zoo, keep_backbone(backbone_file)
    told = []
    monkeypatch.setattr(worker, "say", lambda id, progress: told.append((progress.done, progress.total)))
    assert worker.main([task.id, str(built.folder)]) == 0
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    found = ranking_of(task.id, zoo)
    assert found is not None and targets_in(zoo)[0].status == READY
    data = TaskData(task, few_images())
    expected = similarities(zoo, task, data, backbone)
    for kind in SIMILARITIES:
        np.testing.assert_array_equal(found.similarities[kind], expected[kind])
    np.testing.assert_array_equal(found.embedding, task_embedding(prototypes(backbone, data.train)))


def test_a_zoo_of_another_backbone_is_refused_in_a_sentence(built: Built, task, home: Path) -> None:
    """In the same words as a run refuses it: the backbone is not here, or another has its name."""
    assert worker.main([task.id, str(built.folder)]) == 1
    (target,) = targets_in(built.zoo)
    assert target.status == FAILED and "is not on this machine: add it under that name" in target.progress.error
    other = random_backbone(seed=5)
    save_backbone(
        home / "backbones" / f"{built.zoo.backbone}.safetensors", other.tensors, architecture="resnet18",
        source="random", mean=list(other.mean), std=list(other.std), size=other.size, about={},
    )  # fmt: skip
    assert worker.main([task.id, str(built.folder)]) == 1
    (target,) = targets_in(built.zoo)
    assert target.status == FAILED and "was made on another" in target.progress.error

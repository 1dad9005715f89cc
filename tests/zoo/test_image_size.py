"""All that looks at images through a backbone sees them at its size: zoos, similarities, runs, previews, targets."""

from pathlib import Path

import numpy as np
import pytest

from core.backbones.backbone import load_backbone, save_backbone
from core.pruning.config import RunConfig
from core.pruning.events import Evaluation, Slimmed
from core.runs.execute import events_of
from core.runs.preview import preview
from core.session import LiveZoo
from core.targets import worker
from core.targets.ranking import ranking_of
from core.tasks.catalogue import named_task
from core.tasks.data import TaskData
from core.tasks.own import keep_task
from core.zoo.build import build_zoo, finished
from core.zoo.plan import Plan
from core.zoo.similarity import pictures_of, similarities
from core.zoo.zoo import SIMILARITIES, open_zoo
from tests.engine import few_images, random_backbone, small_task

SIZE = 24


def kept(folder: Path, size: int) -> str:
    """One of the user's own backbones, of random weights, for images of that size; its id."""
    made = random_backbone()
    save_backbone(
        folder / "backbones" / f"own-{size}.safetensors", made.tensors, architecture=made.architecture,
        source="random", mean=list(made.mean), std=list(made.std), size=size, about={},
    )  # fmt: skip
    return f"own-{size}"


@pytest.fixture
def zoo(home: Path, quick: None) -> LiveZoo:
    tasks = tuple(small_task(classes)[0] for classes in (("arrow", "body-parts"), ("hand", "heart")))
    plan = Plan("small", tasks, (small_task(("tool", "heart"))[0],), kept(home, SIZE), "magnitude", 0.3, 1)
    folder = home / "zoos" / "small"
    list(build_zoo(folder, plan))
    assert all(finished(folder, plan, task) for task in tasks)
    kept(home, 32)
    other = Plan("small", tasks, plan.targets, "own-32", "magnitude", 0.3, 1)
    assert not any(finished(folder, other, task) for task in tasks)  # the same weights, but seen at another size
    found = open_zoo("small")
    return LiveZoo(found.path, found.about, found.version)


def test_everything_sees_images_at_the_backbones_size(zoo: LiveZoo) -> None:
    assert [zoo.model(task.id).size for task in zoo.tasks] == [SIZE, SIZE]
    assert zoo.layers is not None and zoo.layers.image == SIZE
    (target,) = zoo.targets
    data = TaskData(target, few_images(), SIZE)
    assert zoo.pictures(target.id) == pictures_of(data) != pictures_of(TaskData(target, few_images()))

    backbone = load_backbone(zoo.backbone)
    computed = similarities(zoo, target, data, backbone)
    for kind in SIMILARITIES:
        np.testing.assert_allclose(computed[kind], zoo.similarity(kind)[1][2], rtol=1e-4, atol=1e-5)

    new = named_task("mine", "emoji", ("hand", "music"))
    keep_task(new)
    assert worker.main([new.id, str(zoo.path)]) == 0
    ranking = ranking_of(new.id, zoo)
    assert ranking is not None
    expected = similarities(zoo, new, TaskData(new, few_images(), SIZE), backbone)
    for kind in SIMILARITIES:
        np.testing.assert_array_equal(ranking.similarities[kind], expected[kind])
    near = zoo.neighbours(new, k=2)
    assert [each.similarity for each in near] == sorted(expected["leep"], reverse=True)

    asked = RunConfig(new.id, k=2, iterations=0, threads=1, zoo="small", backbone=zoo.backbone)
    events = list(events_of(asked))
    (slimmed,) = (event for event in events if isinstance(event, Slimmed))
    assert slimmed.model.size == SIZE
    first = next(event for event in events if isinstance(event, Evaluation))
    assert preview(asked).accuracy == first.accuracy

"""A task's images at the size that a backbone says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.tasks.catalogue import task as task_of
from core.tasks.data import TaskData, load_task
from core.tasks.datasets import load_dataset
from tests.engine import CLASSES, few_images


def test_the_shipped_backbones_size_is_that_of_the_stored_images_which_stay_as_they_are() -> None:
    task = task_of("emoji", list(CLASSES))
    stored, presented = load_task(task), load_task(task, 32)
    for split in ("train", "validation", "test"):
        assert np.array_equal(getattr(stored, split).images, getattr(presented, split).images)


@pytest.mark.parametrize("side", [16, 64])
def test_every_split_has_the_size_asked_for_and_the_same_labels(side: int) -> None:
    task = task_of("emoji", list(CLASSES))
    stored, presented = TaskData(task, few_images()), TaskData(task, few_images(), side)
    assert (stored.size, presented.size) == (32, side)
    for split in ("train", "validation", "test"):
        before, after = getattr(stored, split), getattr(presented, split)
        assert after.images.shape == (len(before), side, side, 3) and np.array_equal(before.labels, after.labels)
        assert np.array_equal(after.images, before.sized(side).images)
    assert presented.train is presented.train  # resized once


def test_a_folder_is_decoded_at_the_size_asked_for_and_not_blown_up_from_a_smaller_copy(tmp_path: Path) -> None:
    """Noise of 96 pixels: a copy of 64 pixels would have lost its finest part."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(4):
            pixels = random.integers(0, 256, (96, 96, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    task = task_of(f"folder:{tmp_path}")
    assert load_task(task).size == 64
    data = load_task(task, 96)
    originals = {np.asarray(Image.open(file)).tobytes() for file in tmp_path.rglob("*.png")}
    found = [image.tobytes() for part in (data.train, data.validation, data.test) for image in part.images]
    assert set(found) == originals and len(found) == 8
    assert load_dataset(task.dataset, size=96) is data.images  # kept
    assert load_task(task, 48).train.images.shape[1:] == (48, 48, 3)

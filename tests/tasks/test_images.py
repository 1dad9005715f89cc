"""Images of a data set, and parts of them."""

import numpy as np
import pytest
from PIL import Image

from core.tasks.images import Examples, resized
from tests.engine import few_images, small_task


def test_a_part_of_many_images_has_so_many_of_each_class_and_always_the_same() -> None:
    labels = np.array([0] * 30 + [1] * 5 + [2] * 12)
    whole = Examples(np.arange(47 * 3, dtype=np.uint8).reshape(47, 1, 1, 3), labels)
    part, again = whole.at_most(10), whole.at_most(10)
    assert np.bincount(part.labels).tolist() == [10, 5, 10]
    assert np.array_equal(part.images, again.images)
    kept = {tuple(image.ravel()) for image in whole.images}
    assert {tuple(image.ravel()) for image in part.images} <= kept and len(part) == 25
    assert whole.at_most(30) is whole


def test_images_of_the_wanted_size_are_left_alone_bit_for_bit() -> None:
    _, data = small_task()
    assert data.train.sized(data.size) is data.train


@pytest.mark.parametrize("side", [16, 31, 48, 224])
def test_other_sizes_are_what_pillow_makes_of_each_image_with_antialiasing(side: int) -> None:
    examples = small_task()[1].train.at_most(2)
    sized = examples.sized(side)
    assert sized.images.shape == (len(examples), side, side, 3) and sized.images.dtype == np.uint8
    assert sized.images.nbytes == len(examples) * side**2 * 3 and sized.labels is examples.labels
    for image, found in zip(examples.images, sized.images, strict=True):
        expected = Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)
        assert np.array_equal(found, np.asarray(expected))


def test_fine_stripes_become_grey_when_made_smaller_and_not_one_of_their_colours() -> None:
    """Without antialiasing every second line would be dropped."""
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(resized(stripes, 16).astype(int)[:, 2:-2] - 127).max() <= 3


def test_a_grey_data_set_whose_channels_share_memory_is_resized_too() -> None:
    grey = np.broadcast_to(few_images().images[:3, ..., :1], (3, 32, 32, 3))
    assert np.array_equal(resized(grey, 48), resized(np.ascontiguousarray(grey), 48))

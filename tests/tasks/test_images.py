"""Images of a data set, and parts of them."""

import numpy as np

from core.tasks.images import Examples


def test_a_part_of_many_images_has_so_many_of_each_class_and_always_the_same() -> None:
    labels = np.array([0] * 30 + [1] * 5 + [2] * 12)
    whole = Examples(np.arange(47 * 3, dtype=np.uint8).reshape(47, 1, 1, 3), labels)
    part, again = whole.at_most(10), whole.at_most(10)
    assert np.bincount(part.labels).tolist() == [10, 5, 10]
    assert np.array_equal(part.images, again.images)
    kept = {tuple(image.ravel()) for image in whole.images}
    assert {tuple(image.ravel()) for image in part.images} <= kept and len(part) == 25
    assert whole.at_most(30) is whole

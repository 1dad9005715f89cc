"""Images on their way into the network."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pruning.images import (
    PAD,
    augmented,
    augments,
    balanced_rows,
    batch_rows,
    epoch_order,
    members_of,
    normalised,
    sample_rows,
)
from core.tasks.images import Examples


def pictures(count: int, size: int = 8, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    return Examples(rng.integers(0, 256, (count, size, size, 3), np.uint8), np.arange(count) % 3)


def test_normalised_images_have_their_colours_shifted_and_scaled_one_by_one() -> None:
    examples = pictures(4)
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    images, labels = normalised(examples, mean, std)
    assert images.shape == (4, 3, 8, 8) and images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    for colour in range(3):
        expected = (examples.images[..., colour] / 255 - mean[colour]) / std[colour]
        np.testing.assert_allclose(images[:, colour].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert labels.tolist() == examples.labels.tolist() and labels.dtype == torch.int64


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 50), batch=st.integers(1, 60), seed=st.integers(0, 2**32 - 1))
def test_every_epoch_sees_each_image_exactly_once(count: int, batch: int, seed: int) -> None:
    size = min(batch, count)
    iterations = -(-3 * count // size)  # three epochs and what the last batch takes of the next
    seen = torch.cat([batch_rows(count, batch, i, seed) for i in range(iterations)]).tolist()
    for epoch in range(3):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_a_batch_depends_on_seed_and_iteration_alone() -> None:
    forwards = [batch_rows(23, 8, i, seed=5) for i in range(10)]
    backwards = [batch_rows(23, 8, i, seed=5) for i in reversed(range(10))]
    assert all(torch.equal(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))
    assert not torch.equal(torch.cat(forwards), torch.cat([batch_rows(23, 8, i, seed=6) for i in range(10)]))


def test_a_batch_larger_than_the_task_is_the_whole_task() -> None:
    rows = batch_rows(5, 64, 3, seed=0)
    assert sorted(rows.tolist()) == list(range(5))


def test_epochs_are_shuffled_differently() -> None:
    assert epoch_order(50, 0, 0).tolist() != epoch_order(50, 1, 0).tolist()


some_labels = st.lists(st.integers(0, 7), min_size=1, max_size=50)


def uneven(counts: Counter[int], classes: set[int]) -> int:
    """How many more draws the class drawn most often has than the one drawn least."""
    numbers = [counts[label] for label in classes]
    return max(numbers) - min(numbers)


@settings(max_examples=80, deadline=None)
@given(some_labels, st.integers(1, 30), st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 12))
def test_balanced_batches_draw_every_class_as_often_as_any_other(
    labels: list[int], batch: int, seed: int, first: int, length: int
) -> None:
    truth, members = torch.tensor(labels), members_of(torch.tensor(labels))
    batches = [truth[balanced_rows(members, batch, i, seed)].tolist() for i in range(first + length)]
    assert {len(one) for one in batches} == {min(batch, len(labels))}
    since_the_start = Counter(label for one in batches for label in one)
    assert uneven(since_the_start, set(labels)) <= 1
    if min(batch, len(labels)) >= len(set(labels)):  # then also in each batch, and in any stretch of them
        assert all(uneven(Counter(one), set(labels)) <= 1 for one in batches)
        assert uneven(Counter(label for one in batches[first:] for label in one), set(labels)) <= 1


@settings(max_examples=60, deadline=None)
@given(some_labels, st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_in_balanced_batches_a_class_shows_all_its_images_before_any_comes_again(
    labels: list[int], batch: int, seed: int
) -> None:
    truth, members = torch.tensor(labels), members_of(torch.tensor(labels))
    drawn = torch.cat([balanced_rows(members, batch, i, seed) for i in range(30)])
    for label in set(labels):
        own, count = drawn[truth[drawn] == label].tolist(), labels.count(label)
        for start in range(0, len(own), count):
            part = own[start : start + count]
            assert len(set(part)) == len(part) and all(labels[row] == label for row in part)


def test_any_balanced_batch_can_be_asked_for_alone_and_depends_on_the_seed() -> None:
    members = members_of(torch.tensor([0] * 20 + [1] * 5 + [2] * 2))
    unbroken = [balanced_rows(members, 8, i, seed=5) for i in range(10)]
    resumed = [balanced_rows(members, 8, i, seed=5) for i in reversed(range(10))]
    assert all(torch.equal(a, b) for a, b in zip(unbroken, reversed(resumed), strict=True))
    assert not torch.equal(torch.cat(unbroken), torch.cat([balanced_rows(members, 8, i, seed=6) for i in range(10)]))


def test_with_more_classes_than_a_batch_holds_other_classes_meet_each_time() -> None:
    members = members_of(torch.arange(40) % 20)
    rows = [balanced_rows(members, 5, i, seed=0) % 20 for i in range(40)]
    assert len({frozenset(row.tolist()) for row in rows}) > 30


def test_augmentation_keeps_shape_and_draws_its_values_from_each_image_alone() -> None:
    images, _ = normalised(pictures(6), (0.5,) * 3, (0.5,) * 3)
    moved = augmented(images, iteration=4, seed=1)
    assert moved.shape == images.shape and moved.is_contiguous(memory_format=torch.channels_last)
    for before, after in zip(images, moved, strict=True):
        own = {tuple(pixel) for pixel in before.permute(1, 2, 0).reshape(-1, 3).tolist()}
        assert {tuple(pixel) for pixel in after.permute(1, 2, 0).reshape(-1, 3).tolist()} <= own


def test_augmentation_is_a_move_and_perhaps_a_mirror() -> None:
    images, _ = normalised(pictures(40), (0.5,) * 3, (0.5,) * 3)
    moved = augmented(images, iteration=0, seed=0)
    found = set()
    for before, after in zip(images, moved, strict=True):
        padded = torch.nn.functional.pad(before[None], (PAD,) * 4, mode="replicate")[0]
        ways = {
            (dy, dx, flip)
            for dy in range(2 * PAD + 1)
            for dx in range(2 * PAD + 1)
            for flip in (False, True)
            if torch.equal(after.flip(2) if flip else after, padded[:, dy : dy + 8, dx : dx + 8])
        }
        assert len(ways) == 1
        found |= ways
    assert {flip for *_, flip in found} == {False, True}
    assert len({(dy, dx) for dy, dx, _ in found}) > 15


def test_augmentation_is_deterministic_and_differs_between_iterations_and_seeds() -> None:
    images, _ = normalised(pictures(6), (0.5,) * 3, (0.5,) * 3)
    before = images.clone()
    assert torch.equal(augmented(images, 3, 7), augmented(images, 3, 7))
    assert not torch.equal(augmented(images, 3, 7), augmented(images, 4, 7))
    assert not torch.equal(augmented(images, 3, 7), augmented(images, 3, 8))
    assert torch.equal(images, before)


@pytest.mark.parametrize("height, width", [(5, 9), (1, 1)])
def test_augmentation_takes_images_of_any_shape(height: int, width: int) -> None:
    assert augmented(torch.rand(2, 3, height, width), 0, 0).shape == (2, 3, height, width)


@pytest.mark.parametrize("iterations, expected", [(0, False), (60, False), (78, False), (79, True), (240, True)])
def test_images_are_augmented_only_where_each_is_seen_ten_times(iterations: int, expected: bool) -> None:
    assert augments(iterations, 64, 500) is expected


def test_a_batch_larger_than_the_data_counts_as_the_data() -> None:
    assert augments(10, 64, 20) and not augments(9, 64, 20)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(5, 70), st.integers(0, 9))
def test_a_sample_keeps_every_class_and_their_proportions(labels: list[int], most: int, seed: int) -> None:
    given_labels = torch.tensor(labels)
    rows = sample_rows(given_labels, most, seed)
    assert len(rows) == min(most, len(labels)) and len(set(rows.tolist())) == len(rows)
    assert rows.tolist() == sorted(rows.tolist())
    chosen = given_labels[rows]
    for label in set(labels):
        share = labels.count(label) / len(labels)
        assert (chosen == label).any()
        assert abs(int((chosen == label).sum()) - share * len(rows)) <= len(set(labels))

"""What outputs amount to, against counting by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.pruning.events import MANY_CLASSES
from core.pruning.metrics import by_class, measures_of, share_in_top

HAND = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [5.0, 1.0, 0.0], [1.0, 0.0, 0.5]])


def test_accuracy_is_told_whole_class_by_class_and_as_the_mean_of_the_classes() -> None:
    found = measures_of(HAND, torch.tensor([0, 1, 0, 1]))
    assert (found.accuracy, found.by_class, found.balanced) == (0.75, (1.0, 0.5, None), 0.75)
    assert measures_of(HAND, torch.tensor([0, 0, 0, 2])).balanced == pytest.approx((2 / 3 + 0) / 2)
    assert found.loss == pytest.approx(float(torch.nn.functional.cross_entropy(HAND, torch.tensor([0, 1, 0, 1]))))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 2**31))
def test_accuracy_is_the_mean_of_the_classes_weighted_by_their_images(labels: list[int], seed: int) -> None:
    truth = torch.tensor(labels)
    found = measures_of(torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed)), truth)
    weighted = sum(labels.count(label) * (found.by_class[label] or 0.0) for label in range(4)) / len(labels)
    assert found.accuracy == pytest.approx(weighted)
    present = [recall for recall in found.by_class if recall is not None]
    assert len(present) == len(set(labels)) and min(present) <= found.balanced <= max(present)


@pytest.mark.parametrize("classes", [MANY_CLASSES, MANY_CLASSES + 1])
def test_top_five_is_told_of_tasks_of_more_than_ten_classes(classes: int) -> None:
    found = measures_of(torch.randn(6, classes), torch.arange(6))
    assert (found.top5 is not None) == (classes > 10)


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=8, max_size=8), min_size=1, max_size=12),
    st.integers(1, 8),
    st.integers(0, 7),
)
def test_the_top_is_where_a_stable_sort_puts_it(logits: list[list[int]], top: int, label: int) -> None:
    rows, labels = torch.tensor(logits, dtype=torch.float32), torch.full((len(logits),), label)
    places = [sorted(range(8), key=lambda c, row=row: (-row[c], c)).index(label) for row in logits]
    assert share_in_top(rows, labels, top) == sum(place < top for place in places) / len(places)
    assert share_in_top(rows, labels, 1) == measures_of(rows, labels).accuracy


def test_what_is_no_number_is_in_no_top() -> None:
    assert share_in_top(torch.full((2, 12), math.nan), torch.tensor([0, 11])) == 0


def test_each_class_has_its_images_by_split_and_its_accuracy() -> None:
    labels = [torch.tensor(each) for each in ([0, 0, 1], [0, 1], [1])]
    assert by_class(["cat", "dog"], labels, [None, 1.0]) == {
        "cat": {"train": 2, "validation": 1, "test": 0, "accuracy": None},
        "dog": {"train": 1, "validation": 1, "test": 1, "accuracy": 1.0},
    }

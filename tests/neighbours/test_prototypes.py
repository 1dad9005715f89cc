"""Class prototypes are class means; tasks are as near as their nearest prototypes."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import BadValueError, MismatchError
from core.neighbours.embedding import task_embedding
from core.neighbours.prototypes import class_prototypes, prototype_similarity

PROTOTYPES = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-100, 100, allow_subnormal=False)
)


def distance(a: Any, b: Any) -> float:
    if not any(a) or not any(b):
        return 1.0
    return 1.0 - math.fsum(x / math.hypot(*a) * (y / math.hypot(*b)) for x, y in zip(a, b, strict=True))


def test_prototypes_are_class_means_in_the_order_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((30, 5)), np.arange(30) % 4
    prototypes = class_prototypes(features.astype(np.float32), labels)
    for label in range(4):
        rows = [features[i] for i in range(30) if labels[i] == label]
        assert prototypes[label] == pytest.approx(sum(rows) / len(rows), abs=1e-6)


def test_every_class_needs_an_image() -> None:
    with pytest.raises(BadValueError, match="Class 1 has no image"):
        class_prototypes(np.ones((2, 3)), np.array([0, 2]))
    with pytest.raises(BadValueError, match="from 0"):
        class_prototypes(np.ones((2, 3)), np.array([0, -1]))


@given(PROTOTYPES, PROTOTYPES)
def test_similarity_equals_its_definition_and_is_symmetric(a: Any, b: Any) -> None:
    there = sum(min(distance(x, y) for y in b) for x in a) / len(a)
    back = sum(min(distance(x, y) for x in a) for y in b) / len(b)
    assert prototype_similarity(a, b) == pytest.approx(-(there + back) / 2, abs=1e-6)
    assert prototype_similarity(a, b) == pytest.approx(prototype_similarity(b, a), abs=1e-12)
    assert -2.0 <= prototype_similarity(a, b) <= 0.0


def test_a_task_is_most_similar_to_itself_and_to_its_multiples() -> None:
    a = np.random.default_rng(0).standard_normal((3, 8))
    assert prototype_similarity(a, a) == pytest.approx(0.0, abs=1e-12)
    assert prototype_similarity(a, 7 * a[::-1]) == pytest.approx(0.0, abs=1e-12)
    assert prototype_similarity(np.eye(4)[:2], np.eye(4)[2:]) == -1.0


def test_prototypes_of_different_backbones_are_refused() -> None:
    with pytest.raises(MismatchError, match="one backbone"):
        prototype_similarity(np.ones((2, 3)), np.ones((2, 4)))


@given(PROTOTYPES)
def test_an_embedding_is_the_direction_of_the_mean_unit_prototype(prototypes: Any) -> None:
    lengths = [math.hypot(*row) for row in prototypes]
    mean = sum(row / n if n > 0 else row for row, n in zip(prototypes, lengths, strict=True)) / len(prototypes)
    embedding, length = task_embedding(prototypes), math.hypot(*mean)
    if length > 1e-6:
        assert embedding == pytest.approx(mean / length, abs=1e-6)
        assert math.hypot(*embedding) == pytest.approx(1.0)


def test_classes_count_equally_in_an_embedding_whatever_their_length() -> None:
    assert task_embedding([[5.0, 0.0], [0.0, 0.1]]) == pytest.approx([math.sqrt(0.5)] * 2)
    assert task_embedding([[1.0, 0.0], [-1.0, 0.0]]).tolist() == [0.0, 0.0]

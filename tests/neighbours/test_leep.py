"""LEEP follows arXiv 2002.12462, and stays a number where the plain formula does not."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadValueError, MismatchError
from core.neighbours.leep import leep


def example(seed: int, count: int, zoo_classes: int, classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((count, zoo_classes)) * rng.uniform(0, 5)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), rng.integers(0, classes, count)


EXAMPLES = st.builds(example, st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 6), st.integers(1, 5))


def brute_force(theta: Any, labels: Any) -> float:
    """The paper's three equations, one sum at a time."""
    count, zoo_classes = theta.shape

    def joint(y: int, z: int) -> float:
        return math.fsum(theta[i, z] for i in range(count) if labels[i] == y) / len(labels)

    def conditional(y: int, z: int) -> float:
        total = math.fsum(joint(other, z) for other in set(labels.tolist()))
        return joint(y, z) / total if total else 0.0

    def likelihood(i: int) -> float:
        return math.fsum(conditional(labels[i], z) * theta[i, z] for z in range(zoo_classes))

    return math.fsum(math.log(likelihood(i)) for i in range(count)) / len(labels)


@given(EXAMPLES)
def test_equals_its_definition(data: tuple[Any, Any]) -> None:
    assert leep(*data) == pytest.approx(brute_force(*data), abs=1e-9)


@given(EXAMPLES, st.randoms())
def test_is_at_most_zero_and_ignores_order_of_images_and_names_of_classes(data: tuple[Any, Any], random: Any) -> None:
    theta, labels = data
    rows = random.sample(range(len(labels)), len(labels))
    columns = random.sample(range(theta.shape[1]), theta.shape[1])
    value = leep(theta, labels)
    assert value <= 1e-12
    assert leep(theta[rows][:, columns], 7 - labels[rows]) == pytest.approx(value, abs=1e-9)


def test_a_perfect_predictor_scores_zero() -> None:
    labels = np.array([0, 1, 2, 1])
    assert leep(np.eye(3)[labels], labels) == 0.0


def test_an_uninformative_predictor_scores_the_label_entropy() -> None:
    labels = np.array([0, 0, 0, 1])
    expected = 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    assert leep(np.full((4, 5), 0.2), labels) == pytest.approx(expected)


def test_a_class_that_is_never_predicted_drops_out() -> None:
    theta, labels = example(0, 20, 3, 4)
    padded = np.insert(theta, 1, 0.0, axis=1)
    assert leep(padded, labels) == pytest.approx(leep(theta, labels), abs=1e-12)


def test_a_vanishing_probability_does_not_give_infinity() -> None:
    theta = np.array([[1.0, 5e-324], [1.0, 5e-324], [1.0, 0.0]])
    assert math.isfinite(leep(theta, np.array([0, 1, 1])))


def test_single_precision_softmax_is_accepted() -> None:
    theta, labels = example(1, 20, 5, 3)
    assert leep(theta.astype(np.float32), labels) == pytest.approx(leep(theta, labels), abs=1e-5)


@pytest.mark.parametrize(
    "theta",
    [[[0.5, 0.6]], [[1.5, -0.5]], [[math.nan, 1.0]], [0.5, 0.5], np.ones((0, 2))],
    ids=["sum", "negative", "nan", "one row", "no rows"],
)
def test_what_is_no_softmax_is_refused(theta: Any) -> None:
    with pytest.raises(BadValueError):
        leep(theta, np.zeros(len(theta), int))


def test_labels_must_be_one_whole_number_a_row() -> None:
    with pytest.raises(MismatchError, match="one label a row"):
        leep(np.ones((2, 1)), np.zeros(3, int))
    with pytest.raises(BadValueError, match="whole numbers"):
        leep(np.ones((2, 1)), np.zeros(2))

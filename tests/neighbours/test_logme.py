"""LogME is the maximum of the evidence, found again here from the Gaussian density itself."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from core.neighbours.logme import logme


def example(count: int, width: int, classes: int = 3, signal: float = 1.0, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return rng.standard_normal((count, width)) + signal * rng.standard_normal((classes, width))[labels], labels


def best_log_density(features: Any, target: Any) -> float:
    """max over alpha, beta of log N(y; 0, I / beta + F F' / alpha): a grid, then Nelder-Mead from its best point."""

    def loss(point: Any) -> float:
        noise, prior = np.exp(point)
        covariance = noise * np.eye(len(target)) + prior * features @ features.T
        return -float(multivariate_normal.logpdf(target, np.zeros(len(target)), covariance))

    grid = [(noise, prior) for noise in np.linspace(-8, 1, 10) for prior in np.linspace(-12, 2, 15)]
    found = minimize(loss, min(grid, key=loss), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    return -float(found.fun)


@pytest.mark.parametrize(
    "count, width, signal",
    [(24, 4, 0.5), (24, 4, 2.0), (12, 12, 0.5), (10, 30, 0.3), (10, 30, 1.0)],
    ids=["N > D", "N > D, strong", "N = D", "D > N", "D > N, strong"],
)
def test_equals_the_maximum_of_the_evidence(count: int, width: int, signal: float) -> None:
    features, labels = example(count, width, signal=signal)
    expected = [best_log_density(features, (labels == label).astype(float)) for label in range(3)]
    assert logme(features, labels) == pytest.approx(np.mean(expected) / count, abs=1e-6)


@pytest.mark.parametrize("shape", [(60, 10), (20, 20), (15, 40)])
def test_does_not_depend_on_unit_rotation_or_order(shape: tuple[int, int]) -> None:
    features, labels = example(*shape)
    rng = np.random.default_rng(1)
    turned = features @ np.linalg.qr(rng.standard_normal((shape[1], shape[1])))[0]
    order = rng.permutation(shape[0])
    value = logme(features, labels)
    for same in (1e-6 * features, 1e6 * features, turned, np.hstack([features, np.zeros((shape[0], 3))])):
        assert logme(same, labels) == pytest.approx(value, abs=1e-6)
    assert logme(features[order], 5 - labels[order]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("seed", [39, 70, 72, 293])
def test_the_best_of_several_maxima_is_found(seed: int) -> None:
    # Directions of very different strength: from one start alone, lowest, middle or highest, some of these are missed.
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((19, 18)) * np.exp(3 * rng.standard_normal(18))
    labels = np.arange(19) % 4
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    ratio = np.geomspace(singular[0] ** 2 * 1e-12, singular[0] ** 2 * 1e12, 20_001)[:, None]
    expected = []
    for label in range(4):
        target = (labels == label).astype(float)
        inside = (left.T @ target) ** 2
        squares = (inside * ratio / (ratio + singular**2)).sum(axis=1) + target @ target - inside.sum()
        spread = np.log1p(singular**2 / ratio).sum(axis=1)
        expected.append((-0.5 * (19 * (np.log(2 * np.pi * squares / 19) + 1) + spread)).max() / 19)
    assert logme(features, labels) == pytest.approx(np.mean(expected), abs=1e-5)


def test_features_that_separate_the_classes_score_higher() -> None:
    scores = [logme(*example(90, 12, signal=signal)) for signal in (0.0, 0.5, 1.0, 3.0)]
    assert scores == sorted(scores)


def test_degenerate_features_still_give_a_number() -> None:
    labels = np.array([0, 1, 0, 1, 2])
    for features in (np.zeros((5, 3)), np.eye(3)[labels], np.ones((5, 1)), 1e-200 * np.eye(5)):
        assert np.isfinite(logme(features, labels))
    assert np.isfinite(logme(np.ones((1, 4)), np.array([0])))
    assert logme(np.eye(3)[labels], labels) > logme(np.zeros((5, 3)), labels)

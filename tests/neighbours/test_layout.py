"""Maps of tasks: the same every time, defined down to a single task, and measured for trust."""

import warnings
from typing import Any

import numpy as np
import pytest

from core.errors import BadValueError, MismatchError, UnknownNameError
from core.neighbours.layout import LAYOUTS, layout, trustworthiness


def embeddings(count: int, width: int = 6, seed: int = 0) -> Any:
    rows = np.random.default_rng(seed).standard_normal((count, width)) + 1.0
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def distances(points: Any) -> Any:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def brute_force_trust(original: Any, flat: Any, k: int) -> float:
    """Venna and Kaski's sum: each intruder among the k map neighbours costs its original rank beyond k."""
    count, penalty = len(original), 0
    for i in range(count):
        others = [j for j in range(count) if j != i]
        by_original = sorted(others, key=lambda j: float(np.linalg.norm(original[i] - original[j])))
        by_map = sorted(others, key=lambda j: float(np.linalg.norm(flat[i] - flat[j])))
        penalty += sum(max(0, by_original.index(j) + 1 - k) for j in by_map[:k])
    return 1.0 - penalty * 2 / (count * k * (2 * count - 3 * k - 1))


@pytest.mark.parametrize("kind", LAYOUTS)
def test_one_task_is_at_the_origin_and_two_lie_apart_by_their_distance(kind: str) -> None:
    assert layout(embeddings(1), kind).tolist() == [[0.0, 0.0]]
    pair = embeddings(2)
    flat = layout(pair, kind)
    assert flat.shape == (2, 2)
    assert distances(flat)[0, 1] == pytest.approx(distances(pair)[0, 1])


def test_pca_keeps_the_distances_of_points_in_a_plane() -> None:
    plane = np.random.default_rng(0).standard_normal((9, 2)) @ np.random.default_rng(1).standard_normal((2, 5)) + 3.0
    assert distances(layout(plane, "pca")) == pytest.approx(distances(plane))


def test_pca_axes_carry_the_largest_variances() -> None:
    rows = embeddings(20)
    flat = layout(rows, "pca")
    expected = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1][:2]
    assert flat.var(axis=0) == pytest.approx(expected)


def test_mds_keeps_angles_along_an_arc() -> None:
    angles = np.array([0.0, 0.2, 0.5, 1.1])
    flat = layout(np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1), "mds")
    assert distances(flat) == pytest.approx(np.abs(angles[:, None] - angles[None]), abs=1e-6)


@pytest.mark.parametrize("kind", ["pca", "mds"])
def test_maps_do_not_mirror_between_machines(kind: str) -> None:
    flat = layout(embeddings(8), kind)
    assert (flat[np.argmax(np.abs(flat), axis=0), [0, 1]] > 0).all()
    assert np.array_equal(flat, layout(embeddings(8), kind, seed=9))


@pytest.mark.parametrize("kind", ["pca", "mds"])
def test_one_dimensional_and_repeated_embeddings_have_a_map(kind: str) -> None:
    assert layout([[1.0], [2.0], [4.0]], kind).shape == (3, 2)
    assert layout(np.ones((4, 3)), kind) == pytest.approx(np.zeros((4, 2)), abs=1e-6)
    assert np.isfinite(layout(np.zeros((4, 3)), kind)).all()


@pytest.mark.slow
def test_umap_maps_any_number_of_tasks_the_same_each_time_and_keeps_clusters() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for count in (3, 4, 5, 16):
            flat = layout(embeddings(count), "umap", seed=1)
            assert flat.shape == (count, 2)
            assert np.isfinite(flat).all()
            assert np.array_equal(flat, layout(embeddings(count), "umap", seed=1))
        clusters = np.repeat(np.eye(4), 10, axis=0) + 0.05 * embeddings(40, 4)
        flat = layout(clusters, "umap")
    assert trustworthiness(clusters, flat, k=5) > 0.8


@pytest.mark.parametrize("k", [1, 3, 7])
def test_trustworthiness_equals_its_definition(k: int) -> None:
    original, flat = embeddings(20), np.random.default_rng(3).standard_normal((20, 2))
    assert trustworthiness(original, flat, k) == pytest.approx(brute_force_trust(original, flat, k))


def test_a_faithful_map_has_full_trust() -> None:
    rows = embeddings(12, 2)
    assert trustworthiness(rows, rows, 4) == 1.0


def test_trust_is_measured_with_as_many_neighbours_as_there_can_be() -> None:
    rows, flat = embeddings(9), np.random.default_rng(0).standard_normal((9, 2))
    assert trustworthiness(rows, flat, 500) == pytest.approx(brute_force_trust(rows, flat, 4))
    assert trustworthiness(rows, flat, 0) == pytest.approx(brute_force_trust(rows, flat, 1))
    for count in (1, 2, 3, 4):
        assert 0.0 <= trustworthiness(rows[:count], flat[:count]) <= 1.0


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="umap"):
        layout(embeddings(3), "tsne")
    with pytest.raises(BadValueError, match="NaN"):
        layout([[np.nan, 1.0]], "pca")
    with pytest.raises(BadValueError, match="at least one row"):
        layout(np.ones((0, 3)))
    with pytest.raises(MismatchError, match="3 embeddings but 2"):
        trustworthiness(embeddings(3), np.ones((2, 2)))

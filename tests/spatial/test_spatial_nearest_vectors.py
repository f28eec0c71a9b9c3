"""The nearest of every vector: against a slow twin, scikit-learn, ties and copies."""

from __future__ import annotations

import numpy as np
import oracle_collapse as twin
import pytest
from sklearn.neighbors import NearestNeighbors

from periplus.spatial.vectors import nearest_vectors as room
from periplus.spatial.vectors.nearest_vectors import NearestVectors, distinct_rows, nearest_vectors


def _unit(n: int, dim: int, seed: int = 0) -> np.ndarray:
    z = np.random.default_rng(seed).standard_normal((n, dim))
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True), np.float32)


def _nearest(unit: np.ndarray, k: int, workers: int = 1) -> NearestVectors:
    return nearest_vectors(unit, k, workers, lambda: None)


@pytest.mark.parametrize(("strip", "columns"), [(512, 8192), (7, 11), (64, 5), (3, 100), (1, 1)])
def test_against_a_slow_twin(monkeypatch: pytest.MonkeyPatch, strip: int, columns: int) -> None:
    monkeypatch.setattr(room, "_STRIP", strip)
    monkeypatch.setattr(room, "_COLUMNS", columns)
    monkeypatch.setattr(room, "_GATHERED", 200)
    # In runs of alike ones, as a catalog by place has them: the first part then tells little of the last.
    unit = _unit(60, 4)[np.argsort(_unit(60, 4)[:, 0])]
    rows, distances = twin.nearest(unit.astype(np.float64), 6)
    for workers in (1, 2):
        found = _nearest(unit, 6, workers)
        assert found.rows.tolist() == rows.tolist()
        np.testing.assert_allclose(found.distances, distances, rtol=1e-6)


def test_like_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_COLUMNS", 700)
    unit = _unit(3000, 24)
    distances, rows = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(unit.astype(np.float64)).kneighbors()
    found = _nearest(unit, 11)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5)
    assert np.mean(found.rows == rows) > 0.9999


@pytest.mark.parametrize("columns", [8192, 5])
def test_ties_go_by_row(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(room, "_COLUMNS", columns)
    found = _nearest(np.eye(9, dtype=np.float32), 3)
    assert found.rows[:4].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert found.rows[8].tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.distances, 2**0.5)


def test_all_others() -> None:
    found = _nearest(_unit(5, 3), 4)
    assert np.sort(found.rows, axis=1).tolist() == [[j for j in range(5) if j != i] for i in range(5)]


def test_very_near_ones_keep_their_digits() -> None:
    angles = np.array([0, 1e-4, 3e-4, 1, 2], np.float64)
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    np.testing.assert_allclose(_nearest(unit, 2).distances[0], [1e-4, 3e-4], rtol=1e-3)


def test_all_in_a_needle() -> None:
    # Cosines of these are 1 in float32; what they differ in is found nevertheless.
    points = np.random.default_rng(9).standard_normal((400, 6)) * 1e-5
    unit = np.concatenate([np.ones((400, 1)), points], axis=1).astype(np.float32)
    rows, distances = twin.nearest(points, 5)
    found = _nearest(unit, 5)
    assert found.rows.tolist() == rows.tolist()
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5)


def test_distinct_rows() -> None:
    unit = np.array([[0.0, 1], [1, 0], [-0.0, 1], [0, -1], [1, 0], [0, 1]], np.float32)
    assert distinct_rows(unit).tolist() == [0, 1, 3]
    assert distinct_rows(_unit(300, 5)).tolist() == list(range(300))

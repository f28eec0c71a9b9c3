"""Hubs: by hand, against SciPy and a slow twin, and where theory expects them."""

from __future__ import annotations

import numpy as np
import oracle_collapse as twin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from periplus.spatial.vectors.hubness import Hubness, measure_hubness
from periplus.spatial.vectors.nearest_vectors import nearest_vectors


def _of(nearest: list[list[int]], hubs: int = 2) -> Hubness:
    return measure_hubness(np.array(nearest), np.arange(len(nearest)) * 10, hubs)


def test_a_star() -> None:
    # All find the first, which finds the second.
    h = _of([[1], [0], [0], [0], [0]])
    assert (h.k, h.largest, h.antihubs) == (1, 4, 0.6)
    assert h.occurrence.tolist() == [4, 1, 0, 0, 0]
    assert h.hubs.tolist() == [0, 10]
    assert h.hub_occurrence.tolist() == [4, 1]
    assert h.robin_hood == pytest.approx(3 / 5)
    assert h.gini == pytest.approx(twin.gini([4, 1, 0, 0, 0]))


def test_a_ring_has_none() -> None:
    h = _of([[(i + 1) % 6, (i - 1) % 6] for i in range(6)])
    assert (h.skewness, h.largest, h.antihubs, h.gini, h.robin_hood) == (0, 2, 0, 0, 0)


@given(st.integers(3, 30), st.integers(0, 1000))
def test_against_scipy_and_a_slow_twin(m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, m))
    nearest = [rng.permutation(np.delete(np.arange(m), i))[:k].tolist() for i in range(m)]
    h = _of(nearest, hubs=m)
    counts = [sum(i in found for found in nearest) for i in range(m)]
    assert h.occurrence.tolist() == counts
    if np.ptp(counts):
        assert h.skewness == pytest.approx(skew(counts), abs=1e-12)
    assert h.gini == pytest.approx(twin.gini(counts), abs=1e-12)
    assert h.robin_hood == pytest.approx(sum(max(0, c - k) for c in counts) / (m * k))
    assert h.hubs.tolist() == [10 * i for i in sorted(range(m), key=lambda i: (-counts[i], i))]


def test_hubs_come_with_dimensions_and_go_on_the_sphere() -> None:
    # Radovanovic et al., section 4: those near the mean of many dimensions are near to all; on a sphere none is.
    def skewness(points: np.ndarray) -> float:
        return measure_hubness(nearest_vectors(points, 10, 1, lambda: None).rows, np.arange(len(points)), 0).skewness

    rng = np.random.default_rng(0)
    sphere = rng.standard_normal((1500, 40)).astype(np.float32)
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    # A cone as wide as its axis is long: lengths at right angles to it differ, and so do distances from its middle.
    cone = np.concatenate([rng.standard_normal((1500, 40)) / 40**0.5, np.ones((1500, 1))], axis=1).astype(np.float32)
    cone /= np.linalg.norm(cone, axis=1, keepdims=True)
    assert skewness(sphere) < 1 < 1.6 < skewness(cone)

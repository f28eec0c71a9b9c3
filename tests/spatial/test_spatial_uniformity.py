"""Uniformity and alignment: closed forms, tiles, and the error of a sample."""

from __future__ import annotations

import numpy as np
import oracle_collapse as twin
import pytest
from scipy.special import iv

from periplus.spatial.vectors import uniformity as room
from periplus.spatial.vectors.uniformity import PairSums, alignment, pair_sums, pair_tiles, uniformity_of_uniform


def _unit(n: int, dim: int, seed: int = 0) -> np.ndarray:
    z = np.random.default_rng(seed).standard_normal((n, dim))
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True), np.float32)


def _sums(unit: np.ndarray, bins: int = 8, population: int = 0, workers: int = 1) -> PairSums:
    return pair_sums(unit, bins, max(population, len(unit)), workers, lambda: None)


@pytest.mark.parametrize("dim", [2, 3, 8, 64])
def test_even_on_the_sphere(dim: int) -> None:
    # On the circle the mean of exp(4 cos) is I₀(4), on the sphere sinh(4) / 4.
    known = {2: np.log(iv(0, 4)) - 4, 3: np.log(np.sinh(4) / 4) - 4}
    expected = uniformity_of_uniform(dim)
    assert expected == pytest.approx(known.get(dim, expected))
    n = 3000
    found = _sums(_unit(n, dim), population=10**12)
    assert abs(found.uniformity - expected) < 4 * found.error
    assert found.error < 0.02


def test_hand_cases() -> None:
    # Opposite: 4 apart squared twice over; at right angles 2; the same 0.
    assert _sums(np.array([[1, 0], [-1, 0]], np.float32)).uniformity == pytest.approx(-8)
    three = _sums(np.array([[1, 0], [1, 0], [0, 1]], np.float32), bins=4)
    assert three.uniformity == pytest.approx(np.log((1 + 2 * np.exp(-4)) / 3))
    assert three.counts.tolist() == [0, 0, 2, 1]


def test_all_alike_is_never_above_zero() -> None:
    assert -1e-6 < _sums(np.repeat(_unit(1, 100), 50, axis=0)).uniformity <= 0


def test_tiles_do_not_touch_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = _unit(50, 5)
    whole = _sums(unit, population=200)
    monkeypatch.setattr(room, "_SIDE", 16)
    assert len(pair_tiles(50)) == 10
    for workers in (1, 2):
        parts = _sums(unit, population=200, workers=workers)
        assert (parts.uniformity, parts.error) == pytest.approx((whole.uniformity, whole.error), rel=1e-6)
        assert parts.counts.tolist() == whole.counts.tolist()
    assert whole.uniformity == pytest.approx(twin.uniformity(twin.unit(unit)), rel=1e-6)
    assert whole.error == pytest.approx(twin.uniformity_error(twin.unit(unit), 200), rel=1e-4)
    assert whole.counts.sum() == 50 * 49 // 2


def test_errors_of_small_samples() -> None:
    assert _sums(_unit(5, 3)).error == 0
    assert np.isnan(_sums(_unit(2, 3), population=5).error)


def test_alignment() -> None:
    vectors = np.array([[1, 0], [0, 2], [-1, 0], [0, 0], [3, 0]], np.float32)
    assert alignment(vectors, np.array([[0, 1], [0, 2], [0, 4]])) == pytest.approx((2, 3))
    assert alignment(vectors, np.array([[0, 1], [3, 1], [2, 3]])) == pytest.approx((2, 1))
    assert alignment(vectors, np.array([[3, 1]])) == (None, 0)
    assert alignment(vectors, np.empty((0, 2), np.int64)) == (None, 0)


def test_alignment_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    vectors, pairs = rng.standard_normal((60, 4)), rng.integers(0, 60, (200, 2))
    z = twin.unit(vectors)
    expected = np.mean([np.sum((z[i] - z[j]) ** 2) for i, j in pairs])
    monkeypatch.setattr("periplus.spatial.vectors.unit_blocks._NUMBERS", 64)
    assert alignment(vectors, pairs) == pytest.approx((expected, 200))
    # Over all pairs it is what the mean similarity says.
    everyone = np.stack(np.triu_indices(60, 1), axis=1)
    assert alignment(vectors, everyone)[0] == pytest.approx(2 - 2 * twin.similarities(z).mean())

"""Directions of variance: closed forms, and the same in blocks as at once."""

from __future__ import annotations

import numpy as np
import pytest

from periplus.spatial.vectors import unit_blocks
from periplus.spatial.vectors.spectrum import Directions, directions, second_moments


def _of(vectors: np.ndarray, dtype: type = np.float64) -> Directions:
    return directions(second_moments(vectors, 1, lambda: None), np.dtype(dtype))


def test_axes_both_ways() -> None:
    # ±e₁ twice each, ±e₂ once: mean 0, variances 4/6 and 2/6 and nothing along e₃.
    d = _of(np.array([[1, 0, 0], [-1, 0, 0], [2, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -5, 0]], np.float64))
    np.testing.assert_allclose(d.spectrum, [2 / 3, 1 / 3, 0], atol=1e-15)
    assert d.rank == 2
    assert d.effective_rank == pytest.approx(np.exp(2 / 3 * np.log(3 / 2) + 1 / 3 * np.log(3)))
    assert d.effective_rank_uncentred == pytest.approx(d.effective_rank)
    assert d.participation_ratio == pytest.approx(9 / 5)
    assert d.stable_rank == pytest.approx(3 / 2)
    assert d.first_share == pytest.approx(2 / 3)
    assert d.condition == float("inf")
    assert d.explained == (1, 2, 2)


def test_all_axes_alike() -> None:
    d = _of(np.concatenate([np.eye(20), -np.eye(20)]))
    np.testing.assert_allclose(d.spectrum, 1 / 20)
    assert (d.effective_rank, d.participation_ratio, d.stable_rank, d.condition) == pytest.approx((20, 20, 20, 1))
    assert d.explained == (10, 18, 20)


def test_even_on_the_sphere_nearly_all_directions_count() -> None:
    n, dim = 20_000, 32
    d = _of(np.random.default_rng(0).standard_normal((n, dim)))
    # Marčenko and Pastur: eigenvalues spread by √(d / n), which costs the ratio its share d / n.
    assert d.participation_ratio == pytest.approx(dim / (1 + dim / n), rel=2e-3)
    assert d.effective_rank == pytest.approx(dim, rel=2e-3)
    assert d.condition == pytest.approx(((1 + (dim / n) ** 0.5) / (1 - (dim / n) ** 0.5)) ** 2, rel=0.05)


def test_one_point() -> None:
    d = _of(np.ones((9, 4)))
    assert (d.rank, d.effective_rank, d.explained, d.first_share) == (0, 0.0, (0, 0, 0), 0.0)
    assert d.effective_rank_uncentred == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounding_is_no_direction(dtype: type) -> None:
    rng = np.random.default_rng(2)
    flat = rng.standard_normal((2000, 5)) @ rng.standard_normal((5, 48))
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert _of(flat.astype(dtype), dtype).rank == 5


def test_blocks_and_workers_do_not_touch_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(3).standard_normal((500, 6)) + 1
    vectors[77] = 0
    whole = second_moments(vectors, 1, lambda: None)
    assert whole.rows.tolist() == np.delete(np.arange(500), 77).tolist()
    monkeypatch.setattr(unit_blocks, "_NUMBERS", 100)
    ticks: list[int] = []
    parts = second_moments(vectors, 2, lambda: ticks.append(1))
    assert len(ticks) == len(unit_blocks.row_blocks(500, 6)) == 32
    np.testing.assert_allclose(parts.covariance, whole.covariance, rtol=1e-12)
    again = second_moments(vectors, 1, lambda: None)
    assert (again.second == parts.second).all()
    assert (again.rows == whole.rows).all()


def test_moments_of_few_vectors_are_those_of_many() -> None:
    rng = np.random.default_rng(4)
    few = rng.standard_normal((12, 12))
    wide = np.concatenate([few, np.zeros((12, 3))], axis=1)
    tall = np.concatenate([few, few], axis=0)
    np.testing.assert_allclose(_of(wide).spectrum[:12], _of(tall).spectrum, atol=1e-14)
    wide_moments = second_moments(wide, 1, lambda: None)
    assert wide_moments.similarity_std == pytest.approx(second_moments(few, 1, lambda: None).similarity_std)

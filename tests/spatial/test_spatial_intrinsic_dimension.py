"""Intrinsic dimension: known manifolds, a slow twin, and what the standard errors are worth."""

from __future__ import annotations

import numpy as np
import oracle_collapse as twin
import pytest
from scipy.spatial import cKDTree

from periplus.spatial.vectors.intrinsic_dimension import IntrinsicDimension, intrinsic_dimension


def _of(points: np.ndarray, k: int = 10) -> IntrinsicDimension:
    distances = np.asarray(cKDTree(points).query(points, k=np.arange(2, k + 2))[0])
    found = intrinsic_dimension(distances)
    assert found is not None
    return found


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_a_flat_space_in_a_larger_one(dim: int) -> None:
    rng = np.random.default_rng(dim)
    points = rng.uniform(size=(4000, dim)) @ np.linalg.qr(rng.standard_normal((20, dim)))[0].T
    found = _of(points)
    # Near its edges a cube has neighbours on one side only.
    assert found.two_nn == pytest.approx(dim, rel=0.1)
    assert found.mle == pytest.approx(dim, rel=0.1)


@pytest.mark.parametrize("dim", [2, 5])
def test_vectors_on_a_sphere_have_its_dimension(dim: int) -> None:
    z = np.random.default_rng(1).standard_normal((4000, dim + 1))
    found = _of(z / np.linalg.norm(z, axis=1, keepdims=True))
    assert found.two_nn == pytest.approx(dim, rel=0.07)
    assert found.mle == pytest.approx(dim, rel=0.1)


def test_a_swiss_roll_is_a_sheet() -> None:
    rng = np.random.default_rng(2)
    angle = 1.5 * np.pi * (1 + 2 * rng.uniform(size=5000))
    found = _of(np.stack([angle * np.cos(angle), 21 * rng.uniform(size=5000), angle * np.sin(angle)], axis=1))
    assert found.two_nn == pytest.approx(2, rel=0.06)
    assert found.mle == pytest.approx(2, rel=0.08)


def test_against_a_slow_twin() -> None:
    distances = np.sort(np.random.default_rng(3).uniform(0.1, 1, (57, 6)), axis=1)
    found = intrinsic_dimension(distances)
    assert found is not None
    assert found.two_nn == pytest.approx(twin.two_nn(distances))
    assert found.mle == pytest.approx(twin.mle(distances))
    assert (found.n, found.k, found.n_left_out) == (57, 6, 0)


def test_neither_scale_nor_order_matters() -> None:
    distances = np.sort(np.random.default_rng(4).uniform(0.1, 1, (80, 5)), axis=1)
    found = intrinsic_dimension(distances)
    other = intrinsic_dimension(distances[np.random.default_rng(5).permutation(80)] * 37)
    assert found is not None
    assert other is not None
    assert (other.two_nn, other.mle, other.mle_error) == pytest.approx((found.two_nn, found.mle, found.mle_error))


def test_standard_errors_are_the_spread_over_draws() -> None:
    # Ratios that follow the law exactly: log of r₂ / r₁ is exponential with rate d; the k - 1 logs of T_k / T_j, too.
    rng = np.random.default_rng(6)
    found = []
    for _ in range(150):
        logs = np.sort(rng.exponential(1 / 5, (400, 2)), axis=1)
        found.append(intrinsic_dimension(np.exp(np.concatenate([-logs[:, ::-1], np.zeros((400, 1))], axis=1))))
    numbers = np.array([(f.mle, f.mle_error, f.two_nn, f.two_nn_error) for f in found if f is not None])
    assert numbers[:, 0].mean() == pytest.approx(5, rel=0.01)
    assert numbers[:, 1].mean() == pytest.approx(numbers[:, 0].std(), rel=0.15)
    # T₂ / T₁ of three is the gap of two logs, exponential with rate d again.
    assert numbers[:, 2].mean() == pytest.approx(5, rel=0.03)
    assert numbers[:, 3].mean() == pytest.approx(numbers[:, 2].std(), rel=0.25)


def test_those_too_near_are_left_out() -> None:
    distances = np.sort(np.random.default_rng(7).uniform(0.1, 1, (40, 4)), axis=1)
    near = distances.copy()
    near[:3, 0] = [0, 1e-9, 1e-7]
    found, expected = intrinsic_dimension(near, least=1e-7), intrinsic_dimension(distances[3:])
    assert found is not None
    assert expected is not None
    assert (found.n, found.n_left_out) == (37, 3)
    assert (found.two_nn, found.mle) == (expected.two_nn, expected.mle)


@pytest.mark.parametrize(
    "distances", [np.ones((2, 3)), np.ones((9, 1)), np.zeros((9, 3)), np.ones((9, 3)), np.empty((0, 4))]
)
def test_nothing_to_tell(distances: np.ndarray) -> None:
    assert intrinsic_dimension(distances) is None


def test_few_vectors_have_no_error() -> None:
    found = intrinsic_dimension(np.array([[1, 2, 3], [1, 3, 4], [1, 1.5, 5]]))
    assert found is not None
    assert np.isnan(found.two_nn_error)
    assert found.mle_error > 0

"""VLAD against a slow loop; whitening against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_words import vlad

from periplus.encode.vlad import Vlad, aggregate, learn_whitening
from periplus.errors import UsageError


def unit_rows(n: int, d: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 8))
def test_aggregate_is_the_slow_loop(seed: int, n: int, k: int) -> None:
    descriptors, centroids = unit_rows(n, 16, seed), unit_rows(k, 16, seed + 1)
    made = aggregate(descriptors, centroids)
    np.testing.assert_allclose(made, vlad(descriptors, centroids), atol=2e-5)
    assert made.dtype == np.float32


def test_each_used_centroid_weighs_the_same() -> None:
    made = aggregate(unit_rows(200, 16, 3), unit_rows(4, 16, 4)).reshape(4, 16)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 0.5, atol=1e-6)


def test_descriptors_on_their_centroids_say_nothing() -> None:
    centroids = np.eye(4, 16, dtype=np.float32)
    assert not aggregate(centroids, centroids).any()


def correlated(n: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + 3).astype(np.float32)


@pytest.mark.parametrize(("n", "width", "dim"), [(60, 200, 20), (40, 200, 256), (16, 64, 256), (300, 24, 10)])
def test_whitened_sample_has_identity_covariance(n: int, width: int, dim: int) -> None:
    sample = correlated(n, width)
    mean, whitening = learn_whitening(sample, dim)
    out = min(dim, n // 2, width)
    assert whitening.shape == (width, out)
    white = (sample - mean) @ whitening
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(white.T @ white / n, np.eye(out), atol=2e-3)


def test_the_sample_does_not_become_a_simplex() -> None:
    sample = correlated(64, 400)
    mean, whitening = learn_whitening(sample, 256)
    white = (sample - mean) @ whitening
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    assert (white @ white.T)[np.triu_indices(64, 1)].std() > 0.1


def test_whitening_keeps_the_strongest_components() -> None:
    sample = correlated(100, 30)
    _, whitening = learn_whitening(sample, 5)
    values = np.linalg.eigvalsh(np.cov(sample.T.astype(np.float64), bias=True))[::-1]
    np.testing.assert_allclose(np.linalg.norm(whitening, axis=0) ** -2.0, values[:5], rtol=1e-3)


@pytest.mark.parametrize("n", [1, 2, 15])
def test_small_samples_keep_vectors_as_they_are(n: int) -> None:
    mean, whitening = learn_whitening(correlated(n, 12), 256)
    assert not mean.any()
    np.testing.assert_array_equal(whitening, np.eye(12))


def test_equal_vectors_cannot_be_whitened_and_stay_as_they_are() -> None:
    sample = np.repeat(unit_rows(1, 30, 9), 24, axis=0)
    mean, whitening = learn_whitening(sample, 256)
    assert not mean.any()
    np.testing.assert_array_equal(whitening, np.eye(30))


def test_encoded_vectors_are_unit_or_zero() -> None:
    centroids = unit_rows(4, 16, 0)
    sample = np.stack([aggregate(unit_rows(30, 16, s), centroids) for s in range(40)])
    encoder = Vlad(centroids, *learn_whitening(sample, 12))
    assert encoder.dim == 12
    assert not encoder.encode(np.zeros((0, 16), np.float32)).any()
    for n in (1, 2, 50):
        vector = encoder.encode(unit_rows(n, 16, n))
        assert vector.dtype == np.float32
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_parts_that_do_not_fit_are_refused() -> None:
    centroids = unit_rows(2, 8, 0)
    for mean, whitening in [((15,), (16, 4)), ((16,), (15, 4)), ((16,), (16,))]:
        with pytest.raises(UsageError):
            Vlad(centroids, np.zeros(mean, np.float32), np.zeros(whitening, np.float32))

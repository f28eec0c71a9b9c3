from __future__ import annotations

from pathlib import Path

import numpy as np
import oracle_whitening
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.encode.whitening import (
    Whitening,
    learn_pair_whitening,
    learn_pca_whitening,
    load_whitening,
    save_whitening,
    unit_rows,
)
from periplus.errors import CannotRunError, EmptyInputError, UsageError

QUERIES, POSITIVES = np.arange(0, 60, 2), np.arange(1, 60, 2)


def sample(n: int = 80, d: int = 6, seed: int = 0) -> NDArray[np.float32]:
    """Unit rows with unequal variances; rows 2k and 2k + 1 are close."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(1, 1, (n, d)) * np.arange(1, d + 1)
    rows[1::2] = rows[::2] + rng.normal(0, 0.3, (n // 2, d)) * np.arange(d, 0, -1)
    return unit_rows(rows)


def same_up_to_signs(ours: NDArray[np.float32], theirs: NDArray[np.float64]) -> None:
    signs = np.sign((ours * theirs).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours, signs * theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("shrinkage", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("dim", [1, 4, 6])
def test_pca_is_its_formula(dim: int, shrinkage: float) -> None:
    vectors = sample()
    whitening = learn_pca_whitening(vectors, dim, shrinkage)
    mean, projection = oracle_whitening.pca(vectors.astype(np.float64), dim, shrinkage)
    np.testing.assert_allclose(whitening.mean, mean, atol=1e-6)
    same_up_to_signs(whitening.projection, projection)


@pytest.mark.parametrize("shrinkage", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("dim", [2, 6])
def test_pair_whitening_is_its_formula(dim: int, shrinkage: float) -> None:
    vectors = sample()
    whitening = learn_pair_whitening(vectors, QUERIES, POSITIVES, dim, shrinkage)
    exact = vectors.astype(np.float64)
    mean, projection = oracle_whitening.pairs(exact, QUERIES.tolist(), POSITIVES.tolist(), dim, shrinkage)
    np.testing.assert_allclose(whitening.mean, mean, atol=1e-6)
    same_up_to_signs(whitening.projection, projection)


def test_pca_makes_covariance_the_identity() -> None:
    vectors = sample(500)
    whitening = learn_pca_whitening(vectors, 6, 0.0)
    projected = (vectors - whitening.mean) @ whitening.projection.T
    np.testing.assert_allclose(np.cov(projected.T, bias=True), np.eye(6), atol=1e-3)


def test_pair_whitening_makes_differences_of_pairs_the_identity() -> None:
    vectors = sample(500)
    q, p = np.arange(0, 500, 2), np.arange(1, 500, 2)
    projection = learn_pair_whitening(vectors, q, p, 6, 0.0).projection
    difference = (vectors[q] - vectors[p]) @ projection.T
    np.testing.assert_allclose(difference.T @ difference / len(q), np.eye(6), atol=1e-3)


def test_pair_whitening_brings_pairs_together() -> None:
    vectors = sample(200)
    q, p = np.arange(0, 200, 2), np.arange(1, 200, 2)
    white = learn_pair_whitening(vectors, q, p, 6).apply(vectors)

    def margin(rows: NDArray[np.float32]) -> float:
        """How much more alike pairs are than strangers, in deviations of strangers."""
        strangers = (rows[q] * rows[np.roll(p, 7)]).sum(axis=1)
        return float(((rows[q] * rows[p]).sum(axis=1).mean() - strangers.mean()) / strangers.std())

    assert margin(white) > margin(vectors) * 1.2


def test_apply_is_its_formula_and_normalises_first() -> None:
    vectors = sample()
    whitening = learn_pca_whitening(vectors, 3)
    white = whitening.apply(vectors * 7)
    for row, vector in zip(white, vectors, strict=True):
        expected = oracle_whitening.apply(
            vector.astype(np.float64), whitening.mean.astype(np.float64), whitening.projection.astype(np.float64)
        )
        np.testing.assert_allclose(row, expected, atol=1e-5)
    assert white.dtype == np.float32


def test_truncated_is_learning_fewer() -> None:
    vectors = sample()
    whole = learn_pca_whitening(vectors, 6)
    np.testing.assert_array_equal(whole.truncated(2).projection, learn_pca_whitening(vectors, 2).projection)
    assert whole.dim == 6
    with pytest.raises(UsageError, match="no first 7"):
        whole.truncated(7)


def test_learning_does_not_depend_on_the_order_of_rows() -> None:
    vectors = sample()
    shuffled = np.random.default_rng(1).permutation(vectors)
    np.testing.assert_allclose(
        learn_pca_whitening(vectors, 4).projection, learn_pca_whitening(shuffled, 4).projection, rtol=1e-3, atol=1e-3
    )


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_whitened_rows_have_unit_length(seed: int, dim: int) -> None:
    vectors = sample(20, 5, seed)
    white = learn_pca_whitening(vectors, dim).apply(vectors)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1.0, atol=1e-5)


def test_unit_rows_keep_zeros() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, 0.0]], atol=1e-7)


@pytest.mark.parametrize("name", ["w.npy", "w.safetensors"])
def test_saved_and_loaded(tmp_path: Path, name: str) -> None:
    whitening = learn_pca_whitening(sample(), 3)
    save_whitening(whitening, tmp_path / name)
    again = load_whitening(tmp_path / name)
    np.testing.assert_array_equal(again.projection, whitening.projection)
    np.testing.assert_array_equal(again.mean, whitening.mean)
    assert again.fingerprint == whitening.fingerprint


def test_fingerprint_tells_whitenings_apart() -> None:
    assert learn_pca_whitening(sample(), 3).fingerprint != learn_pca_whitening(sample(), 2).fingerprint


def test_files_that_are_no_whitening(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_whitening(tmp_path / "absent.npy")
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_whitening(tmp_path / "absent.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_whitening(tmp_path / "w.safetensors")
    np.save(tmp_path / "flat.npy", np.zeros(3, np.float32))
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_whitening(tmp_path / "flat.npy")
    for path in (tmp_path / "w.pkl", tmp_path / "w.pt"):
        with pytest.raises(UsageError, match=r"\.npy or \.safetensors"):
            load_whitening(path)
        with pytest.raises(UsageError, match=r"\.npy or \.safetensors"):
            save_whitening(learn_pca_whitening(sample(), 3), path)


def test_impossible_whitenings() -> None:
    with pytest.raises(UsageError, match="does not fit"):
        Whitening(np.zeros(3, np.float32), np.zeros((2, 4), np.float32))
    with pytest.raises(UsageError, match="not finite"):
        Whitening(np.zeros(2, np.float32), np.full((1, 2), np.nan, np.float32))
    with pytest.raises(UsageError, match="does not fit vectors"):
        learn_pca_whitening(sample(), 3).apply(np.zeros((2, 5), np.float32))


@pytest.mark.parametrize("dim", [0, 7, -1])
def test_more_directions_than_there_are(dim: int) -> None:
    with pytest.raises(UsageError, match="directions"):
        learn_pca_whitening(sample(), dim)


def test_samples_that_tell_nothing() -> None:
    with pytest.raises(UsageError, match="directions"):
        learn_pca_whitening(sample(4), 5)
    with pytest.raises(UsageError, match="no variance"):
        learn_pca_whitening(np.ones((9, 3), np.float32), 2)
    with pytest.raises(UsageError, match="finite"):
        learn_pca_whitening(np.full((9, 3), np.nan, np.float32), 2)
    with pytest.raises(EmptyInputError, match="pair"):
        learn_pair_whitening(sample(), np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    with pytest.raises(UsageError, match="not among"):
        learn_pair_whitening(sample(), np.array([0]), np.array([80]), 2)
    with pytest.raises(UsageError, match="not pairs"):
        learn_pair_whitening(sample(), np.array([0, 1]), np.array([1]), 2)
    with pytest.raises(UsageError, match="more pairs"):
        learn_pair_whitening(sample(), np.array([0]), np.array([0]), 2)

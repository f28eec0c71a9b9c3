"""The first formulas of E5, E6 and E7, against their definitions and the library that the original called."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_rerank import one_sided, seed_sift
from oracle_rerank import seed_vlad as slow_vlad

from periplus.rerank import (
    SEED_PATCHES,
    SEED_SIFT,
    SEED_VLAD,
    seed_patch_scores,
    seed_sift_scores,
    seed_vlad,
    stack_patches,
)

Rows = NDArray[np.float32]


def sift_like(rng: np.random.Generator, n: int, query: Rows | None = None, dim: int = 128) -> Rows:
    """Whole numbers as OpenCV's SIFT has them, some of them near the query's: products and sums are exact."""
    made = rng.integers(0, 256, (n, dim)).astype(np.float32)
    if query is not None and len(query) and n:
        near = rng.integers(0, len(query), n // 2)
        made[: n // 2] = np.clip(query[near] + rng.integers(-40, 41, (n // 2, dim)), 0, 255)
    return made


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(0, 12), st.lists(st.integers(0, 14), max_size=4))
def test_sift_is_the_ratio_test_and_nothing_else(seed: int, n: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    query = sift_like(rng, n, dim=8)
    candidates = [sift_like(rng, m, query, dim=8) for m in sizes]
    made = seed_sift_scores(query, candidates)
    expected = [seed_sift(query.astype(float), c.astype(float), 0.7) for c in candidates]  # type: ignore[arg-type]
    np.testing.assert_allclose(made, expected, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_sift_counts_as_opencv_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = sift_like(rng, 60)
    candidates = [sift_like(rng, m, query) for m in (2, 40, 90)]
    expected = []
    for candidate in candidates:
        matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(query, candidate, k=2)
        expected.append(sum(a.distance < 0.7 * b.distance for a, b in matches) / len(matches))
    np.testing.assert_allclose(seed_sift_scores(query, candidates), expected, atol=1e-7)
    assert max(expected) > 0.1


@given(st.integers(0, 2**31), st.integers(0, 30), st.integers(1, 6))
def test_vlad_is_its_definition(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    descriptors, centroids = (rng.normal(size=(rows, 4)).astype(np.float32) for rows in (n, k))
    made = seed_vlad(descriptors, centroids)
    assert made.dtype == np.float32
    np.testing.assert_allclose(
        made, slow_vlad(list(descriptors.astype(float)), list(centroids.astype(float))), atol=2e-4
    )
    assert float(made @ made) == pytest.approx(1.0 if n else 0.0, abs=1e-5)


def test_vlad_of_two_words_by_hand() -> None:
    centroids = np.array([[0, 0], [10, 0]], np.float32)
    made = seed_vlad(np.array([[1, 0], [3, 0], [10, -9]], np.float32), centroids)
    # Sums (4, 0) and (0, -9); roots (2, 0) and (0, -3); their length is the root of 13.
    np.testing.assert_allclose(made, np.array([2, 0, 0, -3]) / np.sqrt(13), rtol=1e-6)


def test_vlad_lets_a_burst_outweigh_the_rest() -> None:
    """What intra-normalisation is for: a hundred copies of one structure take over the vector."""
    centroids = np.eye(3, dtype=np.float32)
    plain = np.array([[1.1, 0, 0], [0, 1.1, 0], [0, 0, 1.1]], np.float32)
    burst = np.concatenate([plain, np.repeat(plain[:1], 99, axis=0)])
    weights = (seed_vlad(burst, centroids).reshape(3, 3) ** 2).sum(axis=1)
    np.testing.assert_allclose(weights, np.array([100, 1, 1]) / 102, atol=1e-4)


@given(st.integers(0, 2**31), st.integers(0, 6), st.lists(st.integers(0, 6), max_size=4))
def test_patches_are_the_mean_of_the_best(seed: int, p: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    query, *candidates = (rng.normal(size=(m, 5)).astype(np.float32) for m in (p, *sizes))
    made = seed_patch_scores(query, stack_patches(candidates))
    expected = [one_sided(list(query.astype(float)), list(c.astype(float))) for c in candidates]
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_patches_are_one_sided() -> None:
    """A patch of wall is found wherever there is a wall: the flaw that two sides mend."""
    wall, door, window = np.eye(3, dtype=np.float32)
    one, many = np.stack([wall]), np.stack([wall, door, window])
    assert seed_patch_scores(one, stack_patches([many]))[0] == 1.0
    assert seed_patch_scores(many, stack_patches([one]))[0] == pytest.approx(1 / 3)


def test_weights_are_the_published_ones() -> None:
    a, b = np.array([0.5, 1.0], np.float32), np.array([0.25, 0.0], np.float32)
    np.testing.assert_allclose(SEED_SIFT(a, b), [0.45, 0.8])
    np.testing.assert_allclose(SEED_VLAD(a, b), [0.75, 1.0])
    np.testing.assert_allclose(SEED_PATCHES(a, b), [0.35, 0.4])

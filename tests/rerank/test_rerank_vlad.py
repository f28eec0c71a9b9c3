"""Cosines of a second vector."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_rerank import ranking_of

from periplus.errors import UsageError
from periplus.rerank import fuse_ranking, vlad_scores, weighted


def unit(seed: int, n: int, dim: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(n, dim))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@given(st.integers(0, 2**31), st.integers(0, 12), st.booleans())
def test_each_score_is_a_dot_product(seed: int, m: int, half: bool) -> None:
    query, full = unit(seed, 1, 5)[0], unit(seed + 1, m, 5)
    candidates = full.astype(np.float16) if half else full
    made = vlad_scores(query, candidates)
    expected = [sum(float(a) * float(b) for a, b in zip(query, row, strict=True)) for row in candidates]
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-7)


@given(st.integers(0, 2**31))
def test_order_of_candidates_only_moves_scores(seed: int) -> None:
    query, candidates = unit(seed, 1, 64)[0], unit(seed + 1, 30, 64)
    order = np.random.default_rng(seed).permutation(30)
    assert vlad_scores(query, candidates[order]).tolist() == vlad_scores(query, candidates)[order].tolist()


def test_weight_0_sorts_by_vlad_alone() -> None:
    query, candidates = unit(1, 1, 6)[0], unit(2, 30, 6)
    ranking = ranking_of(np.linspace(1, 0, 30).tolist(), range(30))
    made = fuse_ranking(ranking, vlad_scores(query, candidates)[None], weighted(0.0))
    assert made.rows[0].tolist() == np.argsort(-(candidates @ query)).tolist()


def test_copies_score_the_same_wherever_they_stand() -> None:
    made = vlad_scores(unit(4, 1, 128)[0], np.repeat(unit(3, 1, 128), 37, axis=0))
    assert len(set(made.tolist())) == 1


def test_a_photo_without_features_scores_0() -> None:
    assert vlad_scores(unit(1, 1, 4)[0], np.zeros((2, 4), np.float32)).tolist() == [0, 0]
    assert vlad_scores(np.zeros(4, np.float32), unit(1, 2, 4)).tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(2, 5), (4,), (0, 3)])
def test_what_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        vlad_scores(np.zeros(4, np.float32), np.zeros(shape, np.float32))

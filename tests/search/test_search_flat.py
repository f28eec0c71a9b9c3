"""Exact search and ranking, against sorting everything."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_ranking import best

from periplus.records import Ranking
from periplus.search import rank, search_flat

FLAT = importlib.import_module("periplus.search.flat")
Blocks = Iterator[tuple[int, NDArray[np.float16]]]


def coarse(n: int, d: int, seed: int) -> NDArray[np.float16]:
    """Vectors of few values, so that many dot products tie exactly."""
    return (np.random.default_rng(seed).integers(-1, 2, (n, d)) / 2).astype(np.float16)


def blocks(vectors: NDArray[np.float16], cuts: list[int], first: int = 0) -> Blocks:
    edges = [0, *sorted(min(c, len(vectors)) for c in cuts), len(vectors)]
    for a, b in itertools.pairwise(edges):
        yield first + a, vectors[a:b]


def expect(found: Ranking, scores: NDArray[np.float32], k: int) -> None:
    assert found.rows.shape == found.scores.shape == (len(scores), k)
    for query, row in enumerate(scores.tolist()):
        rows = best(row, k)
        assert found.of(query)[0].tolist() == rows
        assert found.of(query)[1].tolist() == [row[r] for r in rows]
        assert (found.rows[query, len(rows) :] == -1).all()
        assert np.isneginf(found.scores[query, len(rows) :]).all()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**31),
    st.integers(0, 40),
    st.integers(0, 4),
    st.integers(1, 50),
    st.lists(st.integers(0, 40), max_size=5),
)
def test_flat_is_sorting_everything(seed: int, n: int, q: int, k: int, cuts: list[int]) -> None:
    vectors, queries = coarse(n, 6, seed), coarse(q, 6, seed + 1).astype(np.float32)
    expect(search_flat(queries, blocks(vectors, cuts), k), queries @ vectors.astype(np.float32).T, k)


@pytest.mark.parametrize("at_once", [1, 3, 16])
def test_flat_in_small_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = coarse(50, 8, 1), coarse(3, 8, 2).astype(np.float32)
    monkeypatch.setattr(FLAT, "_ROWS_AT_ONCE", at_once)
    expect(search_flat(queries, blocks(vectors, [20, 20, 41]), 12), queries @ vectors.astype(np.float32).T, 12)


def test_flat_reads_blocks_in_any_order_and_keeps_their_numbers() -> None:
    vectors, queries = coarse(30, 8, 3), coarse(2, 8, 4).astype(np.float32)
    forward = search_flat(queries, blocks(vectors, [7, 19], 1000), 9)
    backward = search_flat(queries, iter(list(blocks(vectors, [7, 19], 1000))[::-1]), 9)
    np.testing.assert_array_equal(forward.rows, backward.rows)
    np.testing.assert_array_equal(forward.rows, search_flat(queries, blocks(vectors, []), 9).rows + 1000)


def test_flat_over_unit_vectors_finds_each_itself() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(200, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = search_flat(vectors, blocks(vectors.astype(np.float16), [64, 128]), 3)
    assert found.rows[:, 0].tolist() == list(range(200))
    np.testing.assert_allclose(found.scores[:, 0], 1, atol=2e-3)


def test_flat_of_nothing() -> None:
    queries = np.zeros((2, 4), np.float32)
    nothing: list[tuple[int, NDArray[np.float16]]] = []
    for empty in (nothing, [(0, np.zeros((0, 4), np.float16))]):
        found = search_flat(queries, empty, 3)
        assert (found.rows == -1).all()
        assert np.isneginf(found.scores).all()
    assert search_flat(queries[:0], blocks(coarse(5, 4, 0), []), 3).rows.shape == (0, 3)


SCORES = st.lists(st.one_of(st.integers(-2, 3).map(float), st.floats(-9, 9, width=32)), max_size=25)


@given(SCORES, st.integers(1, 30), st.sets(st.integers(0, 24)))
def test_rank_is_sorting_everything(scores: list[float], k: int, out: set[int]) -> None:
    excluded = {row for row in out if row < len(scores)}
    found = rank(np.array(scores, np.float32), k, np.array(sorted(excluded), np.int64))
    rows = best(scores, k, excluded)
    assert found.rows.tolist() == [rows + [-1] * (k - len(rows))]
    assert found.scores.tolist() == [[scores[r] for r in rows] + [-math.inf] * (k - len(rows))]


@given(SCORES, st.integers(1, 30))
def test_rank_agrees_with_flat(scores: list[float], k: int) -> None:
    values = np.array(scores, np.float32).astype(np.float16)
    flat = search_flat(np.ones((1, 1), np.float32), [(0, values[:, None])], k)
    ranked = rank(values.astype(np.float32), k)
    np.testing.assert_array_equal(flat.rows, ranked.rows)
    np.testing.assert_array_equal(flat.scores, ranked.scores)


@given(st.permutations(range(12)), st.integers(1, 12))
def test_rank_of_distinct_scores_follows_a_permutation(order: list[int], k: int) -> None:
    found = rank(np.array(order, np.float32), k).of(0)[0]
    assert [order[row] for row in found] == sorted(order, reverse=True)[:k]


def test_rank_takes_ties_by_row_even_at_the_cut() -> None:
    assert rank(np.array([1, 3, 2, 2, 2, 2], np.float32), 3).rows.tolist() == [[1, 2, 3]]
    assert rank(np.zeros(1000, np.float32), 4).rows.tolist() == [[0, 1, 2, 3]]


def test_rank_of_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert rank(np.zeros(0, np.float32), 2).rows.tolist() == [[-1, -1]]
    assert rank(np.ones(3, np.float32), 2, np.arange(3)).rows.tolist() == [[-1, -1]]
    assert rank(np.ones(2, np.float32), 2, none).rows.tolist() == [[0, 1]]
    assert rank(np.array([-math.inf, 1], np.float32), 2).rows.tolist() == [[1, -1]]


def test_rank_does_not_touch_the_scores() -> None:
    scores = np.array([3, 2, 1], np.float32)
    rank(scores, 2, np.array([0]))
    assert scores.tolist() == [3, 2, 1]

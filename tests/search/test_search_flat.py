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
@pytest.mark.parametrize("name", ["_ROWS_AT_ONCE", "_QUERIES_AT_ONCE", "_ROWS_WIDENED"])
def test_flat_in_small_parts(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = coarse(50, 8, 1), coarse(5, 8, 2).astype(np.float32)
    monkeypatch.setattr(FLAT, name, at_once)
    expect(search_flat(queries, blocks(vectors, [20, 20, 41]), 12), queries @ vectors.astype(np.float32).T, 12)


@pytest.mark.parametrize("k", [1, 4, 40])
@pytest.mark.parametrize("order", ["as they come", "rising", "falling", "equal"])
def test_flat_over_many_rows(order: str, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FLAT, "_ROWS_AT_ONCE", 128)
    value = np.random.default_rng(k).integers(-40, 40, 1000)
    value = {"rising": np.sort(value), "falling": -np.sort(value), "equal": value * 0}.get(order, value)
    vectors = np.stack([value, -value, value % 7], axis=1).astype(np.float16)
    # The last query has nothing to say: every row ties.
    queries = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0, 2], [0, 0, 0]], np.float32)
    found = search_flat(queries, blocks(vectors, [300, 301, 800]), k)
    expect(found, queries @ vectors.astype(np.float32).T, k)
    backward = search_flat(queries, iter(list(blocks(vectors, [300, 301, 800]))[::-1]), k)
    np.testing.assert_array_equal(found.rows, backward.rows)


def test_flat_takes_float32_as_it_is() -> None:
    vectors = np.random.default_rng(6).normal(size=(300, 16)).astype(np.float32)
    queries = vectors[:7]
    scores = queries @ vectors.T
    found = search_flat(queries, [(0, vectors[:100]), (100, vectors[100:])], 300)
    order = np.argsort(-scores, axis=1)
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, order, axis=1), rtol=1e-5, atol=1e-6)
    assert (np.sort(found.rows, axis=1) == np.arange(300)).all()
    mixed = search_flat(queries, [(0, vectors[:100]), (100, vectors[100:].astype(np.float16))], 300)
    np.testing.assert_allclose(mixed.scores, found.scores, atol=0.05)


def test_every_finite_half_is_widened_exactly() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)][:, None]
    wide = FLAT._widened(halves)
    assert wide.dtype == np.float32
    np.testing.assert_array_equal(wide.view(np.uint32), halves.astype(np.float32).view(np.uint32))
    np.testing.assert_array_equal(FLAT._widened(halves[::-3, :]), halves[::-3, :].astype(np.float32))


def test_flat_holds_no_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    product = FLAT._products

    def watched(queries: NDArray[np.float32], part: NDArray[np.float16]) -> NDArray[np.float32]:
        nonlocal largest
        scores: NDArray[np.float32] = product(queries, part)
        largest = max(largest, scores.size)
        return scores

    monkeypatch.setattr(FLAT, "_products", watched)
    search_flat(np.ones((3000, 2), np.float32), [(0, np.ones((40_000, 2), np.float16))], 5)
    assert largest <= 1024 * 16_384


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

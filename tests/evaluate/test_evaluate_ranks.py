"""The ranks of the positives, from rankings and by counting, against walking the ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate import PositiveRanks, Relevance, positive_ranks, positive_ranks_by_counting, ranks, without_junk
from periplus.evaluate.ranks import EVERY
from periplus.records import Ranking


def walked(rows: list[int], positives: set[int], junk: set[int]) -> list[int]:
    """0-based ranks of the positives, each once."""
    clean = [row for row in rows if row not in junk]
    return [rank for rank, row in enumerate(clean) if row in positives and row not in clean[:rank]]


def each(found: PositiveRanks) -> list[list[int]]:
    return [found.rank[found.query == query].tolist() for query in range(len(found))]


def table(rows: list[list[int]]) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(len(rows), len(rows[0]) if rows else 0)


Case = tuple[int, list[list[int]], list[set[int]], list[set[int]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n, q, k = draw(st.integers(1, 12)), draw(st.integers(0, 5)), draw(st.integers(0, 15))
    rows = draw(st.lists(st.lists(st.integers(-1, n - 1), min_size=k, max_size=k), min_size=q, max_size=q))
    sets = st.lists(st.sets(st.integers(0, n - 1)), min_size=q, max_size=q)
    return n, rows, draw(sets), draw(sets)


@given(cases(), st.sampled_from([1, 30, 1 << 22]))
def test_ranks_are_walking_the_list(case: Case, cells: int) -> None:
    n, rows, positives, junk = case
    truth = Relevance.from_rows([sorted(p) for p in positives], n, junk=[sorted(j) for j in junk])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "_CELLS", cells)
        found = positive_ranks(table(rows), truth)
    right = [p - j for p, j in zip(positives, junk, strict=True)]
    assert each(found) == [walked(r, p, j) for r, p, j in zip(rows, right, junk, strict=True)]
    assert found.n_relevant.tolist() == [len(p) for p in right]
    assert found.before.tolist() == [place for one in each(found) for place in range(len(one))]
    for query, (row, j) in enumerate(zip(rows, junk, strict=True)):
        ended = row[-1:] == [-1] or len(each(found)[query]) == len(right[query])
        assert found.depth[query] == (EVERY if ended else sum(one not in j for one in row))


def test_a_repeated_prediction_keeps_its_place_and_counts_once() -> None:
    truth = Relevance.from_rows([[3, 4]], 5)
    assert each(positive_ranks(np.array([[3, 3, 0, 4, 3]]), truth)) == [[0, 3]]


@given(st.integers(0, 2**31), st.integers(0, 4), st.integers(1, 30), st.booleans())
def test_counting_is_the_full_ranking(seed: int, q: int, n: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (q, n)).astype(np.float32) if ties else rng.normal(size=(q, n)).astype(np.float32)
    some = [[rng.integers(0, n, size) for _ in range(q)] for size in (3, 0, 4)]
    truths = [Relevance.from_rows(some[0], n, junk=junk) for junk in some[1:]]
    order = np.stack([np.lexsort((np.arange(n), -one)) for one in scores]) if q else np.zeros((0, n), np.int64)
    for counted, truth in zip(positive_ranks_by_counting(iter(scores), truths), truths, strict=True):
        full = positive_ranks(order, truth)
        assert each(counted) == each(full)
        assert counted.n_relevant.tolist() == full.n_relevant.tolist()
        assert (counted.depth == EVERY).all()


def test_selected_queries_are_renumbered() -> None:
    truth = Relevance.from_rows([[0], [1, 2], [], [2]], 3)
    found = positive_ranks(np.array([[0, 1, 2]] * 4), truth).select(np.array([False, True, True, True]))
    assert each(found) == [[1, 2], [], [2]]
    assert found.n_relevant.tolist() == [2, 0, 1]


def ranking(rows: list[list[int]]) -> Ranking:
    filled = table(rows)
    return Ranking(filled, np.where(filled < 0, -np.inf, -np.arange(filled.shape[1])).astype(np.float32))


def test_without_junk() -> None:
    truth = Relevance.from_rows([[0], [0]], 9, junk=[[5, 7], []])
    clean = without_junk(ranking([[5, 0, 7, 1, -1], [4, 0, 1, 2, -1]]), truth)
    assert clean.rows.tolist() == [[0, 1, -1, -1, -1], [4, 0, 1, 2, -1]]
    assert clean.scores[0].tolist() == [-1, -3, -math.inf, -math.inf, -math.inf]
    # Cut rankings stay cut: -1 would say that the search had no more.
    assert without_junk(ranking([[5, 0, 7, 1], [4, 0, 1, 2]]), truth).rows.tolist() == [[0, 1], [4, 0]]
    nothing = Ranking(np.zeros((0, 4), np.int64), np.zeros((0, 4), np.float32))
    assert without_junk(nothing, Relevance.from_rows([], 9)).rows.shape == (0, 4)


@given(cases())
def test_junk_taken_out_before_or_after_is_the_same(case: Case) -> None:
    n, _, positives, junk = case
    truth = Relevance.from_rows([sorted(p) for p in positives], n, junk=[sorted(j) for j in junk])
    whole = ranking([list(range(n))] * len(truth))
    clean = without_junk(whole, truth).rows
    kept = [[rank for rank in one if rank < clean.shape[1]] for one in each(positive_ranks(whole.rows, truth))]
    assert each(positive_ranks(clean, truth)) == kept


def bad_scores() -> list[NDArray[np.float32]]:
    return [np.array([0, math.nan], np.float32)]


def test_what_does_not_fit() -> None:
    truth = Relevance.from_rows([[0]], 2)
    for rows in (np.array([[0], [1]]), np.array([[2]]), np.array([0])):
        with pytest.raises(UsageError, match="do not fit a truth of 1 queries and 2 gallery rows"):
            positive_ranks(rows, truth)
    with pytest.raises(UsageError, match="must not be NaN"):
        positive_ranks_by_counting(bad_scores(), [truth])
    with pytest.raises(UsageError, match=r"Query 0 has scores of shape \(3,\)"):
        positive_ranks_by_counting(np.zeros((1, 3), np.float32), [truth])
    with pytest.raises(UsageError, match="Query 1 has scores"):
        positive_ranks_by_counting(np.zeros((2, 2), np.float32), [truth])
    with pytest.raises(UsageError, match=r"0 queries have scores; the truths are of \[1\]"):
        positive_ranks_by_counting(np.zeros((0, 2), np.float32), [truth])

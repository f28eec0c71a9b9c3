"""Fusion of two scores, and the order it makes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_rerank import by_rank, ranking_of

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank import Fusion, as_is, by_largest, by_range, capped, fuse, fuse_ranking, reordered, weighted

Scores = NDArray[np.float32]


CANDIDATES = st.integers(1, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.integers(-999, 999).map(lambda i: i / 1000), min_size=k, max_size=k),
        st.lists(st.integers(0, 600).map(lambda i: i / 10), min_size=k, max_size=k),
        st.permutations(range(3 * k)).map(lambda rows: rows[:k]),
    )
)


@given(CANDIDATES, st.floats(0, 1), st.integers(0, 3))
def test_a_fused_ranking_is_the_formula_sorted(
    candidates: tuple[list[float], list[float], list[int]], weight: float, fill: int
) -> None:
    globally, local, rows = candidates
    ranking = ranking_of(globally, rows, fill)
    of_row = dict(zip(rows, local, strict=True))
    known = np.array([[of_row.get(row, np.nan) for row in ranking.rows[0].tolist()]], np.float32)
    made = fuse_ranking(ranking, known, weighted(weight, local_scale=capped(30)))
    score = {
        row: weight * float(np.float32(g)) + (1 - weight) * min(of_row[row], 30) / 30
        for row, g in zip(rows, globally, strict=True)
    }
    expected = sorted(score, key=lambda row: (-score[row], row))
    assert made.rows[0].tolist() == [*expected, *[-1] * fill]
    np.testing.assert_allclose(made.of(0)[1], [score[row] for row in expected], atol=1e-6)


@given(CANDIDATES)
def test_weight_1_keeps_the_ranking_whatever_is_local(candidates: tuple[list[float], list[float], list[int]]) -> None:
    globally, local, rows = candidates
    ranking = ranking_of(globally, rows)
    for scale in (as_is, by_range):
        kept = fuse_ranking(ranking, np.array([local], np.float32), weighted(1.0, scale, by_range))
        assert kept.rows.tolist() == ranking.rows.tolist()


@given(CANDIDATES, st.floats(0, 1), st.sampled_from([0.25, 2.0, 1024.0]))
def test_scaled_fusions_do_not_see_the_unit_of_a_score(
    candidates: tuple[list[float], list[float], list[int]], weight: float, factor: float
) -> None:
    globally, local = (np.array(part, np.float32) for part in candidates[:2])
    for scale in (by_largest, by_range):
        fusion = weighted(weight, scale, scale)
        assert np.array_equal(fusion(globally, local), fusion(globally * np.float32(factor), local))
        assert np.array_equal(fusion(globally, local), fusion(globally, local * np.float32(factor)))


@pytest.mark.parametrize(
    ("scale", "scores", "expected"),
    [
        (as_is, [-1, 0.5], [-1, 0.5]),
        (by_largest, [-1, 0.25, 0.5], [0, 0.5, 1]),
        (by_largest, [-1, -0.5], [0, 0]),
        (by_range, [-1, 0, 3], [0, 0.25, 1]),
        (by_range, [2, 2], [0, 0]),
        (capped(30), [0, 15, 30, 90], [0, 0.5, 1, 1]),
        (by_range, [], []),
        (by_largest, [], []),
    ],
)
def test_scales_by_hand(
    scale: Callable[[NDArray[np.float64]], NDArray[np.float64]], scores: list[float], expected: list[float]
) -> None:
    assert scale(np.array(scores, np.float64)).tolist() == expected


def test_the_older_fuse_is_the_fusion_it_names() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=9).astype(np.float32), rng.uniform(0, 60, 9).astype(np.float32)
    assert np.array_equal(fuse(a, b, 0.2), weighted(0.2, by_largest, capped(30))(a, b).astype(np.float32))


def test_only_the_head_is_reordered_and_the_tail_follows() -> None:
    ranking = Ranking(np.array([[7, 3, 5, 1, 9, -1]]), np.array([[0.9, 0.8, 0.7, 0.6, 0.4, -np.inf]], np.float32))
    made = reordered(ranking, np.array([[20.0, 30.0, 20.0]]))
    assert made.rows.tolist() == [[3, 5, 7, 1, 9, -1]]
    np.testing.assert_allclose(made.scores, [[30, 20, 20, 19.9, 19.7, -np.inf]], rtol=1e-6)


@given(st.integers(0, 2**31), st.integers(0, 9))
def test_reordering_is_sorting_by_score_then_row(seed: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(40)[:9] for _ in range(3)])
    ranking = Ranking(rows.astype(np.int64), -np.sort(-rng.normal(size=(3, 9)).astype(np.float32), axis=1))
    scores = rng.integers(0, 4, (3, m)).astype(np.float32)
    made = reordered(ranking, scores)
    for query in range(3):
        order = by_rank(scores[query].tolist(), rows[query, :m].tolist())
        assert made.rows[query].tolist() == [*rows[query, :m][order], *rows[query, m:]]
        assert made.scores[query, :m].tolist() == scores[query][order].tolist()


def test_nothing_to_reorder() -> None:
    none = Ranking(np.zeros((0, 4), np.int64), np.zeros((0, 4), np.float32))
    assert len(reordered(none, np.zeros((0, 2)))) == 0
    empty = Ranking(np.full((1, 3), -1), np.full((1, 3), -np.inf, np.float32))
    assert reordered(empty, np.array([[np.nan, np.nan]])).rows.tolist() == [[-1, -1, -1]]
    assert fuse_ranking(empty, np.full((1, 3), np.nan, np.float32), weighted(0.5)).rows.tolist() == [[-1, -1, -1]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_named(bad: float) -> None:
    ranking = ranking_of([3, 2, 1], [4, 6, 8])
    with pytest.raises(UsageError, match="row 6 for query 0"):
        reordered(ranking, np.array([[1.0, bad, 0]]))
    with pytest.raises(UsageError, match="row 6 for query 0"):
        fuse_ranking(ranking, np.array([[1.0, bad, 0]], np.float32), weighted(0.5))


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (0, 0)])
def test_scores_that_do_not_fit_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="do not fit"):
        fuse_ranking(ranking_of([3, 2, 1], [0, 1, 2]), np.zeros(shape, np.float32), weighted(0.5))


@pytest.mark.parametrize("weight", [-0.1, 1.1, np.nan])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    with pytest.raises(UsageError, match=str(weight)):
        weighted(weight)
    with pytest.raises(UsageError, match="must not be negative"):
        Fusion(1, -1)

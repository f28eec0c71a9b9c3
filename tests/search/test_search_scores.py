from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.search import all_scores, search_flat, widened

HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
FINITE = HALVES[np.isfinite(HALVES)]


def unit(n: int, d: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("q", [1, 2, 63, 64, 65, 130])
@pytest.mark.parametrize("half", [False, True])
def test_all_of_them_in_any_blocks(q: int, half: bool) -> None:
    queries, wide = unit(q, 33, 0), unit(5000, 33, 1)
    gallery = wide.astype(np.float16) if half else wide
    blocks = [(2100, gallery[2100:2101]), (0, gallery[:2100]), (2101, gallery[2101:2101]), (2101, gallery[2101:])]
    expected = queries.astype(np.float64) @ gallery.astype(np.float64).T
    for parts in (blocks, [(0, gallery)]):
        scores = all_scores(queries, parts, 5000)
        assert scores.dtype == np.float32
        assert scores.shape == (q, 5000)
        np.testing.assert_allclose(scores, expected, atol=5e-7)


def test_its_best_are_those_of_the_search() -> None:
    queries, gallery = unit(5, 64, 2), unit(4000, 64, 3).astype(np.float16)
    ranking = search_flat(queries, [(0, gallery)], 10)
    scores = all_scores(queries, [(0, gallery)], 4000)
    assert (np.argsort(-scores, axis=1, kind="stable")[:, :10] == ranking.rows).all()


@given(
    arrays(np.float32, (3, 4), elements=st.floats(-1, 1, width=32)), st.lists(st.sampled_from(list(FINITE)), min_size=4)
)
def test_every_half_counts(queries: NDArray[np.float32], halves: list[np.float16]) -> None:
    gallery = np.array(halves[: len(halves) // 4 * 4], np.float16).reshape(-1, 4)
    expected = queries.astype(np.float64) @ gallery.astype(np.float64).T
    scale = np.abs(queries).astype(np.float64) @ np.abs(gallery).astype(np.float64).T
    assert (np.abs(all_scores(queries, [(0, gallery)], len(gallery)) - expected) <= 1e-6 * scale + 1e-38).all()


def test_widening_is_exact_for_every_finite_half() -> None:
    rows = np.resize(FINITE, (len(FINITE) // 8, 8))
    assert (widened(rows).view(np.uint32) == rows.astype(np.float32).view(np.uint32)).all()
    out = np.empty(rows.shape, np.float32)
    assert widened(rows, out) is out
    assert (out == rows).all()


@pytest.mark.parametrize(
    "blocks",
    [
        [(0, np.zeros((3, 4), np.float32))],
        [(0, np.zeros((5, 4), np.float32))],
        [(2, np.zeros((3, 4), np.float32))],
        [(0, np.zeros((4, 5), np.float32))],
        [],
    ],
)
def test_blocks_that_do_not_fit(blocks: list[tuple[int, NDArray[np.float32]]]) -> None:
    with pytest.raises(UsageError):
        all_scores(unit(2, 4, 0), blocks, 4)


def test_no_queries_and_no_rows() -> None:
    assert all_scores(unit(0, 4, 0), [(0, unit(3, 4, 0))], 3).shape == (0, 3)
    assert all_scores(unit(2, 4, 0), [], 0).shape == (2, 0)

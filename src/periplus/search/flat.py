"""Exact search over dense vectors: the oracle for every faster index."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from periplus.records import Ranking
from periplus.search.scores import widened

_ROWS_AT_ONCE = 16_384
_QUERIES_AT_ONCE = 1024
_ROWS_WIDENED = 2048
"""Few enough that float32 rows are still in the cache when they are multiplied."""

Block = NDArray[np.float16] | NDArray[np.float32]


def search_flat(queries: NDArray[np.float32], blocks: Iterable[tuple[int, Block]], k: int) -> Ranking:
    """The k gallery rows with the largest dot product, exactly; equal ones by row.

    Reads each gallery vector once, in blocks, and never builds a q x n matrix: memory is q x k and one part of it.

    Args:
        queries: float32 (q, d), unit rows.
        blocks: first row and float16 or float32 (m, d) vectors, as a gallery yields them, in any order.
        k: how many rows; fewer are found in a smaller gallery.
    """
    rows = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for first, block in blocks:
        for start in range(0, len(block), _ROWS_AT_ONCE):
            part = block[start : start + _ROWS_AT_ONCE]
            fresh = np.arange(first + start, first + start + len(part))
            for top in range(0, len(queries), _QUERIES_AT_ONCE):
                some = slice(top, top + _QUERIES_AT_ONCE)
                products = _products(queries[some], part)
                rows[some], scores[some] = merge_top(rows[some], scores[some], fresh, products, k)
    return Ranking(rows, scores)


def merge_top(
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    fresh: NDArray[np.int64],
    fresh_scores: NDArray[np.float32],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best k of what stood, (q, k), and what came, ascending rows (m,) with scores (q, m); ties go by row."""
    q, m = fresh_scores.shape
    least = scores[:, -1:]
    # Only what reaches the last of the k so far needs sorting; where that is much, only the k best of the new.
    near = fresh_scores >= least
    if max(map(np.count_nonzero, near), default=0) > 2 * k:
        least = np.maximum(least, np.partition(fresh_scores, m - k, axis=1)[:, m - k, None])
        tied = fresh_scores == least
        near = (fresh_scores > least) | (tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= k))
    at = np.flatnonzero(near)
    query = at // max(1, m)
    counts = np.bincount(query, minlength=q)
    place = k + np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = k + counts.max(initial=0)
    both = np.concatenate([rows, np.full((q, width - k), -1)], axis=1)
    values = np.concatenate([scores, np.full((q, width - k), -np.inf, np.float32)], axis=1)
    both[query, place], values[query, place] = fresh[at - query * m], fresh_scores.ravel()[at]
    order = np.lexsort((both, -values), axis=1)[:, :k]
    return np.take_along_axis(both, order, axis=1), np.take_along_axis(values, order, axis=1)


def _products(queries: NDArray[np.float32], part: Block) -> NDArray[np.float32]:
    products = np.empty((len(queries), len(part)), np.float32)
    for start in range(0, len(part), _ROWS_WIDENED):
        some = slice(start, start + _ROWS_WIDENED)
        np.matmul(queries, _widened(part[some]).T, out=products[:, some])
    return products


def _widened(block: Block) -> NDArray[np.float32]:
    if block.dtype == np.float32:
        return np.asarray(block, np.float32)
    return widened(np.asarray(block, np.float16))

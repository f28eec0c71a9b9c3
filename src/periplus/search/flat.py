"""Exact search over dense vectors: the oracle for every faster index."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from periplus.records import Ranking

_ROWS_AT_ONCE = 16_384


def search_flat(queries: NDArray[np.float32], blocks: Iterable[tuple[int, NDArray[np.float16]]], k: int) -> Ranking:
    """The k gallery rows with the largest dot product, exactly.

    Reads each gallery vector once, in blocks, and never builds a q x n matrix: memory is q x (k + block).

    Args:
        queries: float32 (q, d), unit rows.
        blocks: first row and float16 (m, d) vectors, as a gallery yields them.
        k: how many rows; fewer are found in a smaller gallery.
    """
    rows = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for first, block in blocks:
        for start in range(0, len(block), _ROWS_AT_ONCE):
            part = block[start : start + _ROWS_AT_ONCE].astype(np.float32)
            fresh = np.arange(first + start, first + start + len(part))
            rows, scores = merge_top(rows, scores, fresh, queries @ part.T, k)
    return Ranking(rows, scores)


def merge_top(
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    fresh: NDArray[np.int64],
    fresh_scores: NDArray[np.float32],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best k of what stood, (q, k), and what came, rows (m,) with scores (q, m); ties go to the smaller row."""
    best_rows, best_scores = rows.copy(), scores.copy()
    for query, new in enumerate(fresh_scores):
        # Only what beats the last of the k so far, and then the k-th best of the new, needs sorting.
        near = np.flatnonzero(new > scores[query, -1]) if len(new) > k else np.arange(len(new))
        if len(near) > k:
            near = near[new[near] >= np.partition(new[near], -k)[-k]]
        both = np.concatenate([rows[query], fresh[near]])
        values = np.concatenate([scores[query], new[near].astype(np.float32)])
        order = np.lexsort((both, -values))[:k]
        best_rows[query], best_scores[query] = both[order], values[order]
    return best_rows, best_scores

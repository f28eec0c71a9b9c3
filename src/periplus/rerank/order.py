"""Candidates in a new order: the common end of every re-ranking.

Only the first rows of a ranking, its head, get new scores; what follows, the tail, stays behind them in its order.
Candidates with equal scores stand by rising row, whatever order they came in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking

Vectors = NDArray[np.float32] | NDArray[np.float16]
Scorer = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""From a query (d,) and its candidates (m, d), by rising gallery row, to their scores (m,)."""


def reordered(ranking: Ranking, scores: NDArray[np.float32] | NDArray[np.float64]) -> Ranking:
    """The ranking with its first m rows in the order of new scores.

    The tail's scores, which have another scale, are shifted as a whole to go on from the lowest new one.

    Args:
        ranking: (q, k).
        scores: (q, m), m <= k, for ``ranking.rows[:, :m]``, larger is better; unread beside the fill.

    Raises:
        UsageError: there are more scores than rows, or one is not finite.
    """
    q, m = scores.shape
    if q != len(ranking) or m > ranking.rows.shape[1]:
        raise UsageError(f"Scores {scores.shape} do not fit a ranking of {ranking.rows.shape}.")
    rows = ranking.rows[:, :m]
    found = rows >= 0
    if not np.isfinite(scores[found]).all():
        query, at = np.argwhere(found & ~np.isfinite(scores))[0]
        raise UsageError(f"The new score of row {rows[query, at]} for query {query} is {scores[query, at]}.")
    fresh = np.where(found, scores, -np.inf)
    order = np.lexsort((rows, -fresh), axis=-1)
    head_rows, head = (np.take_along_axis(values, order, axis=1) for values in (rows, fresh))
    old = ranking.scores.astype(np.float64)
    lowest, last = (head[:, -1:], old[:, m - 1 : m]) if m else (0.0, 0.0)
    left = ranking.rows[:, m:] >= 0
    tail = np.full(left.shape, -np.inf)
    np.add(np.subtract(old[:, m:], last, out=tail, where=left), lowest, out=tail, where=left)
    return Ranking(
        np.concatenate([head_rows, ranking.rows[:, m:]], axis=1),
        np.concatenate([head, tail], axis=1).astype(np.float32),
    )


def rescored(queries: Vectors, gallery: Vectors, ranking: Ranking, top: int, scorer: Scorer) -> Ranking:
    """The ranking with the first ``top`` rows of each query scored by their vectors.

    Memory and time are those of the scorer on one query's candidates; the gallery is only read at their rows.

    Args:
        queries: (q, d), unit rows.
        gallery: (n, d), unit rows; may be mapped from disk.
        ranking: (q, k) rows of the gallery.
        top: M, how many candidates of each query are scored; fewer where fewer were found.
        scorer: gives finite scores.

    Raises:
        UsageError: shapes do not fit.
    """
    largest = ranking.rows.max(initial=-1)
    if queries.shape[1:] != gallery.shape[1:] or len(queries) != len(ranking) or largest >= len(gallery):
        raise UsageError(
            f"Queries {queries.shape}, gallery {gallery.shape} and a ranking of {ranking.rows.shape} up to row "
            f"{largest} do not fit."
        )
    scores = np.zeros((len(queries), min(top, ranking.rows.shape[1])), np.float32)
    for query, vector in enumerate(queries):
        rows = ranking.of(query)[0][:top]
        places = np.argsort(rows)
        if len(places):
            # Twice the precision makes copies of one vector score equal wherever the product finds them.
            near = gallery[rows[places]].astype(np.float64)
            scores[query, places] = scorer(vector.astype(np.float64), near)
    return reordered(ranking, scores)

"""Queries and gallery vectors joined by their nearest neighbours.

    x' = L2(x + sum over the n nearest x_i of max(0, x . x_i)^alpha x_i)

for queries it is alpha query expansion, for the gallery's own rows database augmentation. Both raise what many
neighbours agree on, and both raise false answers where the first neighbours are wrong: judge how sure an answer is by
the query before its expansion.

Reference: Radenovic, Tolias and Chum, Fine-tuning CNN image retrieval with no human annotation, TPAMI 2019, section
3.4; Arandjelovic and Zisserman, Three things everyone should know to improve object retrieval, CVPR 2012, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank.order import Vectors

_ROWS_AT_ONCE = 512
_COLUMNS_AT_ONCE = 8192


@dataclass(frozen=True)
class Expansion:
    """What neighbours are worth.

    Attributes:
        n: how many join.
        alpha: the power of their cosine; 0 for equal weights of all with a positive one.
    """

    n: int = 10
    alpha: float = 3.0

    def __post_init__(self) -> None:
        """Check bounds."""
        if self.n < 0 or not 0 <= self.alpha < np.inf:
            raise UsageError(f"An expansion by n = {self.n} neighbours with alpha = {self.alpha} is out of range.")


def expand_queries(
    queries: Vectors, gallery: Vectors, ranking: Ranking, config: Expansion | None = None
) -> NDArray[np.float32]:
    """Queries joined by their first n gallery rows: float32 (q, d), unit rows; search with them again.

    Args:
        queries: (q, d), unit rows.
        gallery: (n, d), unit rows; may be mapped from disk.
        ranking: (q, k); fewer than n rows are as many as there are.
        config: how many, how much.

    Raises:
        UsageError: shapes do not fit.
    """
    _require_fit(queries, gallery, ranking)
    config = config or Expansion()
    parts = [
        _joined(queries[start : start + _ROWS_AT_ONCE], gallery, ranking.rows[start : start + _ROWS_AT_ONCE], config)
        for start in range(0, len(queries), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(queries.shape, np.float32)


def augment_gallery(
    gallery: Vectors, neighbours: Ranking, config: Expansion | None = None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Gallery rows joined by their n nearest others, block by block: first row and float32 (m, d), unit rows.

    Blocks have the form that an exact search reads, so the augmented gallery need never be in memory as a whole.

    Args:
        gallery: (n, d), unit rows; may be mapped from disk.
        neighbours: of every row, from :func:`gallery_neighbours` or a search; a row among its own is passed over.
        config: how many, how much.

    Raises:
        UsageError: shapes do not fit.
    """
    _require_fit(gallery, gallery, neighbours)
    config = config or Expansion()
    for start in range(0, len(gallery), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        own = np.arange(start, min(start + _ROWS_AT_ONCE, len(gallery)))
        others = np.where(neighbours.rows[part] == own[:, None], -1, neighbours.rows[part])
        yield start, _joined(gallery[part], gallery, others, config)


def gallery_neighbours(gallery: Vectors, k: int) -> Ranking:
    """The k nearest other rows of every row, exactly; equal ones by rising row.

    Multiplies block by block: n x k numbers are kept, an n x n matrix never exists.

    Args:
        gallery: (n, d), unit rows; may be mapped from disk.
        k: how many, at least 1; -1 fills up where the gallery has fewer.

    Raises:
        UsageError: k is out of range.
    """
    if k < 1:
        raise UsageError(f"A row's {k} nearest others are none; k is at least 1.")
    found = [
        _nearest(gallery, slice(start, start + _ROWS_AT_ONCE), k) for start in range(0, len(gallery), _ROWS_AT_ONCE)
    ]
    rows = np.concatenate([part for part, _ in found] or [np.zeros((0, k), np.int64)])
    return Ranking(rows, np.concatenate([part for _, part in found] or [np.zeros((0, k), np.float32)]))


def _joined(vectors: Vectors, gallery: Vectors, rows: NDArray[np.int64], config: Expansion) -> NDArray[np.float32]:
    """Vectors (m, d) joined by the first n of rows (m, k) that are not -1."""
    there = rows >= 0
    there &= np.cumsum(there, axis=1) <= config.n
    base = vectors.astype(np.float32)
    columns = np.flatnonzero(there.any(axis=0))
    near = gallery[np.maximum(rows[:, columns], 0)].astype(np.float32)
    cosines = np.where(there[:, columns], (near @ base[:, :, None])[:, :, 0], 0)
    weights = np.where(cosines > 0, np.maximum(cosines, 0) ** config.alpha, 0)
    base += (weights[:, None] @ near)[:, 0]
    norms = np.linalg.norm(base, axis=1, keepdims=True)
    return np.asarray(base / np.maximum(norms, 1e-12), np.float32)


def _nearest(gallery: Vectors, part: slice, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    vectors = gallery[part].astype(np.float32)
    own = np.arange(part.start, part.start + len(vectors))
    rows = np.full((len(vectors), k), -1, np.int64)
    scores = np.full((len(vectors), k), -np.inf, np.float32)
    for start in range(0, len(gallery), _COLUMNS_AT_ONCE):
        block = gallery[start : start + _COLUMNS_AT_ONCE].astype(np.float32)
        fresh = np.broadcast_to(np.arange(start, start + len(block)), (len(vectors), len(block)))
        product = np.where(fresh == own[:, None], -np.inf, vectors @ block.T)
        rows, scores = _best(np.concatenate([rows, fresh], axis=1), np.concatenate([scores, product], axis=1), k)
    return np.where(np.isneginf(scores), -1, rows), scores


def _best(
    rows: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k largest of each line, best first, equal ones by rising row."""
    if 0 < k < rows.shape[1]:
        near = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        least = np.take_along_axis(scores, near, axis=1).min(axis=1, keepdims=True)
        # Where more than k reach the k-th score, which of the equal ones were taken was chance.
        for line in np.flatnonzero((scores >= least).sum(axis=1) > k):
            near[line] = np.lexsort((rows[line], -scores[line]))[:k]
        rows, scores = np.take_along_axis(rows, near, axis=1), np.take_along_axis(scores, near, axis=1)
    order = np.lexsort((rows, -scores), axis=-1)[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _require_fit(queries: Vectors, gallery: Vectors, ranking: Ranking) -> None:
    largest = ranking.rows.max(initial=-1)
    if queries.shape[1:] != gallery.shape[1:] or len(queries) != len(ranking) or largest >= len(gallery):
        raise UsageError(
            f"Vectors {queries.shape}, gallery {gallery.shape} and a ranking of {ranking.rows.shape} up to row "
            f"{largest} do not fit."
        )

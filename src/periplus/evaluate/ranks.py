"""Where the right answers stand: the one thing that every measure of a ranking is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate.relevance import Relevance
from periplus.records import Ranking

EVERY: Final = np.iinfo(np.int64).max
"""The depth of a ranking of which every rank is known."""

_CELLS = 1 << 22
"""At most about this many numbers are held at once; does not touch the result."""


@dataclass(frozen=True)
class PositiveRanks:
    """The ranks of the positives of q queries, junk taken out.

    Attributes:
        query: int64 (p,), whose positive it is, ascending.
        rank: int64 (p,), from 0, ascending within a query.
        n_relevant: int64 (q,), how many positives there are, found or not.
        depth: int64 (q,), how many ranks are known, :data:`EVERY` where all are: a positive that is not listed
            stands behind them.
    """

    query: NDArray[np.int64]
    rank: NDArray[np.int64]
    n_relevant: NDArray[np.int64]
    depth: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.n_relevant)

    @property
    def before(self) -> NDArray[np.int64]:
        """How many positives of the same query stand before each, int64 (p,)."""
        return np.arange(len(self.query)) - np.searchsorted(self.query, self.query)

    def total(self, terms: NDArray[np.generic]) -> NDArray[np.float64]:
        """The sum of one term a positive for each query, float64 (q,)."""
        return np.bincount(self.query, weights=terms, minlength=len(self)).astype(np.float64)

    def select(self, queries: NDArray[np.bool_]) -> PositiveRanks:
        """Those of some queries, a mask (q,)."""
        kept = queries[self.query]
        renumbered = np.cumsum(queries) - 1
        query = renumbered[self.query[kept]]
        return PositiveRanks(query, self.rank[kept], self.n_relevant[queries], self.depth[queries])


def positive_ranks(rows: NDArray[np.int64], relevance: Relevance) -> PositiveRanks:
    """Find the positives in lists of gallery rows, best first.

    A row that is listed again keeps its place but is not found again; -1 is a place without a gallery row. A list
    that ends with -1 had no more to say, so what it lacks is not found; one that is full may have been cut, and its
    ``depth`` tells where.

    Args:
        rows: int64 (q, k), as a :class:`~periplus.records.Ranking` has them.
        relevance: of the same queries and gallery.

    Raises:
        UsageError: another number of queries, or a row that the gallery does not have.
    """
    _check_fit(rows, relevance)
    at_once = max(1, _CELLS // max(1, relevance.gallery, rows.shape[1]))
    parts = [_found(rows[a : a + at_once], relevance, a) for a in range(0, max(1, len(rows)), at_once)]
    return PositiveRanks(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _found(rows: NDArray[np.int64], relevance: Relevance, first: int) -> tuple[NDArray[np.int64], ...]:
    """Query, rank, number of positives and depth for a few queries."""
    n, width = relevance.gallery, rows.shape[1]
    positives, junk = relevance.keys(first, first + len(rows))
    kind = np.zeros(len(rows) * n + 1, np.int8)  # one cell more, for places without a row
    kind[positives], kind[junk] = 1, 2
    keys = np.where(rows < 0, len(rows) * n, rows + n * np.arange(len(rows))[:, None]).ravel()
    kinds = kind[keys]
    at, out = np.flatnonzero(kinds == 1), np.flatnonzero(kinds == 2)
    at = at[np.sort(np.unique(keys[at], return_index=True)[1])]
    query = at // max(1, width)
    rank = at - query * width - (np.searchsorted(out, at) - np.searchsorted(out, query * width))
    n_relevant = np.bincount(positives // max(1, n), minlength=len(rows))
    known = width - np.bincount(out // max(1, width), minlength=len(rows))
    ended = (rows < 0)[:, -1:].any(axis=1) | (np.bincount(query, minlength=len(rows)) == n_relevant)
    return query + first, rank, n_relevant, np.where(ended, EVERY, known)


def positive_ranks_by_counting(
    scores: Iterable[NDArray[np.float32]], relevances: Sequence[Relevance]
) -> list[PositiveRanks]:
    """Rank only the labelled rows, by counting what scores higher: for galleries of millions.

    The rank of a row is the number of rows with a larger score, and of those with the same score before it; the
    same as in the full ranking, at the price of a sort of bare values.

    Args:
        scores: one array a query, (n,) over the whole gallery, larger is better; a matrix (q, n) or a generator.
        relevances: one or several truths of the same queries, such as easy, medium and hard.

    Returns:
        One a truth.

    Raises:
        UsageError: a score is NaN, or another number of queries or gallery rows.
    """
    parts: list[list[NDArray[np.int64]]] = [[] for _ in relevances]
    counts: list[list[int]] = [[] for _ in relevances]
    query = -1
    for query, each in enumerate(scores):
        ordered = np.sort(each)
        for relevance, ranks, count in zip(relevances, parts, counts, strict=True):
            if query >= len(relevance) or each.shape != (relevance.gallery,) or np.isnan(ordered[-1:]).any():
                raise UsageError(
                    f"Query {query} has scores of shape {each.shape}; the truth is of {len(relevance)} queries and "
                    f"{relevance.gallery} gallery rows, and a score must not be NaN."
                )
            positives, junk = (_counted(each, ordered, rows) for rows in relevance.keys(query, query + 1))
            ranks.append(positives - np.searchsorted(junk, positives))
            count.append(len(positives))
    if any(len(relevance) != query + 1 for relevance in relevances):
        raise UsageError(f"{query + 1} queries have scores; the truths are of {[len(r) for r in relevances]}.")
    none = np.zeros(0, np.int64)
    return [
        PositiveRanks(
            query=np.repeat(np.arange(query + 1), np.array(count, np.int64)),
            rank=np.concatenate([none, *ranks]),
            n_relevant=np.array(count, np.int64),
            depth=np.full(query + 1, EVERY),
        )
        for ranks, count in zip(parts, counts, strict=True)
    ]


def _counted(scores: NDArray[np.float32], ordered: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    mine = scores[rows]
    high, low = np.searchsorted(ordered, mine, "right"), np.searchsorted(ordered, mine, "left")
    ranks = len(ordered) - high
    for tied in np.flatnonzero(high - low > 1):
        ranks[tied] += np.count_nonzero(scores[: rows[tied]] == mine[tied])
    return np.sort(ranks).astype(np.int64)


def without_junk(ranking: Ranking, relevance: Relevance) -> Ranking:
    """The ranking without each query's junk, what stood behind it moved up.

    Which photos are worth re-ranking depends on this: published systems take the junk of a protocol out first and
    re-rank the best 100 of what remains, hence once for easy, medium and hard each. The strict way, where an answer
    does not know what will be counted, re-ranks the ranking as it is. The measures of one ranking are the same
    either way. A ranking that may have been cut becomes as short as its shortest query, so that -1 still means that
    a search had no more to say.

    Raises:
        UsageError: another number of queries, or a row that the gallery does not have.
    """
    _check_fit(ranking.rows, relevance)
    out = np.zeros(ranking.rows.shape, np.bool_)
    for query, rows in enumerate(ranking.rows):
        out[query] = np.isin(rows, relevance.keys(query, query + 1)[1])
    order = np.argsort(out, axis=1, kind="stable")
    rows = np.take_along_axis(np.where(out, -1, ranking.rows), order, axis=1)
    scores = np.take_along_axis(np.where(out, np.float32(-np.inf), ranking.scores), order, axis=1)
    cut = (ranking.rows >= 0).all(axis=1)
    width = (~out[cut]).sum(axis=1).min(initial=rows.shape[1])
    return Ranking(rows[:, :width], scores[:, :width])


def _check_fit(rows: NDArray[np.int64], relevance: Relevance) -> None:
    if rows.ndim != 2 or len(rows) != len(relevance) or rows.max(initial=-1) >= relevance.gallery:
        raise UsageError(
            f"Rows of shape {rows.shape}, the largest {rows.max(initial=-1)}, do not fit a truth of {len(relevance)} "
            f"queries and {relevance.gallery} gallery rows: give both the same queries and gallery."
        )

"""The pairs that contradict "the nearer, the more alike" most, found while all pairs stream by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Pairs = NDArray[np.int64]
"""Pairs of rows with their scores, int64 (3, m): score in :data:`STEPS`, lower row, higher row."""
STEPS: Final = 1_000_000
"""Scores are compared in millionths: float32 products of equal vectors differ by less, and then rows decide."""


@dataclass(frozen=True)
class WorstPair:
    """Two photos and what is odd about them.

    Attributes:
        first, second: their rows, first < second.
        distance_km: how far apart.
        similarity: how alike.
        expected: mean similarity of all pairs of that lag.
    """

    first: int
    second: int
    distance_km: float
    similarity: float
    expected: float


def scored_pairs(score: NDArray[np.floating], one: Rows, other: Rows) -> Pairs:
    """Pairs from scores and rows, (m,) each, the rows of a pair in either order."""
    return np.stack(
        [np.rint(score * np.float64(STEPS)).astype(np.int64), np.minimum(one, other), np.maximum(one, other)]
    )


@dataclass(frozen=True)
class WorstRule:
    """Which pairs are taken: from the highest score down, every row in at most ``per_row`` pairs, ``number`` in all.

    Equal scores go by rows. The choice needs few of all pairs, and :meth:`keep` keeps these for certain, in whichever
    order and portions pairs come: while fewer than K = ``number`` pairs are taken, at most s = ⌊2 (K - 1) / per_row⌋
    rows are used up. A pair that will be taken therefore has, in either of its rows, fewer than R = per_row + s better
    pairs, for each of these was taken or has its other row used up. And it has at most K - 1 + s R better pairs among
    any in which every row has at most R. So R pairs a row and K + s R pairs in all are enough.
    """

    number: int
    per_row: int

    @property
    def row_size(self) -> int:
        """R: as many pairs of one row are kept."""
        return self.per_row + 2 * (self.number - 1) // self.per_row

    @property
    def size(self) -> int:
        """K + s R: as many pairs are kept."""
        return self.number + (self.row_size - self.per_row) * self.row_size

    def keep(self, pairs: Pairs) -> Pairs:
        """The pairs that may be taken, the worst first."""
        pairs = pairs[:, np.lexsort((pairs[2], pairs[1], -pairs[0]))]
        return pairs[:, np.flatnonzero(_rank_in_rows(pairs[1], pairs[2]) < self.row_size)[: self.size]]

    def floor(self, kept: Pairs) -> Pairs | None:
        """The last of what :meth:`keep` kept, (3, 1), where whatever comes after it cannot be taken; None elsewhere."""
        return kept[:, -1:] if kept.shape[1] == self.size else None

    def take(self, pairs: Pairs) -> Rows:
        """Rows of the pairs taken, int64 (at most number, 2), the worst first."""
        used: dict[int, int] = {}
        taken: list[tuple[int, int]] = []
        for a, b in self.keep(pairs)[1:].T.tolist():
            if len(taken) == self.number:
                break
            if max(used.get(a, 0), used.get(b, 0)) < self.per_row:
                taken.append((a, b))
                used[a], used[b] = used.get(a, 0) + 1, used.get(b, 0) + 1
        return np.array(taken, np.int64).reshape(-1, 2)


def above(pairs: Pairs, floor: Pairs | None) -> Pairs:
    """The pairs that come before a floor."""
    if floor is None:
        return pairs
    (score, one, other), (last, a, b) = pairs, floor
    return pairs[:, (score > last) | ((score == last) & ((one < a) | ((one == a) & (other < b))))]


def lowest_score(floor: Pairs | None) -> float:
    """Below it a score is surely under the floor."""
    return -np.inf if floor is None else (float(floor[0, 0]) - 1) / STEPS


def _rank_in_rows(one: Rows, other: Rows) -> Rows:
    """How many pairs before it a pair's row has, (m,): the larger number of its two rows."""
    m, ends = len(one), np.concatenate([one, other])
    order = np.lexsort((np.tile(np.arange(m), 2), ends))
    starts = np.flatnonzero(np.diff(ends[order], prepend=-1))
    rank = np.empty(2 * m, np.int64)
    rank[order] = np.arange(2 * m) - np.repeat(starts, np.diff(starts, append=2 * m))
    return np.maximum(rank[:m], rank[m:])

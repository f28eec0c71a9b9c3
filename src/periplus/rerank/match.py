"""Tentative matches between a query's points and many candidates' points.

The usual ratio test compares the nearest with the second nearest point of the *same* picture and so throws away
repeated windows, which say much about a facade. Here a query point's nearest distance in one candidate is compared
with its nearest distances in the *other* candidates: what looks alike everywhere is common, what looks alike in a
few photos is telling. With too few candidates for that, the ratio test within the picture stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import LocalFeatures

_FEWEST_CANDIDATES = 30


@dataclass(frozen=True)
class MatchConfig:
    """When a pair of points is a tentative match.

    Attributes:
        background_rank: the query point's so-many-th smallest distance over all candidates is its background.
        background_ratio: its distance in one candidate must be below this share of the background.
        second_ratio: the ratio test's share (Lowe 2004), where there are under 30 candidates.
        max_matches: the most telling so many pairs of a candidate are kept.
    """

    background_rank: int = 10
    background_ratio: float = 0.85
    second_ratio: float = 0.8
    max_matches: int = 300

    def __post_init__(self) -> None:
        """Check bounds."""
        if not 1 <= self.background_rank < _FEWEST_CANDIDATES:
            raise UsageError(f"A background rank of {self.background_rank} is not in 1 to {_FEWEST_CANDIDATES - 1}.")


@dataclass(frozen=True)
class Tentative:
    """One candidate's tentative matches, most telling first, each point at most once on both sides.

    Attributes:
        query: int64 (m,), rows of the query's features.
        gallery: int64 (m,), rows of the candidate's features.
    """

    query: NDArray[np.int64]
    gallery: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.query)


def tentative_matches(
    query: LocalFeatures, candidates: Sequence[LocalFeatures], config: MatchConfig
) -> list[Tentative]:
    """Match a query with all its candidates.

    One matrix product a candidate, 2 n m d operations, is the floor of the time. Features hold packed components.

    Args:
        query: n points with descriptors (n, d).
        candidates: each with descriptors (m, d).
        config: thresholds.
    """
    n, count = len(query), len(candidates)
    # A blank candidate is no background: what is not there looks like nothing.
    within = sum(len(candidate) > 0 for candidate in candidates) < _FEWEST_CANDIDATES
    nearest = np.zeros((count, n), np.int32)
    distance = np.full((count, n), np.inf, np.float32)
    background = np.full((count, n), np.inf, np.float32)
    left = np.column_stack([-2 * query.descriptors, np.ones(n, np.float32)])
    own = np.einsum("nd,nd->n", query.descriptors, query.descriptors)
    for at, candidate in enumerate(candidates):
        if n == 0 or len(candidate) == 0:
            continue
        # |x - y|^2 = |x|^2 + (|y|^2 - 2 x.y): the bracket is one product with a column more.
        squares = np.einsum("md,md->m", candidate.descriptors, candidate.descriptors)
        product = left @ np.column_stack([candidate.descriptors, squares]).T
        nearest[at] = product.argmin(axis=1)
        rows = np.arange(n)
        distance[at] = np.sqrt(np.maximum(product[rows, nearest[at]] + own, 1e-9))
        if within:
            product[rows, nearest[at]] = np.inf
            background[at] = np.sqrt(np.maximum(product.min(axis=1) + own, 1e-9))
    ratio = config.second_ratio
    if not within:
        ratio = config.background_ratio
        background[:] = np.partition(distance, config.background_rank, axis=0)[config.background_rank]
    telling = np.full((count, n), np.inf, np.float32)
    np.divide(distance, background, out=telling, where=np.isfinite(distance))
    return [_one_to_one(telling[at], nearest[at], ratio, config.max_matches) for at in range(count)]


def _one_to_one(telling: NDArray[np.float32], nearest: NDArray[np.int32], ratio: float, most: int) -> Tentative:
    """Keep pairs under the ratio; of those that share a gallery point, the most telling."""
    chosen = np.flatnonzero(telling < ratio)
    chosen = chosen[np.argsort(telling[chosen], kind="stable")]
    _, first = np.unique(nearest[chosen], return_index=True)
    chosen = chosen[np.sort(first)][:most]
    return Tentative(chosen.astype(np.int64), nearest[chosen].astype(np.int64))

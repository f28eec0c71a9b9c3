"""Re-ranking by shared k-reciprocal neighbours.

Among a query and its first M candidates, with d the squared distance over the largest of its line:

    R(i, k)  = the j that are among the k nearest of i as i is among theirs (each counts itself first)
    R*(i)    = R(i, k1) joined by every R(j, k1 / 2), j in R(i, k1), of which more than two thirds lie in R(i, k1)
    v_i      = exp(-d_ij) over R*(i), sum 1; then the mean of v over the k2 nearest of i
    jaccard  = 1 - sum_j min(v_qj, v_ij) / sum_j max(v_qj, v_ij)
    score    = 1 - ((1 - lambda) jaccard + lambda d_qi)

Reference: Zhong, Zheng, Cao and Li, Re-ranking person re-identification with k-reciprocal encoding, CVPR 2017;
k1 = 20, k2 = 6, lambda = 0.3. On all of a gallery it needs n^2 numbers; here M^2, one query at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank.order import Vectors, rescored


@dataclass(frozen=True)
class Reciprocal:
    """Whose neighbours are looked at.

    Attributes:
        top: M, how many candidates.
        k1: neighbours that must be mutual.
        k2: nearest whose encodings are averaged.
        distance_weight: lambda in [0, 1], the share of the plain distance; 1 keeps its order.
    """

    top: int = 400
    k1: int = 20
    k2: int = 6
    distance_weight: float = 0.3

    def __post_init__(self) -> None:
        """Check bounds."""
        if min(self.top, self.k1, self.k2) < 1 or not 0 <= self.distance_weight <= 1:
            raise UsageError(f"{self} is out of range.")


def k_reciprocal(queries: Vectors, gallery: Vectors, ranking: Ranking, config: Reciprocal | None = None) -> Ranking:
    """Re-rank the first M candidates of each query; M^2 (d + log M + 2 M) operations a query.

    Args:
        queries: (q, d), unit rows.
        gallery: (n, d), unit rows; may be mapped from disk.
        ranking: (q, k).
        config: whose neighbours.

    Raises:
        UsageError: shapes do not fit.
    """
    config = config or Reciprocal()
    return rescored(queries, gallery, ranking, config.top, lambda query, near: _scores(query, near, config))


def _scores(query: NDArray[np.float64], near: NDArray[np.float64], config: Reciprocal) -> NDArray[np.float64]:
    distance = _distances(np.concatenate([query[None], near]))
    places = _places(distance)
    encoded = np.where(_expanded(places, config.k1), np.exp(-distance), 0)
    encoded /= encoded.sum(axis=1, keepdims=True)
    joined = (places < config.k2).astype(np.float64)
    encoded = joined @ encoded / joined.sum(axis=1, keepdims=True)
    shared = np.minimum(encoded[0], encoded[1:]).sum(axis=1)
    # Every line sums to 1, so the sum of the larger ones is 2 less that of the smaller.
    jaccard = 1 - shared / (2 - shared)
    return np.asarray(1 - (1 - config.distance_weight) * jaccard - config.distance_weight * distance[0, 1:], np.float64)


def _distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances (m, m), each line over its largest."""
    products = vectors @ vectors.T
    squares = np.diag(products)
    # float32 makes copies of one vector equally far, whatever rounding the product did.
    distance = np.maximum(squares[:, None] + squares - 2 * products, 0).astype(np.float32).astype(np.float64)
    np.fill_diagonal(distance, 0)
    largest = distance.max(axis=1, keepdims=True)
    return np.asarray(distance / np.where(largest > 0, largest, 1), np.float64)


def _places(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """[i, j]: the place of j among those nearest to i, 0 for i itself."""
    own = distance.copy()
    np.fill_diagonal(own, -1)
    order = np.argsort(own, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(len(order))[None], axis=1)
    return places


def _expanded(places: NDArray[np.int64], k1: int) -> NDArray[np.bool_]:
    """[i, j]: whether j is in R*(i)."""
    near, close = (np.maximum(places, places.T) <= k for k in (k1, round(k1 / 2)))
    # Counts below 2^24 are exact in float32, and its product is the fast one.
    shared = near.astype(np.float32) @ close.T.astype(np.float32)
    joins = near & (3 * shared > 2 * close.sum(axis=1))
    return np.asarray(near | (joins.astype(np.float32) @ close.astype(np.float32) > 0), np.bool_)

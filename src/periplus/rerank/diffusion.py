"""Re-ranking by diffusion over the graph of a query's candidates.

Among the first M candidates, s(x, z) = max(0, x . z)^gamma:

    A_ij = s(x_i, x_j) where each is among the k nearest of the other, else 0;   S = D^-1/2 A D^-1/2
    y_i  = s(q, x_i) for the kq candidates nearest to the query, else 0
    (I - alpha S) f = y,   solved by conjugate gradients

and f, over its largest, is the score. A candidate that no path reaches stands behind all others, by its cosine.

Reference: Iscen, Tolias, Avrithis, Furon and Chum, Efficient diffusion on region manifolds, CVPR 2017, sections 3 and
4.3 (truncation); k = 50, kq = 10, gamma = 3, alpha = 0.99.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank.order import Vectors, rescored

_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Diffusion:
    """The graph, and how far from the query it reaches.

    Attributes:
        top: M, how many candidates.
        neighbours: k, of each candidate.
        query_neighbours: kq, of the query.
        gamma: the power of a cosine.
        alpha: in [0, 1), the share that flows on.
    """

    top: int = 1000
    neighbours: int = 50
    query_neighbours: int = 10
    gamma: float = 3.0
    alpha: float = 0.99

    def __post_init__(self) -> None:
        """Check bounds."""
        if min(self.top, self.neighbours, self.query_neighbours) < 1 or self.gamma <= 0 or not 0 <= self.alpha < 1:
            raise UsageError(f"{self} is out of range.")


def diffuse(queries: Vectors, gallery: Vectors, ranking: Ranking, config: Diffusion | None = None) -> Ranking:
    """Re-rank the first M candidates of each query; M^2 (d + log M) operations a query, then M k an iteration.

    Args:
        queries: (q, d), unit rows.
        gallery: (n, d), unit rows; may be mapped from disk.
        ranking: (q, k).
        config: the graph.

    Raises:
        UsageError: shapes do not fit.
    """
    config = config or Diffusion()
    return rescored(queries, gallery, ranking, config.top, lambda query, near: _scores(query, near, config))


def _scores(query: NDArray[np.float64], near: NDArray[np.float64], config: Diffusion) -> NDArray[np.float64]:
    # A tenth of a second that only those who diffuse should wait for.
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import cg

    cosines = near @ query
    first = np.argsort(-cosines.astype(np.float32), kind="stable")[: config.query_neighbours]
    start = np.zeros(len(near))
    start[first] = np.maximum(cosines[first], 0) ** config.gamma
    affinity = _affinity(near, config)
    degree = affinity.sum(axis=1)
    root = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    system = csr_array(np.eye(len(near)) - config.alpha * root[:, None] * affinity * root)
    flow, _ = cg(system, start, rtol=_TOLERANCE, maxiter=10 * len(near) + 100)
    largest = flow.max()
    # What the tolerance leaves open is no evidence.
    reached = flow > _TOLERANCE * largest
    return np.asarray(np.where(reached, flow / (largest if largest > 0 else 1), cosines - 2), np.float64)


def _affinity(near: NDArray[np.float64], config: Diffusion) -> NDArray[np.float64]:
    m = len(near)
    cosines = near @ near.T
    np.fill_diagonal(cosines, -np.inf)
    # float32 makes copies of one vector equally near, whatever rounding the product did.
    nearest = np.argsort(-cosines.astype(np.float32), axis=1, kind="stable")[:, : min(config.neighbours, m - 1)]
    chosen = np.zeros((m, m), bool)
    chosen[np.arange(m)[:, None], nearest] = True
    return np.where(chosen & chosen.T, np.maximum(cosines, 0) ** config.gamma, 0)

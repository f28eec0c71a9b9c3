"""Re-ranking by refined global vectors alone (SuperGlobal).

Each of the first M candidates is averaged with its K nearest among them; the query's side is the largest component
over the first refined ones:

    x'_i = (x_i + sum over its K nearest x_j of b_ij x_j) / (1 + sum b_ij),   b_ij = beta max(0, x_i . x_j)
    g    = max over the K + 1 of the x'_i with the largest q . x'_i, component by component
    score = (q . x'_i + g . x'_i) / 2

Nothing is made unit length again. Reference: Shao, Chen, Karpur, Cui, Araujo and Cao, Global features are all you need
for image retrieval and reranking, ICCV 2023, section 3.3; M = 400, K = 9, beta = 0.15.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank.order import Vectors, rescored


@dataclass(frozen=True)
class SuperGlobal:
    """How far candidates are refined.

    Attributes:
        top: M, how many candidates.
        neighbours: K of each, itself not counted.
        beta: what a neighbour's cosine counts for beside the candidate's own 1.
    """

    top: int = 400
    neighbours: int = 9
    beta: float = 0.15

    def __post_init__(self) -> None:
        """Check bounds."""
        if self.top < 1 or self.neighbours < 0 or not 0 <= self.beta < np.inf:
            raise UsageError(f"{self} is out of range.")


def superglobal(queries: Vectors, gallery: Vectors, ranking: Ranking, config: SuperGlobal | None = None) -> Ranking:
    """Re-rank the first M candidates of each query; M^2 d operations a query.

    Args:
        queries: (q, d), unit rows.
        gallery: (n, d), unit rows; may be mapped from disk.
        ranking: (q, k).
        config: how far.

    Raises:
        UsageError: shapes do not fit.
    """
    config = config or SuperGlobal()
    return rescored(queries, gallery, ranking, config.top, lambda query, near: _scores(query, near, config))


def _scores(query: NDArray[np.float64], near: NDArray[np.float64], config: SuperGlobal) -> NDArray[np.float64]:
    m = len(near)
    cosines = near @ near.T
    # A candidate is no neighbour of itself, however many copies it has.
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines.astype(np.float32), axis=1, kind="stable")[:, : min(config.neighbours, m - 1)]
    weights = np.eye(m)
    line = np.arange(m)[:, None]
    weights[line, nearest] = config.beta * np.maximum(cosines[line, nearest], 0)
    refined = weights @ near / weights.sum(axis=1, keepdims=True)
    scores = refined @ query
    first = np.argsort(-scores.astype(np.float32), kind="stable")[: config.neighbours + 1]
    return np.asarray((scores + refined @ refined[first].max(axis=0)) / 2, np.float64)

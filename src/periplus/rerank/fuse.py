"""One score from two: global similarity and local evidence.

The fused score is v * s(global) + (1 - v) * s'(local), where s and s' are stated scales of one query's candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank.order import reordered

Scores = NDArray[np.float64]
Scale = Callable[[Scores], Scores]


def as_is(scores: Scores) -> Scores:
    """No scale: for cosines of both kinds."""
    return scores


def by_largest(scores: Scores) -> Scores:
    """Over the largest, what is negative to 0: [0, 1]; for scores whose 0 means nothing in common."""
    largest = float(np.max(scores, initial=0.0))
    return np.maximum(scores, 0) / largest if largest > 0 else np.zeros_like(scores)


def by_range(scores: Scores) -> Scores:
    """From the smallest to the largest: [0, 1]; all 0 where they are equal."""
    low, high = float(np.min(scores, initial=np.inf)), float(np.max(scores, initial=-np.inf))
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def capped(cap: float) -> Scale:
    """Over a cap, no more than 1; for inliers, of which so many are enough."""
    return lambda scores: np.minimum(scores, cap) / cap


@dataclass(frozen=True)
class Fusion:
    """global_weight * global_scale(global) + local_weight * local_scale(local).

    Attributes:
        global_weight, local_weight: finite, not negative.
        global_scale, local_scale: of one query's candidates.
    """

    global_weight: float
    local_weight: float
    global_scale: Scale = as_is
    local_scale: Scale = as_is

    def __post_init__(self) -> None:
        """Check bounds."""
        if not (0 <= self.global_weight < np.inf and 0 <= self.local_weight < np.inf):
            raise UsageError(f"Weights {self.global_weight} and {self.local_weight} of scores must not be negative.")

    def __call__(self, global_scores: NDArray[np.float32], local_scores: NDArray[np.float32]) -> Scores:
        """The fused scores, float64 (m,), of one query's candidates."""
        globally = self.global_scale(global_scores.astype(np.float64))
        return self.global_weight * globally + self.local_weight * self.local_scale(local_scores.astype(np.float64))


def weighted(weight: float, global_scale: Scale = as_is, local_scale: Scale = as_is) -> Fusion:
    """The fusion v * global + (1 - v) * local.

    Args:
        weight: v in [0, 1]; 1 keeps the global ranking.
        global_scale: of the global scores.
        local_scale: of the local scores.

    Raises:
        UsageError: the weight is out of range.
    """
    if not 0 <= weight <= 1:
        raise UsageError(f"The weight v of a fusion lies in [0, 1]; got {weight}.")
    return Fusion(weight, 1 - weight, global_scale, local_scale)


def fuse(
    global_scores: NDArray[np.float32], local_scores: NDArray[np.float32], weight: float, cap: float = 30.0
) -> NDArray[np.float32]:
    """The score weight * global + (1 - weight) * min(local, cap) / cap, float32 (k,).

    Args:
        global_scores: (k,), scaled by their largest here, what is negative to 0, so that both parts lie in [0, 1].
        local_scores: (k,), distinct inliers.
        weight: v in [0, 1]; 1 keeps the global ranking.
        cap: so many inliers are enough.
    """
    return weighted(weight, by_largest, capped(cap))(global_scores, local_scores).astype(np.float32)


def fuse_ranking(ranking: Ranking, local_scores: NDArray[np.float32], fusion: Fusion) -> Ranking:
    """The ranking with the first m candidates of each query by their fused scores.

    Args:
        ranking: (q, k), with global scores.
        local_scores: (q, m), m <= k, of ``ranking.rows[:, :m]``; unread beside the fill.
        fusion: how; its scales see the m candidates of one query.

    Raises:
        UsageError: shapes do not fit, or a score is not finite.
    """
    fused = np.zeros(local_scores.shape)
    for query, local in enumerate(local_scores[: len(ranking)]):
        globally = ranking.of(query)[1][: len(local)]
        fused[query, : len(globally)] = fusion(globally, local[: len(globally)])
    return reordered(ranking, fused)

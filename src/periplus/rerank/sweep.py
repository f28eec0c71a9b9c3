"""The weight of a fusion, chosen on one split to be reported on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from periplus.errors import UsageError

GRID = tuple(step / 20 for step in range(21))
"""0, 0.05 ... 1."""


@dataclass(frozen=True)
class Sweep:
    """What each weight is worth on the split it is chosen on.

    Attributes:
        weights: v, as they were tried.
        scores: the metric at each, larger is better.
        best: the weight of the largest score; of several the largest weight, which trusts local evidence least.
    """

    weights: tuple[float, ...]
    scores: tuple[float, ...]
    best: float


def sweep(weights: Sequence[float], score_of: Callable[[float], float]) -> Sweep:
    """Try every weight on the public split; report the private one at ``best`` alone.

    Args:
        weights: each in [0, 1]; :data:`GRID` as a rule.
        score_of: the metric of the public split at a weight.

    Raises:
        UsageError: there is no weight, one is out of range, or its score is NaN.
    """
    tried = tuple(float(weight) for weight in weights)
    if not tried or not all(0 <= weight <= 1 for weight in tried):
        raise UsageError(f"A sweep needs weights in [0, 1]; got {list(tried)}.")
    scores = tuple(float(score_of(weight)) for weight in tried)
    for weight, score in zip(tried, scores, strict=True):
        if score != score:
            raise UsageError(f"The metric at weight {weight} is NaN; are there queries with positives in this split?")
    _, best = max(zip(scores, tried, strict=True))
    return Sweep(tried, scores, best)

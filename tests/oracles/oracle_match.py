"""Tentative matches by the definition, a pair of points at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.rerank import MatchConfig

Pair = tuple[int, int]


def distances(x: NDArray[np.float32], candidate: NDArray[np.float32]) -> list[np.float32]:
    """Distance of one descriptor from each of a candidate's; the same point counts as 1e-4.5 apart."""
    return [np.sqrt(np.maximum(((x - y) ** 2).sum(dtype=np.float32), np.float32(1e-9))) for y in candidate]


def tentative(
    query: NDArray[np.float32], candidates: Sequence[NDArray[np.float32]], config: MatchConfig, *, within: bool
) -> list[list[Pair]]:
    """Pairs of each candidate, most telling first.

    ``within``: compare with the second nearest point of the same candidate; else with the query point's
    ``background_rank``-th (from 0) smallest of its nearest distances in all candidates.
    """
    nearest = [[min(distances(x, c)) for x in query] for c in candidates]
    answer = []
    for at, candidate in enumerate(candidates):
        telling: list[tuple[float, int, int]] = []
        for i, x in enumerate(query):
            away = distances(x, candidate)
            j = away.index(min(away))
            if within:
                background = min(away[:j] + away[j + 1 :], default=np.float32(np.inf))
                ratio = config.second_ratio
            else:
                background = sorted(row[i] for row in nearest)[config.background_rank]
                ratio = config.background_ratio
            if away[j] / background < ratio:
                telling.append((float(nearest[at][i] / background), i, j))
        pairs: list[Pair] = []
        for _, i, j in sorted(telling):
            if all(j != other for _, other in pairs):
                pairs.append((i, j))
        answer.append(pairs[: config.max_matches])
    return answer

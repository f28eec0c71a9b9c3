"""From scores of every gallery row to a ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.records import Ranking


def rank(scores: NDArray[np.float32], k: int, exclude: NDArray[np.int64] | None = None) -> Ranking:
    """The k best rows of one query by scores (n,), without the excluded rows; ties go to the smaller row."""
    usable = scores.astype(np.float32, copy=True)
    if exclude is not None:
        usable[exclude] = -np.inf
    best = np.argpartition(-usable, min(k, len(usable)) - 1)[:k] if len(usable) else np.zeros(0, np.int64)
    if len(best):
        # Everything that ties with the last one competes for its place by row number.
        best = np.flatnonzero(usable >= usable[best].min())
    best = best[np.lexsort((best, -usable[best]))][:k]
    best = best[np.isfinite(usable[best])]
    rows = np.full((1, k), -1, np.int64)
    values = np.full((1, k), -np.inf, np.float32)
    rows[0, : len(best)], values[0, : len(best)] = best, usable[best]
    return Ranking(rows, values)

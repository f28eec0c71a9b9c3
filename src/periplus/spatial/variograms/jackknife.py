"""Standard errors from leaving out one compact block of places after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.jackknife import jackknife_error
from periplus.spatial.variograms.variogram import BlockSums

Values = NDArray[np.float64]
Estimate = Callable[[Values, Values], Values]
"""Semivariances (..., m) from sums and counts (..., m)."""


def touching(sums: BlockSums) -> tuple[Values, Values]:
    """Sums and counts (b, m) of the pairs that have a place in each block."""
    apart = sums.first != sums.second
    found = []
    for of in (sums.total, sums.count.astype(np.float64)):
        part = np.zeros((sums.n_blocks, of.shape[1]))
        np.add.at(part, sums.first, of)
        np.add.at(part, sums.second[apart], of[apart])
        found.append(part)
    return found[0], found[1]


def block_jackknife(sums: BlockSums, estimate: Estimate) -> Values:
    """Standard errors (m,) of semivariances by the delete-one-block jackknife.

    Of b blocks one after the other is left out with all pairs that touch it; the variance is (b - 1)/b times the sum
    of squared differences from their mean (Künsch 1989, The jackknife and the bootstrap for general stationary
    observations, for blocks; Arvesen 1969 for statistics of pairs). NaN where a lag has pairs in fewer than two
    blocks, or none without one of them.
    """
    total, count = touching(sums)
    rest = sums.count.sum(axis=0) - count
    left_out = estimate(sums.total.sum(axis=0) - total, rest)
    return spread(left_out, rest > 0, count > 0)


def spread(left_out: Values, has_rest: NDArray[np.bool_], touches: NDArray[np.bool_]) -> Values:
    """Jackknife standard errors (m,) from the estimates without each block (b, m)."""
    told = has_rest.all(axis=0) & (touches.sum(axis=0) >= 2)
    return np.where(told, jackknife_error(np.where(told, left_out, 0.0)), np.nan)

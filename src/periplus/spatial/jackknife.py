"""The standard error from leaving out one part of the data after the other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def jackknife_error(replicates: ArrayLike) -> NDArray[np.float64]:
    """Standard error from replicates with one block left out each, (B, ...) to (...).

    √((B - 1) / B Σ (θ₍b₎ - mean)²) (Efron, Tibshirani, An Introduction to the Bootstrap, 1993, equation 11.5). NaN
    where there are fewer than two blocks or a replicate is missing.
    """
    left_out = np.asarray(replicates, np.float64)
    if len(left_out) < 2:
        return np.full(left_out.shape[1:], math.nan)
    b = len(left_out)
    return np.asarray(np.sqrt((b - 1) / b * ((left_out - left_out.mean(0)) ** 2).sum(0)))

"""Semivariances of a sample of pairs, and how far they are from those of all pairs."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.variograms.dowd import DOWD_FACTOR
from periplus.spatial.variograms.estimators import cressie

Values = NDArray[np.float64]
_Z: Final = 1.959964
_FEWEST: Final = 6
"""With fewer numbers the least and the greatest hold the median with less than 95 % confidence."""


def sample_semivariance(half: Values, in_all: float, estimator: str) -> tuple[float, float]:
    """The semivariance of pairs drawn independently from the pairs of a lag, and its standard error.

    The error is that of the draw alone, against the same estimator of all pairs of the same places. How far that one is
    from the semivariance of the field is another question, which pairs that share places do not answer.

    - ``matheron``: the standard deviation over the root of the number.
    - ``cressie``: γ goes with the fourth power of the mean m of root differences, so its error is 4 γ / m times that of
      m (delta method); the correction for few pairs is that of all pairs.
    - ``dowd``: order statistics about the median hold it with 95 % confidence whatever the distribution (Conover,
      Practical Nonparametric Statistics, 1999, § 3.2); the error is their distance, in γ, over 2 x 1.96.

    Args:
        half: (p,), half squared differences, in any order.
        in_all: pairs that the lag has, drawn or not.
        estimator: one of :data:`~periplus.spatial.variograms.variogram.ESTIMATORS`.

    Returns:
        NaN for what cannot be told: both without pairs, the error with one (``dowd``: with fewer than six).
    """
    if not len(half):
        return math.nan, math.nan
    if estimator == "dowd":
        return _dowd(np.sort(np.sqrt(2 * half)))
    if estimator == "matheron":
        return float(half.mean()), _error_of_mean(half)
    roots = (2 * half) ** 0.25
    mean, n = float(roots.mean()), np.array([max(in_all, 1.0)])
    gamma = float(cressie(mean * n, n)[0])
    return gamma, 4 * gamma / mean * _error_of_mean(roots) if mean > 0 else _error_of_mean(roots)


def _error_of_mean(numbers: Values) -> float:
    return float(numbers.std(ddof=1) / math.sqrt(len(numbers))) if len(numbers) > 1 else math.nan


def _dowd(ordered: Values) -> tuple[float, float]:
    n = len(ordered)
    gamma = DOWD_FACTOR * float(np.median(ordered)) ** 2
    if n < _FEWEST:
        return gamma, math.nan
    reach = _Z * math.sqrt(n) / 2
    low = ordered[max(0, math.floor(n / 2 - reach))]
    high = ordered[min(n - 1, math.ceil(n / 2 + reach) - 1)]
    return gamma, DOWD_FACTOR * float(high**2 - low**2) / (2 * _Z)

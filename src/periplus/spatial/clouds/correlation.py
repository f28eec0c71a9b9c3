"""Correlations over pairs of places, from sums and from counts in classes, with jackknife intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from periplus.spatial.jackknife import jackknife_error

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
_CONSTANT: Final = 1e-6
"""What varies less than this share of its size is constant: float32 products of equal vectors differ as much."""


@dataclass(frozen=True)
class Correlation:
    """A correlation with its 95 % interval.

    Whole regions are left out one by one, so the interval tells how much hangs on any of them. It is wide for places
    drawn anew from one world (it held all of 60 draws, 95 % of them would do) and does not tell of another world.

    Attributes:
        value: the estimate; NaN where there is none.
        low, high: ends of the interval; NaN where it cannot be told.
        reason: why a number is missing; empty otherwise.
    """

    value: float
    low: float
    high: float
    reason: str = ""


def pearson_of_sums(sums: ArrayLike) -> Values:
    """Pearson's r from sums, (..., 6) in the order n, Σx, Σy, Σx², Σy², Σxy to (...); NaN where one is constant."""
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, xx, yy, xy = x / n, y / n, xx / n, yy / n, xy / n
        spread_x, spread_y = xx - x * x, yy - y * y
        r = (xy - x * y) / np.sqrt(spread_x * spread_y)
    varies = (n > 1) & (spread_x > _CONSTANT**2 * xx) & (spread_y > _CONSTANT**2 * yy)
    return np.where(varies, np.clip(r, -1, 1), math.nan)


def why_missing(n: float, x_varies: bool, y_varies: bool, x: str, y: str) -> str:
    """Why there is no correlation of x and y; empty where there is one."""
    if n < 2:
        return "fewer than two pairs"
    same = " and ".join(name for name, varies in ((x, x_varies), (y, y_varies)) if not varies)
    return f"{same} do not vary" if same else ""


def varies(n: float, x: float, xx: float) -> bool:
    """Whether numbers with these sums (n, Σx, Σx²) differ by more than rounding."""
    return n > 1 and xx / n - (x / n) ** 2 > _CONSTANT**2 * xx / n


def spearman_of_counts(counts: Counts) -> float:
    """Spearman's rho of a table of counts, (L, S), from the midranks of its classes; NaN where one side has one class.

    Exact for what is equal within a class (Kendall, Rank Correlation Methods, 1970, chapter 3, has the ties). Numbers
    that were classed give a rho nearer 0, at most by about half the sum of the cubes of the classes' shares: 0.0005 of
    -0.55 was measured with 200 x 512 classes and places all over the Earth.
    """
    rows, columns = counts.sum(1), counts.sum(0)
    a, b = _centred_midranks(rows), _centred_midranks(columns)
    spread = float(rows @ a**2) * float(columns @ b**2)
    return float(np.clip(a @ counts @ b / math.sqrt(spread), -1, 1)) if spread > 0 else math.nan


def _centred_midranks(counts: Counts) -> Values:
    """Midranks of classes in units of the number of pairs, their mean 0."""
    n = max(1, int(counts.sum()))
    return np.asarray((np.cumsum(counts) - counts / 2) / n - 0.5)


def with_interval(value: float, replicates: ArrayLike, reason: str) -> Correlation:
    """A correlation from its value and its replicates with one block left out each.

    The error is that of Fisher's z = artanh r, which keeps the ends within [-1, 1]; the factor is Student's, of B - 1
    degrees of freedom.

    Args:
        value: of all pairs.
        replicates: (B,).
        reason: what to say where there is no value.
    """
    if math.isnan(value):
        return Correlation(math.nan, math.nan, math.nan, reason)
    left_out = np.asarray(replicates, np.float64)
    error = float(jackknife_error(_fisher(left_out)))
    if math.isnan(error):
        return Correlation(value, math.nan, math.nan, "no interval: too few blocks of places have pairs that vary")
    z, reach = float(_fisher(np.float64(value))), error * float(stdtrit(len(left_out) - 1, 0.975))
    return Correlation(value, math.tanh(z - reach), math.tanh(z + reach))


def leave_out(total: NDArray[np.number], touched: NDArray[np.number], statistic: Callable[..., float]) -> Values:
    """A statistic of ``total`` less what each block touches, (B,)."""
    return np.array([statistic(total - part) for part in touched], np.float64)


def _fisher(r: ArrayLike) -> Values:
    # A perfect correlation has no finite z.
    return np.asarray(np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)))

"""Whether similarity falls with distance: the mean curve, where it rises, how often the farther is the more alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.clouds.correlation import Counts, Values
from periplus.spatial.jackknife import jackknife_error


@dataclass(frozen=True, eq=False)
class MeanCurve:
    """Mean similarity over lags.

    Attributes:
        edges_km: (m + 1,), lag k holds the pairs in [edges k, edges k + 1); the first also those that are nearer.
        mean: (m,), exact; NaN where there are no pairs.
        standard_error: (m,), delete-one-block jackknife; NaN where it cannot be told.
        count: int64 (m,), pairs.
    """

    edges_km: Values
    mean: Values
    standard_error: Values
    count: Counts

    @property
    def middle_km(self) -> Values:
        """(m,), geometric middles of the lags."""
        return np.asarray(np.sqrt(self.edges_km[:-1] * self.edges_km[1:]))

    def at(self, distance_km: float) -> float:
        """The mean of the lag that a distance falls into."""
        inner = self.edges_km[1:-1]
        return float(self.mean[np.searchsorted(inner, distance_km, side="right")])


@dataclass(frozen=True)
class Rise:
    """A step up of the mean curve, from a lag to the next that has pairs.

    Attributes:
        from_km, to_km: geometric middles of the two lags.
        by: how much the mean similarity rises.
        standard_error: of ``by``, delete-one-block jackknife of the step itself; NaN where it cannot be told.
    """

    from_km: float
    to_km: float
    by: float
    standard_error: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether it exceeds two standard errors."""
        return self.by > 2 * self.standard_error


@dataclass(frozen=True)
class Monotonicity:
    """How nearly similarity falls with distance.

    Attributes:
        rises: steps up of the mean curve, nearest first.
        n_steps: how many steps there are, up or down.
        discordance: probability that of two random pairs the farther one is the more alike, ties counted half: 0 for a
            strictly falling function of distance, 1/2 for none; NaN where there are fewer than two pairs.
    """

    rises: tuple[Rise, ...]
    n_steps: int
    discordance: float

    @property
    def falling_share(self) -> float:
        """Share of the steps of the mean curve that do not rise; NaN where there is none."""
        return 1 - len(self.rises) / self.n_steps if self.n_steps else math.nan


def curve_and_rises(
    edges_km: Values, count: NDArray[np.int64], total: Values, touched_count: Counts, touched: Values
) -> tuple[MeanCurve, tuple[Rise, ...], int]:
    """The mean curve, its steps up and the number of its steps.

    Args:
        edges_km: (m + 1,).
        count: (m,), pairs.
        total: (m,), sums of similarity.
        touched_count: (B, m), pairs that each block takes part in.
        touched: (B, m), their sums of similarity.
    """
    with np.errstate(invalid="ignore"):
        mean = total / np.where(count, count, math.nan)
        rest = count - touched_count
        left_out = (total - touched) / np.where(rest > 0, rest, math.nan)
    curve = MeanCurve(edges_km, mean, jackknife_error(left_out), count)
    held = np.flatnonzero(count)
    steps, errors = np.diff(mean[held]), jackknife_error(np.diff(left_out[:, held], axis=1))
    middle = curve.middle_km[held]
    rises = tuple(
        Rise(float(middle[k]), float(middle[k + 1]), float(steps[k]), float(errors[k]))
        for k in np.flatnonzero(steps > 0)
    )
    return curve, rises, len(steps)


def discordance(counts: Counts) -> float:
    """Probability that of two random pairs the farther one is the more alike, ties (one class) half.

    Args:
        counts: (L, S), classes of distance by classes of similarity, both rising.

    Equal to (1 + Kendall's tau-a) / 2 of the classed numbers (Kendall, Biometrika 30, 1938).
    """
    table = counts.astype(np.float64)
    n = table.sum()
    if n < 2:
        return math.nan
    nearer = np.cumsum(table, axis=0) - table
    less = np.cumsum(nearer, axis=1) - nearer
    more = nearer.sum(1, keepdims=True) - less - nearer
    return float(0.5 + (np.sum(table * less) - np.sum(table * more)) / (n * (n - 1)))

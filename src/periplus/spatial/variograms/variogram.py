"""The record of an empirical semivariogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
Estimator = Literal["matheron", "cressie", "dowd"]
ESTIMATORS: Final[dict[str, str]] = {
    "matheron": "half the mean squared difference (Matheron 1963)",
    "cressie": "robust: the fourth power of the mean root difference (Cressie and Hawkins 1980)",
    "dowd": "most robust: 1.099 times the squared median difference (Dowd 1984)",
}


@dataclass(frozen=True, eq=False)
class BlockSums:
    """What every pair of compact blocks of places adds to each lag: enough to estimate again without some of them.

    Attributes:
        n_blocks: how many blocks.
        first, second: int64 (p,), the two blocks of each entry, first <= second.
        count: int64 (p, m), pairs of places in each lag.
        total: float64 (p, m), sum of what the estimator averages: half the squared difference for ``matheron``
            (or half the product of differences of two variables), its root's root for ``cressie``.
    """

    n_blocks: int
    first: Counts
    second: Counts
    count: Counts
    total: Values


@dataclass(frozen=True, eq=False)
class Variogram:
    """An empirical semivariogram over great-circle distance.

    Attributes:
        estimator: one of :data:`ESTIMATORS`.
        edges_km: (m + 1,), lag k holds the pairs in [edges k, edges k + 1).
        distance_km: (m,), mean distance of the pairs of a lag; NaN where there are none.
        gamma: (m,), the semivariance; of vectors half the (mean) squared Euclidean distance, which for unit vectors is
            1 - cosine; NaN where there are no pairs.
        count: int64 (m,), pairs that the estimate rests on.
        standard_error: (m,), of ``gamma`` as an estimate of the field's own: delete-one-block jackknife over compact
            blocks of places, which pairs of one block share; NaN where it cannot be told.
        sampling_error: (m,), standard error against the estimate from all pairs; 0 where all were taken.
        n: places; dim: numbers a value, 1 for a scalar.
        n_pairs: float64 (m,), how many pairs there are in all, or an estimate of it; ``count`` where all were taken.
        sector_deg: axis directions [from, to) in degrees clockwise from north, of 180; None for all.
        label: what it is of: a group, a column, an encoder.
        blocks: for the bootstrap; None where the estimator has no sums or the pairs are a sample.
    """

    estimator: str
    edges_km: Values
    distance_km: Values
    gamma: Values
    count: Counts
    standard_error: Values
    sampling_error: Values
    n: int
    dim: int
    n_pairs: Values
    sector_deg: tuple[float, float] | None = None
    label: str = ""
    blocks: BlockSums | None = None

    @property
    def has_pairs(self) -> NDArray[np.bool_]:
        """Bool (m,): which lags have pairs."""
        return self.count > 0

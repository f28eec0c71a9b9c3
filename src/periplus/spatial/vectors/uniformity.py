"""How evenly unit vectors fill their sphere, and how near to each other those that belong together are.

Wang, Isola: Understanding contrastive representation learning through alignment and uniformity on the hypersphere
(ICML 2020), eq. 1 and 2 with α = 2 and t = 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import hyp0f1

from periplus.spatial.vectors.unit_blocks import Rows, Tick, Values, Vectors, on_threads, row_blocks, unit_rows

Tile = tuple[slice, slice]
_SIDE: Final = 2048
_FAR: Final = 4.0
"""t |x - y|² = 4 - 4 cosine."""


@dataclass(frozen=True, eq=False)
class PairSums:
    """What all pairs of m vectors tell.

    Attributes:
        uniformity: log of the mean of exp(-2 |x - y|²) over pairs x, y; at most 0, where all vectors are one.
        error: standard error against the value of all n vectors that the m were drawn from; 0 where m = n.
        counts: int64 (bins,), pairs by cosine in equal classes of [-1, 1].
    """

    uniformity: float
    error: float
    counts: Rows


def pair_tiles(m: int) -> list[Tile]:
    """Tiles on and above the diagonal of m x m."""
    sides = [slice(start, min(m, start + _SIDE)) for start in range(0, m, _SIDE)]
    return [(rows, columns) for i, rows in enumerate(sides) for columns in sides[i:]]


def pair_sums(unit: NDArray[np.float32], bins: int, population: int, workers: int, tick: Tick) -> PairSums:
    """Look at all pairs of unit rows (m, d), m >= 2, tile by tile."""
    m = len(unit)
    row_sums, counts = np.zeros(m), np.zeros(bins, np.int64)
    tiles = pair_tiles(m)
    for (rows, columns), (along, across, found) in zip(
        tiles, on_threads(partial(_tile, unit, bins), tiles, workers, tick), strict=True
    ):
        row_sums[rows] += along
        row_sums[columns] += across
        counts += found
    total = float(row_sums.sum()) / 2
    mean = total / (m * (m - 1) / 2)
    return PairSums(min(0.0, float(np.log(mean))), _error(row_sums, population) / mean, counts)


def _tile(unit: NDArray[np.float32], bins: int, tile: Tile) -> tuple[Values, Values, Rows]:
    """Sums of exp(4 cosine - 4) along rows and along columns, each pair once, and counts by cosine."""
    rows, columns = tile
    cosines = unit[rows] @ unit[columns].T
    kernel = np.exp(_FAR * (np.minimum(cosines, 1) - 1))
    if rows == columns:
        above = np.triu(np.ones(cosines.shape, np.bool_), 1)
        kernel[~above] = 0
        cosines = cosines[above]
    place = np.clip((cosines + 1) * (bins / 2), 0, bins - 1).astype(np.intp)
    counts = np.bincount(place.ravel(), minlength=bins)
    return kernel.sum(axis=1, dtype=np.float64), kernel.sum(axis=0, dtype=np.float64), counts


def _error(row_sums: Values, population: int) -> float:
    """Standard error of the mean over pairs: delete-one jackknife over vectors, for a sample without replacement.

    Without vector i the mean is (total - its sum) over the pairs that are left (Efron, Stein: The jackknife estimate of
    variance, Annals of Statistics 1981); the share that was not drawn scales the variance.
    """
    m = len(row_sums)
    if m >= population:
        return 0.0
    if m < 3:
        return float("nan")
    without = (row_sums.sum() / 2 - row_sums) / ((m - 1) * (m - 2) / 2)
    return float(np.sqrt((1 - m / population) * (m - 1) * np.var(without)))


def uniformity_of_uniform(dim: int) -> float:
    """What vectors spread evenly over the sphere in ``dim`` dimensions have: -4 + log 0F1(; dim / 2; 4).

    The mean of exp(κ cosine) is 0F1(; dim / 2; κ² / 4) (Mardia, Jupp: Directional Statistics, 2000, 9.3.4), κ = 4.
    """
    return float(-_FAR + np.log(hyp0f1(dim / 2, _FAR)))


def alignment(vectors: Vectors, positives: Rows) -> tuple[float | None, int]:
    """Mean |x - y|² over the pairs of rows (p, 2) that have vectors, and their number; None over none."""
    total, n = 0.0, 0
    for block in row_blocks(len(positives), vectors.shape[1]):
        x, has_x = unit_rows(vectors, positives[block, 0])
        y, has_y = unit_rows(vectors, positives[block, 1])
        used = has_x & has_y
        difference = (x - y)[used]
        total += float(np.einsum("ij,ij->", difference, difference))
        n += int(np.count_nonzero(used))
    return (total / n if n else None), n

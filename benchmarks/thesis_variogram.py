"""The thesis's way to a semivariogram of embeddings, for comparison: dense matrices, and a mask a lag.

Cosine and great-circle distances of all pairs stand in two N x N matrices; for each lag of 0.001 rad, of which there
are 3,142, the whole distance matrix is compared with the lag's two edges, and what the mask leaves of the other matrix
is averaged. Both triangles are kept, as there. Kinder than the original: float32 halves what every mask reads, the
matrices are made by fast products, and only some of the lags are run in full unless all are wanted; the rest is
scaled, the matrices not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import peak_mb
from periplus.geo import EARTH_RADIUS_KM, to_unit

LAG_RAD = 0.001
N_LAGS = 3142
_ROWS = 500
Values = NDArray[np.float64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Found:
    """What the thesis's way found and took.

    Attributes:
        lags: numbers of the lags that were run, (k,).
        gamma: mean cosine distance of each, NaN without pairs.
        pairs: of each, counted once.
        matrices_s: seconds for the two matrices.
        lags_s: seconds for the lags that were run; scaled_s: both, the lags scaled to all of them.
        peak_mb: resident memory of the process.
    """

    lags: NDArray[np.int64]
    gamma: Values
    pairs: Values
    matrices_s: float
    lags_s: float
    peak_mb: float

    @property
    def scaled_s(self) -> float:
        """Seconds for the matrices and all lags."""
        return float(self.matrices_s + self.lags_s * N_LAGS / len(self.lags))


def edges_km() -> Values:
    """The thesis's lags in km; the last ends at the antipodes."""
    return np.asarray(np.minimum(np.arange(N_LAGS + 1) * LAG_RAD, np.pi) * EARTH_RADIUS_KM)


def spread_lags(number: int) -> NDArray[np.int64]:
    """Some of the lags, evenly over all of them: their cost depends on how many pairs a mask holds."""
    return np.asarray((np.arange(number) + 0.5) * N_LAGS / number, np.int64)


def thesis_variogram(lat_deg: Values, lon_deg: Values, vectors: Matrix, lags: Iterable[int]) -> Found:
    """The mean cosine distance of some lags."""
    chosen = np.fromiter(lags, np.int64)
    begun = time.perf_counter()
    unlike, apart = cosine_distances(vectors), great_circles_rad(to_unit(lat_deg, lon_deg))
    built = time.perf_counter()
    found = [masked_mean(unlike, apart, int(lag)) for lag in chosen]
    done = time.perf_counter()
    gamma, pairs = np.array(found, np.float64).reshape(-1, 2).T
    return Found(chosen, gamma, pairs / 2, built - begun, done - built, peak_mb())


def cosine_distances(vectors: Matrix) -> Matrix:
    """1 - cosine of all pairs, (n, n)."""
    unlike = vectors @ vectors.T
    np.subtract(1, unlike, out=unlike)
    return np.asarray(unlike)


def great_circles_rad(xyz: Values) -> Matrix:
    """Angles of all pairs of unit vectors, (n, n); the diagonal below every lag."""
    apart = np.empty((len(xyz), len(xyz)), np.float32)
    for start in range(0, len(xyz), _ROWS):
        part = xyz[start : start + _ROWS]
        chord = np.sqrt(np.maximum(2 - 2 * (part @ xyz.T), 0))
        apart[start : start + _ROWS] = 2 * np.arcsin(np.minimum(chord / 2, 1))
    np.fill_diagonal(apart, -1)
    return apart


def masked_mean(unlike: Matrix, apart: Matrix, lag: int) -> tuple[float, int]:
    """The mean of one matrix where the other lies in a lag, and how many entries that are."""
    mask = (apart >= lag * LAG_RAD) & (apart < (lag + 1) * LAG_RAD)
    chosen = unlike[mask]
    return (float(chosen.mean(dtype=np.float64)) if len(chosen) else np.nan), len(chosen)

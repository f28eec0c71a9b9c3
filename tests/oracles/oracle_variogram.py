"""The slow twin of the exact semivariogram: all pairs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi

from periplus.geo import bearing_deg, destination, distance_km
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import HALF_GIRTH_KM

Array = NDArray[np.float64]


def pair_differences(values: NDArray[np.floating], other: NDArray[np.floating] | None = None) -> Array:
    """Half squared differences (or half products of differences) of all pairs, (n, n)."""
    wide = np.asarray(values, np.float64).reshape(len(values), -1)
    more = wide if other is None else np.asarray(other, np.float64).reshape(len(values), -1)
    found = np.zeros((len(wide), len(wide)))
    for one, two in zip(wide.T, more.T, strict=True):
        found += 0.5 * (one[:, None] - one) * (two[:, None] - two)
    return found


def axis_deg(lat_deg: Array, lon_deg: Array) -> Array:
    """Direction of every pair's great circle at its midpoint, [0, 180), (n, n): go there and look."""
    lat, lon = lat_deg[:, None], lon_deg[:, None]
    half = 0.5 * distance_km(lat, lon, lat_deg, lon_deg)
    middle = destination(lat, lon, bearing_deg(lat, lon, lat_deg, lon_deg), half)
    return np.asarray(bearing_deg(*middle, lat_deg, lon_deg) % 180)


def slow_variograms(
    observations: Observations, edges_km: Array, estimator: str = "matheron", sectors: int = 1
) -> list[tuple[Array, Array, Array]]:
    """Count, mean distance and semivariance of each lag, a tuple a sector."""
    lat, lon = observations.lat_deg, observations.lon_deg
    first, second = np.triu_indices(len(lat), 1)
    apart = distance_km(lat[:, None], lon[:, None], lat, lon)[first, second]
    half = pair_differences(observations.values, observations.other)[first, second]
    edges = edges_km.copy()
    edges[-1] = np.inf if edges[-1] >= HALF_GIRTH_KM else edges[-1]
    lag = np.digitize(apart, edges) - 1
    axis = axis_deg(lat, lon)[first, second] if sectors > 1 else np.zeros(len(first))
    sector = np.floor(((axis + 90 / sectors) % 180) / (180 / sectors)).astype(int)
    found = []
    for s in range(sectors):
        rows = []
        for k in range(len(edges_km) - 1):
            here = (lag == k) & (sector == s)
            rows.append(
                (
                    here.sum(),
                    apart[here].mean() if here.any() else np.nan,
                    _gamma(half[here], estimator, observations.dim),
                )
            )
        count, distance, gamma = np.array(rows, np.float64).T
        found.append((count, distance, gamma))
    return found


def _gamma(half: Array, estimator: str, dim: int) -> float:
    n = len(half)
    if not n:
        return float("nan")
    if estimator == "matheron":
        return float(half.mean())
    size = np.sqrt(2 * np.maximum(half, 0))
    if estimator == "cressie":
        # The printed constants are of one number: of vectors |Δ| has the χ distribution.
        spread = chi(dim).expect(np.sqrt) ** 4 / dim / chi(1).expect(np.sqrt) ** 4
        return float(0.5 * np.mean(np.sqrt(size)) ** 4 / (0.457 + 0.494 / n + 0.045 / n**2) / spread)
    spread = chi(dim).median() ** 2 / dim / chi(1).median() ** 2
    return float(0.5 * 2.198 * np.median(size) ** 2 / spread)


def slow_jackknife(observations: Observations, edges_km: Array, estimator: str, block_of: NDArray[np.int64]) -> Array:
    """Delete-one-block standard errors, by estimating anew without each block."""
    b = int(block_of.max()) + 1
    left_out = np.array(
        [slow_variograms(observations.rows(np.flatnonzero(block_of != k)), edges_km, estimator)[0][2] for k in range(b)]
    )
    return np.asarray(np.sqrt((b - 1) / b * np.square(left_out - left_out.mean(axis=0)).sum(axis=0)))

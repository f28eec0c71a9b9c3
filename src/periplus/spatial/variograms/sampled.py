"""Empirical semivariograms of millions of places, from a sample of pairs that fills every lag."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import to_unit
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import Lags
from periplus.spatial.variograms.directions import sector_ends_deg
from periplus.spatial.variograms.estimators import require_estimator, vector_factor
from periplus.spatial.variograms.pair_draws import LagPairs, PairDraws
from periplus.spatial.variograms.pair_values import pair_differences
from periplus.spatial.variograms.sampling_error import sample_semivariance
from periplus.spatial.variograms.variogram import Estimator, Variogram

Values = NDArray[np.float64]
_MOST_PAIRS: Final = 1 << 26
"""Pairs held at once: 2 GB of rows, distances and differences."""


def sampled_variograms(
    observations: Observations,
    lags: Lags,
    estimator: Estimator = "matheron",
    sectors: int = 1,
    pairs_per_lag: int = 20_000,
    seed: int = 0,
) -> tuple[Variogram, ...]:
    """The empirical semivariogram from pairs drawn lag by lag, one a sector of direction.

    Each lag has ``pairs_per_lag`` of its pairs, drawn independently and uniformly, short lags as well as long ones
    (:class:`~periplus.spatial.variograms.pair_draws.PairDraws`); or all of them where candidates are few, and then
    estimate and ``n_pairs`` are exact and ``sampling_error`` is 0. A lag whose pairs are too rare among its candidates
    has fewer, and its ``count`` says so; without any its error is NaN, unlike that of a lag known to have none. Sectors
    share the pairs of a lag.

    ``sampling_error`` is the standard error against the estimate from all pairs
    (:func:`~periplus.spatial.variograms.sampling_error.sample_semivariance`), not against the field:
    ``standard_error`` is NaN.
    A million places with 40 lags take about five seconds of one core and, beyond the input, some 125 MB.

    Args:
        observations: values at places; with a second variable the cross-variogram (``matheron`` alone).
        lags: classes of distance.
        estimator: ``matheron``, ``cressie`` or ``dowd``; of vectors differences are Euclidean distances.
        sectors: of direction, the first centred on north; 1 does not look at directions.
        pairs_per_lag: how many are drawn.
        seed: of the draws. The same places in another order have another sample.

    Raises:
        UsageError: an unknown estimator, a robust one of two variables, sectors out of range, or numbers of pairs below
            2 or of more than can be held, a negative seed.
    """
    _check(observations, lags, estimator, pairs_per_lag, seed)
    ends = sector_ends_deg(sectors)
    drawn = PairDraws(observations.lat_deg, observations.lon_deg, lags, pairs_per_lag, seed).all_lags()
    first = np.concatenate([pairs.first for pairs in drawn])
    second = np.concatenate([pairs.second for pairs in drawn])
    half = pair_differences(observations, first, second)
    sector = np.zeros(len(first), np.intp) if sectors == 1 else axis_sectors(observations, first, second, sectors)
    upto = np.cumsum([len(pairs.first) for pairs in drawn])[:-1]
    parts = list(zip(drawn, np.split(half, upto), np.split(sector, upto), strict=True))
    factor = vector_factor(estimator, observations.dim)
    found = []
    for s, between in enumerate(ends):
        rows = [_estimate(pairs, y[which == s], which == s, estimator) for pairs, y, which in parts]
        distance, gamma, count, error, in_all = np.array(rows).T
        found.append(
            Variogram(
                estimator=estimator,
                edges_km=lags.edges_km,
                distance_km=distance,
                gamma=gamma * factor,
                count=count.astype(np.int64),
                standard_error=np.full(len(lags), np.nan),
                sampling_error=error * factor,
                n=len(observations),
                dim=observations.dim,
                n_pairs=in_all,
                sector_deg=None if sectors == 1 else between,
            )
        )
    return tuple(found)


def axis_sectors(
    observations: Observations, first: NDArray[np.int64], second: NDArray[np.int64], sectors: int
) -> NDArray[np.intp]:
    """The sector of each pair, intp (p,), as :class:`~periplus.spatial.variograms.directions.Directions` has it."""
    lat, lon = observations.lat_deg, observations.lon_deg
    a, b = to_unit(lat[first], lon[first]), to_unit(lat[second], lon[second])
    step = b - a
    east = a[:, 0] * step[:, 1] - a[:, 1] * step[:, 0]
    # Half the length of a + b is the cosine of half the angle.
    north = np.linalg.norm(a + b, axis=1) / 2 * step[:, 2]
    return np.asarray(np.floor(np.arctan2(east, north) * (sectors / np.pi) + 0.5), np.intp) % sectors


def _check(observations: Observations, lags: Lags, estimator: str, pairs_per_lag: int, seed: int) -> None:
    require_estimator(observations, estimator)
    if pairs_per_lag < 2 or pairs_per_lag * len(lags) > _MOST_PAIRS:
        raise UsageError(
            f"{len(lags)} lags with {pairs_per_lag} pairs each cannot be sampled; choose at least 2 pairs a lag, and "
            f"at most {_MOST_PAIRS:,} in all."
        )
    if seed < 0:
        raise UsageError(f"{seed} is no seed; choose 0 or above.")


def _estimate(pairs: LagPairs, half: Values, use: NDArray[np.bool_], estimator: str) -> tuple[float, ...]:
    """Mean distance, semivariance, number of pairs, sampling error and pairs in all, of those pairs in ``use``."""
    in_all = pairs.in_all * len(half) / max(1, len(use))
    gamma, error = sample_semivariance(half, in_all, estimator)
    distance = float(pairs.distance_km[use].mean()) if len(half) else np.nan
    return distance, gamma, len(half), 0.0 if pairs.census else error, in_all

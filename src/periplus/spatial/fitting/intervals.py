"""How sure the parameters of a fit are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from periplus.errors import UsageError
from periplus.spatial.fitting.fit import Fit, curve_of, used_lags
from periplus.spatial.fitting.least import Curve
from periplus.spatial.fitting.models import FAMILIES, VariogramModel
from periplus.spatial.variograms.estimators import ESTIMATES, vector_factor
from periplus.spatial.variograms.variogram import BlockSums, Variogram

Values = NDArray[np.float64]
INTERVALS_OF: Final = ("nugget", "partial_sill", "sill", "length_scale_km", "effective_range_km", "shape")
FEWEST_BLOCKS: Final = 8
FEWEST_SAMPLES: Final = 40


def with_intervals(variogram: Variogram, fit: Fit, samples: int = 200, seed: int = 0) -> Fit:
    """The fit with 95 % intervals of its parameters by a bootstrap over compact blocks of places.

    Of b blocks b are drawn with replacement. Pairs of places inside block a count as often as a was drawn, w(a), pairs
    between a and c w(a) w(c) times; pairs between two copies of one block, which would be copies of pairs inside it,
    are left out. The semivariances are estimated again from the sums of the pairs of blocks, the model is fitted again
    from its optimum, and the interval is the bias-corrected percentile one (Efron, The jackknife, the bootstrap and
    other resampling plans, 1982, section 10.7).

    How often the intervals hold the truth, measured on 252 made fields of known model (exponential, Gaussian and Matérn
    with ν = 3/2 held; length scale 300 or 400 km; one number or eight a place; 2,000 or 3,000 places spread evenly over
    the Earth; 64 blocks, two to four effective ranges wide; weights ``cressie`` and ``equal``; 100 samples): nugget
    94 %, partial sill 95 %, sill 96 %, length scale 96 %, give or take 1.5 %. With 16 or 128 blocks (60 exponential
    fields) it was alike. Of 2,000 places in 50 clumps (48 fields) it was 94, 92, 92 and 85 %: where there are few
    clumps the range is less sure than its interval says. The family is taken as known: of a wrong one the intervals
    say nothing.

    Args:
        variogram: the one that was fitted, with its block sums.
        fit: from :func:`~periplus.spatial.fitting.fit.fit_model`; what was held stays held.
        samples: of the bootstrap, at least 40.
        seed: of the draws; the same gives the same.

    Raises:
        UsageError: the semivariogram has no block sums or too few blocks, is not the one that was fitted, or
            ``samples`` is too small.
    """
    sums, model = variogram.blocks, fit.model
    if sums is None or sums.n_blocks < FEWEST_BLOCKS:
        raise UsageError(
            f"Intervals need the sums of at least {FEWEST_BLOCKS} blocks of places, and this semivariogram has "
            f"{'none' if sums is None else sums.n_blocks}: take all pairs with the estimator {' or '.join(ESTIMATES)}, "
            "and enough places."
        )
    if samples < FEWEST_SAMPLES:
        raise UsageError(f"The ends of 95 % intervals need at least {FEWEST_SAMPLES} samples, not {samples}.")
    held = model.shape if FAMILIES[model.family].shapes and not fit.shape_fitted else None
    curve = curve_of(variogram, model.family, fit.weights, model.metric, held, fit.max_km)
    rss, weight = curve.weighted_squares(model)
    if len(curve.gamma) != fit.n_lags or not np.isclose(np.sqrt(rss / weight), fit.rmse, rtol=1e-6, atol=1e-12):
        raise UsageError("This is not a fit of this semivariogram: their residuals differ. Fit it again.")
    gammas = _drawn(sums, variogram.estimator, samples, seed)[:, used_lags(variogram, fit.max_km)]
    gammas *= vector_factor(variogram.estimator, variogram.dim)
    found = np.array([_numbers(one) for one in _refitted(curve, model, gammas)])
    names = INTERVALS_OF if fit.shape_fitted else INTERVALS_OF[:-1]
    ends = {name: _interval(found[:, k], _numbers(model)[k]) for k, name in enumerate(names)}
    return replace(fit, intervals=ends, confidence=0.95)


def _numbers(model: VariogramModel) -> list[float]:
    return [getattr(model, name) for name in INTERVALS_OF]


def _drawn(sums: BlockSums, estimator: str, samples: int, seed: int) -> Values:
    """Semivariances (samples, m) of drawn blocks; NaN where a lag has no pairs in them."""
    b = sums.n_blocks
    times = np.random.default_rng(seed).multinomial(b, np.full(b, 1 / b), size=samples).astype(np.float64)
    weight = times[:, sums.first] * np.where(sums.first == sums.second, 1.0, times[:, sums.second])
    return ESTIMATES[estimator](weight @ sums.total, weight @ sums.count.astype(np.float64))


def _refitted(curve: Curve, model: VariogramModel, gammas: Values) -> Iterator[VariogramModel]:
    """The model fitted to each row of semivariances, without lags that have none."""
    for gamma in gammas:
        there = np.isfinite(gamma)
        if np.count_nonzero(there) > curve.parameters and gamma[there].max() > 0:
            parts = curve.distance_km[there], np.maximum(gamma[there], 0.0), curve.count[there]
            yield replace(curve, distance_km=parts[0], gamma=parts[1], count=parts[2]).solve([model])[0]


def _interval(drawn: Values, value: float) -> tuple[float, float]:
    """The bias-corrected percentile interval: quantiles moved by twice how far the value lies from the median."""
    below = np.mean(drawn < value) + np.mean(drawn == value) / 2
    moved = 2 * ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    shares = ndtr(np.array([moved + ndtri(0.025), moved + ndtri(0.975)]))
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)

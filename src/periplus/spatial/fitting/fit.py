"""Fits of theoretical semivariograms to empirical ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.spatial.fitting.least import WEIGHTS, Curve, Weights
from periplus.spatial.fitting.models import FAMILIES, LARGEST, Family, Metric, VariogramModel, family_row
from periplus.spatial.variograms.variogram import Variogram

_SMALLEST: Final = 1e-100
"""Squares of smaller differences underflow."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A model fitted to a semivariogram.

    Attributes:
        model: the model; its docstring states the convention of its length scale.
        weights: one of :data:`~periplus.spatial.fitting.least.WEIGHTS`.
        max_km: lags up to here were used.
        n_lags: how many had pairs and were used.
        aic: m ln(RSS / m) + 2p of m lags, p parameters and the weighted residual sum of squares RSS (weights scaled so
            that N has mean 1). Pairs are many and correlated, so it compares fits to the same lags with the same
            weights and says nothing by itself.
        rmse: weighted root mean squared residual, in units of γ.
        intervals: of nugget, partial_sill, sill, length_scale_km, effective_range_km and, if fitted, shape; None until
            :func:`~periplus.spatial.fitting.intervals.with_intervals`.
        confidence: of the intervals.
        at_bounds: parameters that ended at a bound of the search: a nugget of 0, or what the lags do not tell.
        label: of what, as the semivariogram has it.
        shape_fitted: whether the shape was a parameter.
    """

    model: VariogramModel
    weights: Weights
    max_km: float
    n_lags: int
    aic: float
    rmse: float
    intervals: Mapping[str, tuple[float, float]] | None = None
    confidence: float = 0.95
    at_bounds: tuple[str, ...] = ()
    label: str = ""
    shape_fitted: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to mind, a sentence each."""
        said = [] if self.model.warning is None else [self.model.warning]
        # A nugget of 0 is an answer like any other.
        ends = [name for name in self.at_bounds if name != "nugget"]
        if ends:
            said.append(f"The lags do not tell {' and '.join(ends)}: the fit ended at a bound of its search.")
        reach = self.model.effective_range_km
        if reach > self.max_km:
            said.append(
                f"The effective range, {reach:.4g} km, lies beyond the last lag, {self.max_km:.4g} km: range and sill "
                "are extrapolated. Take lags up to about twice the range."
            )
        return tuple(said)


def fit_model(
    variogram: Variogram,
    family: Family,
    weights: Weights = "cressie",
    metric: Metric = "great-circle",
    shape: float | None = None,
    max_km: float | None = None,
) -> Fit:
    """Fit a family to an empirical semivariogram by weighted least squares.

    A lag is a class of finite width: γ is fitted at the mean distance of its pairs. Weights ``cressie`` minimise
    Σ N (γ̂/γ - 1)², the model inside the weight (Cressie, Fitting variogram models by weighted least squares,
    Mathematical Geology 17 (5), 1985), ``pairs`` Σ N (γ̂ - γ)², ``equal`` Σ (γ̂ - γ)². N counts the pairs there are,
    also where only a sample of them was taken.

    What finds the truth best (20,000 places, length scale 300 km, 40 draws of one number each, right family): about 18
    logarithmic lags from a tenth of the mean spacing on, and ``equal`` weights with lags up to twice the effective
    range, or ``cressie`` with lags up to one. With all pairs N is so large that it no longer says how sure a lag is:
    far lags, which it favours, are made of few independent regions. Of vectors (8 draws or more) any choice will do. A
    free shape costs precision where there is one number a place: the nugget then varies two to three times as much.

    Args:
        variogram: lags without pairs are left out.
        family: one of :data:`~periplus.spatial.fitting.models.FAMILIES`.
        weights: one of :data:`~periplus.spatial.fitting.least.WEIGHTS`.
        metric: distance inside the model.
        shape: held at this; None: fitted where the family has one.
        max_km: only lags whose pairs are this near on average.

    Raises:
        UsageError: an unknown name, too few lags for the parameters, or semivariances that no model has (negative, not
            finite, all equal).
    """
    curve = curve_of(variogram, family, weights, metric, shape, max_km)
    model, at_bounds = curve.solve()
    rss, weight = curve.weighted_squares(model)
    m = len(curve.gamma)
    # Exact curves leave nothing but rounding, of which no logarithm should be taken.
    floor = (1e-14 * float(curve.gamma.max())) ** 2 * weight
    return Fit(
        model=model,
        weights=weights,
        max_km=float(variogram.edges_km[1:][variogram.has_pairs].max()) if max_km is None else float(max_km),
        n_lags=m,
        aic=m * math.log(max(rss, floor) / m) + 2 * curve.parameters,
        rmse=math.sqrt(rss / weight),
        at_bounds=at_bounds,
        label=variogram.label,
        shape_fitted=curve.fits_shape,
    )


def fit_models(
    variogram: Variogram,
    families: Sequence[Family] = ("stable", "spherical", "exponential", "gaussian", "matern"),
    weights: Weights = "cressie",
    metric: Metric = "great-circle",
    max_km: float | None = None,
) -> tuple[Fit, ...]:
    """Fits of several families, the best AIC first; as :func:`fit_model`."""
    fits = [fit_model(variogram, family, weights, metric, max_km=max_km) for family in families]
    return tuple(sorted(fits, key=lambda fit: fit.aic))


def curve_of(
    variogram: Variogram,
    family: Family,
    weights: Weights,
    metric: Metric,
    shape: float | None,
    max_km: float | None,
) -> Curve:
    """The lags of a semivariogram that a fit uses, checked; arguments and errors as :func:`fit_model`."""
    row = family_row(family)
    if weights not in WEIGHTS:
        raise UsageError(f"There are no weights {weights!r}; choose from {', '.join(WEIGHTS)}.")
    if metric not in get_args(Metric):
        raise UsageError(f"There is no metric {metric!r}; choose from {', '.join(get_args(Metric))}.")
    if shape is not None and not (row.shapes and row.limits[0] <= shape <= row.limits[1]):
        shaped = ", ".join(name for name, one in FAMILIES.items() if one.shapes)
        raise UsageError(f"A {family} semivariogram has no shape {shape}; {shaped} have one.")
    if max_km is not None and not 0 < max_km < math.inf:
        raise UsageError(f"A fit to lags up to {max_km} km is impossible; give a positive number.")
    used = used_lags(variogram, max_km)
    km, gamma = variogram.distance_km[used], variogram.gamma[used]
    curve = Curve(
        km,
        gamma,
        np.maximum(variogram.n_pairs, variogram.count)[used].astype(np.float64),
        family,
        weights,
        metric,
        shape,
    )
    _check(curve, max_km)
    return curve


def used_lags(variogram: Variogram, max_km: float | None) -> NDArray[np.bool_]:
    """Bool (m,): the lags with pairs, whose mean distance is at most ``max_km``."""
    used = variogram.has_pairs.copy()
    if max_km is not None:
        used[used] = variogram.distance_km[used] <= max_km
    return used


def _check(curve: Curve, max_km: float | None) -> None:
    m, reach = len(curve.gamma), "" if max_km is None else f" up to {max_km:g} km"
    if m < curve.parameters + 1:
        raise UsageError(
            f"A {curve.family} semivariogram has {curve.parameters} parameters here and needs {curve.parameters + 1} "
            f"lags with pairs; there are {m}{reach}. Take more lags, a larger max_km, or hold the shape."
        )
    bad = np.flatnonzero(~((curve.gamma >= 0) & (curve.gamma <= LARGEST) & np.isfinite(curve.distance_km)))
    if len(bad):
        raise UsageError(
            f"{len(bad)} lags cannot be fitted: the semivariance is {curve.gamma[bad[0]]} at "
            f"{curve.distance_km[bad[0]]:g} km. Models lie from 0 to {LARGEST:g}, cross-semivariograms need not; fit "
            "the two variables each, or limit the lags with max_km."
        )
    if np.ptp(curve.gamma) <= max(1e-12 * float(curve.gamma.max()), _SMALLEST):
        raise UsageError(
            f"All {m} lags{reach} have the same semivariance, {curve.gamma[0]:g}: there is no range to fit. "
            "Either nothing varies, or all that varies is nugget at these distances; try shorter lags."
        )

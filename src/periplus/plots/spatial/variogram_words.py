"""What a semivariogram tells, in sentences with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from periplus.plots.spatial.canvas import FEW_PAIRS
from periplus.plots.spatial.words import between, digits, km_words, percent
from periplus.plots.words import distance_words
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.variograms.variogram import Variogram


def variogram_tells(variogram: Variogram, fits: Sequence[Fit]) -> list[str]:
    """Sentences about one curve and its fits, best first."""
    return _from_near_to_far(variogram) + (_of_the_model(fits) if fits else [])


def _from_near_to_far(variogram: Variogram) -> list[str]:
    enough = np.flatnonzero(variogram.count >= min(FEW_PAIRS, max(1, int(variogram.count.max()))))
    if not len(enough):
        return ["There are no pairs in any lag."]
    first, last = int(enough[0]), int(enough[-1])
    near, far = float(variogram.gamma[first]), float(variogram.gamma[last])
    told = [
        f"Photos {distance_words(float(variogram.distance_km[first]))} apart have a semivariance of "
        f"{digits(near)}{_error(variogram, first)}, photos {distance_words(float(variogram.distance_km[last]))} apart "
        f"{digits(far)}{_error(variogram, last)}"
        + (f": {percent(near / far)} of it is there at once." if far > 0 else ".")
    ]
    if far <= near:
        told.append("It does not grow with distance: here nearness tells nothing.")
    few = int(((variogram.count < FEW_PAIRS) & (variogram.count > 0)).sum())
    empty = int((variogram.count == 0).sum())
    parts = [f"{few} of {len(variogram.count)} lags {_have(few)} fewer than {FEW_PAIRS} pairs"] if few else []
    parts += [f"{empty} {_have(empty)} none"] if empty else []
    if parts:
        told.append(f"{' and '.join(parts)}; such lags are not to be relied on.")
    return told


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _error(variogram: Variogram, k: int) -> str:
    error = float(variogram.standard_error[k])
    return f" ± {digits(error, 2)}" if np.isfinite(error) else ""


def _of_the_model(fits: Sequence[Fit]) -> list[str]:
    fit, model = fits[0], fits[0].model
    best = "The model fitted" if len(fits) == 1 else f"Of {len(fits)} models the best by AIC"
    told = [f"{best} is the {model.family} one."]
    if model.sill > 0:
        told.append(
            f"The nugget is {digits(model.nugget)}{_interval(fit, 'nugget')}, {percent(model.nugget / model.sill)} of "
            f"the sill {digits(model.sill)}{_interval(fit, 'sill')}: so much photos of one place differ already."
        )
    if fit.model.effective_range_km <= fit.max_km:
        told.append(
            f"Beyond {km_words(model.effective_range_km)} km{_interval(fit, 'effective_range_km', 'km')} distance "
            "tells next to nothing more: 95 % of the partial sill is reached."
        )
    return told


def _interval(fit: Fit, name: str, unit: str = "") -> str:
    told = None if fit.intervals is None else fit.intervals.get(name)
    words = "" if told is None else between(*told, unit)
    return f" ({words})" if words else ""

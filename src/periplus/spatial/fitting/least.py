"""Weighted least squares of one family of models against the lags of a semivariogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from periplus.spatial.fitting.models import FAMILIES, Family, Metric, VariogramModel, in_metric

Values = NDArray[np.float64]
Weights = Literal["pairs", "cressie", "equal"]
WEIGHTS: Final[dict[str, str]] = {
    "pairs": "pairs of the lag, N",
    "cressie": "N / γ² with γ the model's own, inside the residual (Cressie 1985)",
    "equal": "the same for every lag",
}
_NEAR: Final = 0.1
"""The shortest length scale looked for, of the shortest lag."""
_FAR: Final = 10.0
"""The longest, of the longest lag."""
_SMALL: Final = 1e-12
_AT: Final = 1e-4
"""A parameter this near to its bound, in the parameters of the search, is at it."""
NAMES: Final = ("nugget", "partial_sill", "length_scale_km", "shape")


@dataclass(frozen=True, eq=False)
class Curve:
    """Lags to fit, and how: γ > 0 somewhere, at least one lag more than parameters.

    Attributes:
        distance_km: (m,), mean pair distance; 0 counts as the limit from above.
        gamma: (m,), not negative.
        count: (m,), pairs, positive.
        family, weights, metric: as :func:`~periplus.spatial.fitting.fit.fit_model` takes them.
        shape: held at this; None: fitted, or there is none.
    """

    distance_km: Values
    gamma: Values
    count: Values
    family: Family
    weights: Weights
    metric: Metric
    shape: float | None = None

    @property
    def fits_shape(self) -> bool:
        """Whether the shape is a parameter."""
        return FAMILIES[self.family].shapes is not None and self.shape is None

    @property
    def parameters(self) -> int:
        """How many parameters are fitted."""
        return 3 + self.fits_shape

    def solve(self, starts: Sequence[VariogramModel] = ()) -> tuple[VariogramModel, tuple[str, ...]]:
        """The best model, and which of its parameters are at a bound.

        Bounded trust-region least squares in (nugget, partial sill, ln L, ln shape) from several starts; without
        ``starts`` from the best of a grid of length scales and shapes, with nugget and sill for each in closed form.
        """
        low, high = self._bounds()
        begins = [self._vector(model) for model in starts] or self._grid()
        found = [
            least_squares(
                self._residuals, np.clip(begin, low + 1e-9, high - 1e-9), bounds=(low, high), x_scale="jac",
                xtol=1e-11, ftol=1e-12, gtol=1e-12, max_nfev=400,
            )
            for begin in begins
        ]  # fmt: skip
        best = min(found, key=lambda result: float(result.cost)).x
        at = np.minimum(best - low, high - best) < _AT
        for k in np.flatnonzero(at[:2]):
            zero = np.where(np.arange(len(best)) == k, 0.0, best)
            # The search stays inside its bounds; at 0 itself it is asked whether that is as good.
            at[k] = self._cost(zero) <= self._cost(best) * (1 + 1e-6) + _SMALL
            best = zero if at[k] else best
        return self._model(best), tuple(name for name, there in zip(NAMES, at, strict=False) if there)

    def weighted_squares(self, model: VariogramModel) -> tuple[float, float]:
        """Σ w (γ̂ - γ)² and Σ w, with weights scaled to a mean of N of 1."""
        fitted = self._smooth(model)
        weight = self._weight(fitted)
        return float(np.sum(weight * (self.gamma - fitted) ** 2)), float(np.sum(weight))

    @property
    def _scale(self) -> float:
        return float(self.gamma.max())

    def _smooth(self, model: VariogramModel) -> Values:
        """The model with its limit from above at 0: two photos of one place differ by the nugget."""
        return np.maximum(model.nugget + model.partial_sill * model.share(self.distance_km), _SMALL * self._scale)

    def _weight(self, fitted: Values) -> Values:
        count = np.ones_like(self.gamma) if self.weights == "equal" else self.count / self.count.mean()
        return np.asarray(count / fitted**2) if self.weights == "cressie" else count

    def _residuals(self, vector: Values) -> Values:
        fitted = self._smooth(self._model(vector))
        rest = np.sqrt(self._weight(fitted)) * (fitted - self.gamma)
        return rest if self.weights == "cressie" else np.asarray(rest / self._scale)

    def _cost(self, vector: Values) -> float:
        return float(np.sum(self._residuals(vector) ** 2))

    def _bounds(self) -> tuple[Values, Values]:
        away = in_metric(self.distance_km[self.distance_km > 0], self.metric)
        low, high = [0.0, 0.0, np.log(_NEAR * away.min())], [np.inf, np.inf, np.log(_FAR * away.max())]
        shapes = FAMILIES[self.family].shapes
        if self.fits_shape and shapes:
            low.append(np.log(shapes[0]))
            high.append(np.log(shapes[1]))
        return np.array(low), np.array(high)

    def _model(self, vector: Values) -> VariogramModel:
        nugget, partial, log_length = float(vector[0]), float(vector[1]), float(vector[2])
        shape = self.shape or 1.0
        if self.fits_shape:
            shape = min(float(np.exp(vector[3])), FAMILIES[self.family].limits[1])
        scale = self._scale
        return VariogramModel(
            self.family, nugget * scale, partial * scale, float(np.exp(log_length)), shape, self.metric
        )

    def _vector(self, model: VariogramModel) -> Values:
        head = [model.nugget / self._scale, model.partial_sill / self._scale, np.log(model.length_scale_km)]
        return np.array([*head, np.log(model.shape)] if self.fits_shape else head)

    def _grid(self) -> list[Values]:
        """The three best of some length scales and shapes; nugget and partial sill by non-negative least squares."""
        low, high = self._bounds()
        shapes = np.linspace(low[3], high[3], 6)[1:-1] if self.fits_shape else [0.0]
        root = np.sqrt(self._weight(np.maximum(self.gamma, 0.05 * self._scale)))
        tried: list[tuple[float, Values]] = []
        for log_length in np.linspace(low[2], high[2], 16)[1:-1]:
            for log_shape in shapes:
                vector = np.array([0, 1 / self._scale, log_length, log_shape])[: self.parameters]
                share = self._model(vector).share(self.distance_km)
                vector[:2], rest = nnls(np.column_stack([root, root * share]), root * self.gamma)
                vector[:2] = np.maximum(vector[:2] / self._scale, 1e-3)
                tried.append((float(rest), vector))
        return [vector for _, vector in sorted(tried, key=lambda one: one[0])[:3]]

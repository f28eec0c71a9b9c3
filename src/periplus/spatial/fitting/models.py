"""Theoretical semivariograms with a nugget."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM
from periplus.spatial.fitting.matern import matern_correlation, matern_reach

Values = NDArray[np.float64]
Family = Literal["stable", "spherical", "exponential", "gaussian", "matern"]
Metric = Literal["great-circle", "chord"]
LEFT: Final = 0.05
"""What of the partial sill is still to come at the effective range."""
CONVENTION: Final = (
    "length_scale_km is L in the formula (spherical: the range); effective_range_km is where 95 % of the partial sill "
    "is reached (exponential ln 20 L, about 3 L; gaussian √(ln 20) L, about √3 L; spherical: the range itself). "
    "Both are in the metric of the model."
)
_E_FOLDS: Final = -math.log(LEFT)
LARGEST: Final = 1e100
"""Semivariances end here, so that nothing computed from them overflows."""


@dataclass(frozen=True)
class FamilyRow:
    """A family of models.

    Attributes:
        formula: for people.
        share: what of the partial sill is reached at h = distance / L, for a shape.
        reach: h at the effective range, for a shape.
        shapes: where a fit looks for the shape; None for a family without one.
        limits: the least and the largest shape that a model may have.
        valid_to: the largest shape that is valid on the sphere with great-circle distance.
    """

    formula: str
    share: Callable[[Values, float], Values]
    reach: Callable[[float], float]
    shapes: tuple[float, float] | None = None
    limits: tuple[float, float] = (1.0, 1.0)
    valid_to: float = math.inf


def _stable(h: Values, shape: float) -> Values:
    return np.asarray(-np.expm1(-(h**shape)))


def _spherical(h: Values, _shape: float) -> Values:
    near = np.minimum(h, 1.0)
    return np.asarray(1.5 * near - 0.5 * near**3)


def _matern(h: Values, shape: float) -> Values:
    return 1.0 - matern_correlation(h, shape)


FAMILIES: Final[dict[str, FamilyRow]] = {
    "exponential": FamilyRow("1 - exp(-h/L)", lambda h, _: _stable(h, 1.0), lambda _: _E_FOLDS),
    "spherical": FamilyRow("1.5 h/L - 0.5 (h/L)³ up to L, then 1", _spherical, lambda _: 1.0),
    "gaussian": FamilyRow(
        "1 - exp(-(h/L)²)", lambda h, _: _stable(h, 2.0), lambda _: math.sqrt(_E_FOLDS), valid_to=0.0
    ),
    "stable": FamilyRow(
        "1 - exp(-(h/L)^α), α = shape", _stable, lambda shape: _E_FOLDS ** (1 / shape), (0.1, 2.0), (0.02, 2.0), 1.0
    ),
    "matern": FamilyRow(
        "1 - 2^(1-ν)/Γ(ν) u^ν K_ν(u), u = √(2ν) h/L, ν = shape",
        _matern,
        lambda shape: matern_reach(shape, LEFT),
        (0.1, 20.0),
        (0.01, 1e6),
        0.5,
    ),
}
"""Every family: one function and one row."""


@dataclass(frozen=True)
class VariogramModel:
    """γ(d) = nugget + partial sill × share(h / L) for d > 0, and 0 at d = 0.

    Convention: the parameter is the length scale L of the formulas in :data:`FAMILIES` (GSTools with ``rescale=1``
    has the same; scikit-gstat takes the effective range). :attr:`effective_range_km` is given besides.

    Attributes:
        family: one of :data:`FAMILIES`.
        nugget: the jump at 0, not negative.
        partial_sill: what comes on top of it, not negative.
        length_scale_km: L, from 1e-12 to 1e12; for ``spherical`` the range.
        shape: the exponent α in (0, 2] of ``stable``, the smoothness ν of ``matern``; 1 for families without one.
        metric: what h is at a great-circle distance d: d itself, or the chord 2R sin(d / 2R).

    Raises:
        UsageError: a family or metric that does not exist, or a number out of its range.
    """

    family: Family
    nugget: float
    partial_sill: float
    length_scale_km: float
    shape: float = 1.0
    metric: Metric = "great-circle"

    def __post_init__(self) -> None:
        """Check, and make every number a plain one."""
        row = family_row(self.family)
        if self.metric not in get_args(Metric):
            raise UsageError(f"There is no metric {self.metric!r}; choose from {', '.join(get_args(Metric))}.")
        if row.shapes is None:
            object.__setattr__(self, "shape", 1.0)
        limits = {
            "nugget": (0, LARGEST),
            "partial_sill": (0, LARGEST),
            "length_scale_km": (1e-12, 1e12),
            "shape": row.limits,
        }
        for name, (low, high) in limits.items():
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if not low <= value <= high:
                raise UsageError(
                    f"The {name} of a {self.family} semivariogram lies from {low:g} to {high:g}, not at {value:g}."
                )

    def __call__(self, distance_km: ArrayLike) -> Values:
        """Semivariance at great-circle distances of any shape; float64, NaN where the distance is."""
        d = np.asarray(distance_km, np.float64)
        return np.asarray(np.where(d == 0, 0.0, self.nugget + self.partial_sill * self.share(d)))

    def share(self, distance_km: ArrayLike) -> Values:
        """What of the partial sill is reached at great-circle distances: from 0 at 0 to 1."""
        d = np.asarray(distance_km, np.float64)
        return FAMILIES[self.family].share(in_metric(d, self.metric) / self.length_scale_km, self.shape)

    @property
    def sill(self) -> float:
        """Nugget and partial sill: where the curve ends."""
        return self.nugget + self.partial_sill

    @property
    def effective_range_km(self) -> float:
        """Where 95 % of the partial sill is reached, in the model's metric; for ``spherical`` the range itself."""
        return self.length_scale_km * FAMILIES[self.family].reach(self.shape)

    @property
    def valid_on_sphere(self) -> bool:
        """Whether nugget + sill - γ is a covariance on the sphere (is positive definite there).

        With great-circle distance that are the exponential and the spherical model, the stable one up to α = 1 and
        Matérn's up to ν = 1/2 (Gneiting, Strictly and non-strictly positive definite functions on spheres, Bernoulli
        19 (4), 2013, table 1). With the chord it is every model that is valid in space, so all of these.
        """
        return self.metric == "chord" or self.shape <= FAMILIES[self.family].valid_to

    @property
    def warning(self) -> str | None:
        """What to mind where the model is not valid on the sphere."""
        if self.valid_on_sphere:
            return None
        shape = f" of shape {self.shape:.3g}" if FAMILIES[self.family].shapes else ""
        return (
            f"A {self.family} semivariogram{shape} over great-circle distance is not valid on the sphere: no "
            "covariance belongs to it. That does no harm to plots and losses; for kriging or simulation fit it with "
            "the metric chord, for which every family is valid."
        )


def family_row(family: str) -> FamilyRow:
    """The row of a family.

    Raises:
        UsageError: there is none of this name.
    """
    if family not in FAMILIES:
        raise UsageError(f"There is no semivariogram family {family!r}; choose from {', '.join(FAMILIES)}.")
    return FAMILIES[family]


def in_metric(distance_km: Values, metric: Metric) -> Values:
    """Great-circle distances as a metric has them, km."""
    if metric == "chord":
        return np.asarray(2 * EARTH_RADIUS_KM * np.sin(distance_km / (2 * EARTH_RADIUS_KM)))
    return distance_km

"""Random fields on the sphere whose semivariograms are known.

A field is the restriction to the sphere of a stationary isotropic field of space, so every covariance that is valid
in three dimensions is valid here, with the chord of two places as their distance (Yadrenko's construction; GSTools'
``latlon=True`` does the same). It is drawn by the spectral method (Shinozuka 1971; Mantoglou, Wilson 1982): a sum of
plane waves, their wave vectors drawn from the covariance's spectral density, their phases even.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, chord_from_km, km_from_chord, to_unit

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
Family = Literal["exponential", "gaussian", "matern"]
MODES: Final = 2048
"""Plane waves of a field: the covariance of a draw differs from the model's by about sill / √MODES, 2 %."""
_BLOCK: Final = 512
TOLERANCE: Final = 0.05
"""A draw is typical whose own semivariogram is nowhere farther from the model's, as a share of the sill."""
_CLASSES: Final = np.array([0.2, 0.5, 0.8, 1.2, 1.6, 2.2, 3.0])
_FEWEST_PAIRS: Final = 1500


@dataclass(frozen=True)
class FieldModel:
    """What a field is drawn from.

    Attributes:
        name: what it stands for.
        family: of the correlation ρ over the chord h: ``exponential`` exp(-h/L), ``gaussian`` exp(-(h/L)²),
            ``matern`` (ν = 3/2) (1 + √3 h/L) exp(-√3 h/L).
        length_scale_km: L.
        sill: the variance of the smooth part.
        nugget: the variance of what two places share with nobody, however near they are.

    Raises:
        UsageError: an unknown family, a length scale or a sill that is not positive, a negative nugget.
    """

    name: str
    family: Family
    length_scale_km: float
    sill: float = 1.0
    nugget: float = 0.0

    def __post_init__(self) -> None:
        """Check."""
        if self.family not in get_args(Family):
            raise UsageError(f"Field {self.name!r} has family {self.family!r}; choose from {get_args(Family)}.")
        if not (0 < self.length_scale_km < np.inf and 0 < self.sill < np.inf and 0 <= self.nugget < np.inf):
            raise UsageError(
                f"Field {self.name!r} has length scale {self.length_scale_km} km, sill {self.sill} and nugget "
                f"{self.nugget}; the first two must be positive, the nugget not negative."
            )

    def covariance(self, distance_km: ArrayLike) -> Values:
        """Covariance of the smooth part at a great-circle distance (the nugget has none)."""
        h = chord_from_km(distance_km) * EARTH_RADIUS_KM / self.length_scale_km
        if self.family == "exponential":
            rho = np.exp(-h)
        elif self.family == "gaussian":
            rho = np.exp(-(h**2))
        else:
            rho = (1 + np.sqrt(3) * h) * np.exp(-np.sqrt(3) * h)
        return np.asarray(self.sill * rho)

    def variogram(self, distance_km: ArrayLike) -> Values:
        """The true semivariogram at a great-circle distance: 0 at 0, nugget + sill - covariance elsewhere."""
        d = np.asarray(distance_km, np.float64)
        return np.where(d > 0, self.nugget + self.sill - self.covariance(d), 0.0)

    def draw(self, seed: tuple[int, ...], modes: int = MODES) -> RandomField:
        """A field of this model; the same for the same seed."""
        rng = np.random.default_rng([*seed, *self.name.encode()])
        waves = rng.standard_normal((3, modes))
        if self.family == "gaussian":
            waves *= np.sqrt(2)
        else:
            # The spectral density of Matérn's covariance is Student's t with 2ν degrees of freedom.
            degrees = 1 if self.family == "exponential" else 3
            waves /= np.sqrt(rng.chisquare(degrees, modes) / degrees)
        waves *= EARTH_RADIUS_KM / self.length_scale_km
        phases = rng.uniform(0, 2 * np.pi, modes)
        return RandomField(self, waves.astype(np.float32), phases.astype(np.float32), int(rng.integers(2**63)))

    def draw_typical(self, seed: tuple[int, ...], xyz: Values, tries: int = 48) -> RandomField:
        """The first of some draws whose own semivariogram follows the model's, or the nearest of them.

        A draw whose length scale is not small against the Earth has few independent regions: its semivariogram
        differs from the model's by chance (the variance by about L / 2R for an exponential one). What is fitted to a
        planet shall find what it was made from, so atypical draws are passed over.

        Args:
            seed: of the draws.
            xyz: unit vectors (n, 3) of the places where it shall be typical.
            tries: draws that are looked at.
        """
        best: tuple[float, RandomField] | None = None
        for attempt in range(tries):
            field = self.draw((*seed, attempt))
            off = field.misfit(xyz)
            if best is None or off < best[0]:
                best = off, field
            if off <= TOLERANCE:
                break
        assert best is not None
        return best[1]


@dataclass(frozen=True, eq=False)
class RandomField:
    """A drawn field; make it with :meth:`FieldModel.draw`.

    Attributes:
        model: what it was drawn from.
        waves: wave vectors for unit vectors, float32 (3, modes).
        phases: float32 (modes,).
        salt: of the nugget.
    """

    model: FieldModel
    waves: NDArray[np.float32]
    phases: NDArray[np.float32]
    salt: int

    def at(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Values:
        """Values at positions (n,), mean 0, float64 (n,); the same place has the same value, alone or among others."""
        xyz = np.atleast_2d(to_unit(lat_deg, lon_deg))
        return np.asarray(self.smooth(xyz) + np.sqrt(self.model.nugget) * _normal(xyz, self.salt))

    def smooth(self, xyz: Values) -> Values:
        """The part without nugget at unit vectors (n, 3), float64 (n,), in blocks."""
        scale = np.sqrt(2 * self.model.sill / len(self.phases))
        values = np.empty(len(xyz))
        for start in range(0, len(xyz), _BLOCK):
            part = xyz[start : start + _BLOCK].astype(np.float32)
            # Three products, not a matrix product: BLAS rounds differently for different numbers of rows.
            angle = part[:, :1] * self.waves[0]
            angle += part[:, 1:2] * self.waves[1]
            angle += part[:, 2:] * self.waves[2]
            angle += self.phases
            values[start : start + _BLOCK] = np.cos(angle, out=angle).sum(axis=1, dtype=np.float64)
        return np.asarray(values * scale)

    def misfit(self, xyz: Values) -> float:
        """How far this draw's own semivariogram is from the model's: the largest difference, as a share of the sill.

        Both are means over the pairs of places (n, 3) in classes of chords, up to three length scales.
        """
        kinds, first, second, count, wanted = _classes(self.model, xyz.tobytes())
        values = self.smooth(xyz)
        found = np.bincount(kinds, 0.5 * (values[second] - values[first]) ** 2, len(count)) / np.maximum(count, 1)
        off = np.abs(found - wanted)[count >= _FEWEST_PAIRS]
        return float(off.max(initial=0) / self.model.sill)


@lru_cache(maxsize=1)
def _classes(model: FieldModel, places: bytes) -> tuple[Rows, Rows, Rows, Rows, Values]:
    """Pairs of places near enough for a model: class and the two numbers of each; count and true mean of each class."""
    chords, first, second = _pairs(places)
    edges = _CLASSES * model.length_scale_km / EARTH_RADIUS_KM
    last = int(np.searchsorted(chords, edges[-1]))
    kinds = np.asarray(np.searchsorted(edges, chords[:last]), np.int64)
    count = np.asarray(np.bincount(kinds, minlength=len(edges)), np.int64)
    wanted = np.bincount(kinds, model.sill - model.covariance(km_from_chord(chords[:last])), len(edges))
    return kinds, first[:last], second[:last], count, wanted / np.maximum(count, 1)


@lru_cache(maxsize=2)
def _pairs(places: bytes) -> tuple[Values, Rows, Rows]:
    """All pairs of some unit vectors, the nearest first: chords, and numbers of the two places."""
    xyz = np.frombuffer(places).reshape(-1, 3)
    first, second = np.triu_indices(len(xyz), 1)
    chords = np.sqrt(np.maximum(2 - 2 * np.einsum("ij,ij->i", xyz[first], xyz[second]), 0))
    order = np.argsort(chords, kind="stable")
    return chords[order], first[order], second[order]


def _normal(xyz: Values, salt: int) -> Values:
    """A standard normal number for each unit vector (n, 3), by its bits alone (SplitMix64, then Box and Muller)."""
    state = np.full(len(xyz), salt, np.uint64)
    for bits in np.ascontiguousarray(xyz + 0.0).view(np.uint64).T:
        state = _mixed(state ^ bits)
    even = [((_mixed(state + np.uint64(k)) >> np.uint64(11)) + 0.5) * 2.0**-53 for k in (1, 2)]
    return np.asarray(np.sqrt(-2 * np.log(even[0])) * np.cos(2 * np.pi * even[1]))


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))

"""One position from a belief: where the expected gain is largest.

A gain falls from 1 with the distance of the guess from the truth; guess x earns E(x) = sum_i p_i g(d(x, x_i)). The
gain of a narrow bell asks for the place where most of the belief concentrates, GeoScore's exp(-d / 1492.7 km) for the
best score, and a gain that is 1 only on the row itself for GeoCLIP's way, the likeliest row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, from_unit, mean_position, to_unit
from periplus.position.kernels import density_of
from periplus.position.world import WorldRows
from periplus.records import Density

SCORE_KM: Final = 1492.7
"""GeoScore is 5000 exp(-d / 1492.7 km)."""
_CENTRES: Final = 1000
_TRIED: Final = 256
_STEPS: Final = 8
_NEAR_KM: Final = 1.0
_WORTH_IT: Final = 1e-9
Position = tuple[float, float]
Km = NDArray[np.floating]


class Gain(Protocol):
    """What a guess at some distances earns, 0 to 1."""

    def __call__(self, apart: Km, sigma: Km) -> Km:
        """The expected gain of kernels of width ``sigma`` at chords ``apart``, both in km, broadcasting."""

    def pull(self, apart: Km, sigma: Km) -> Km:
        """How strongly each kernel draws the guess to its centre: minus the gain's slope over the chord."""


@dataclass(frozen=True)
class Bell:
    """exp(-c² / 2 r²) of the chord c: it counts whether one is near, not how near.

    Attributes:
        radius_km: r.
    """

    radius_km: float

    def __call__(self, apart: Km, sigma: Km) -> Km:
        """A bell over a bell is a wider, lower bell."""
        wide = self.radius_km**2 + sigma**2
        return np.asarray(self.radius_km**2 / wide * np.exp(-(apart**2) / (2 * wide)))

    def pull(self, apart: Km, sigma: Km) -> Km:
        """The mean shift."""
        return np.asarray(self(apart, sigma) / (self.radius_km**2 + sigma**2))


@dataclass(frozen=True)
class ScoreGain:
    """exp(-d / scale): every km counts, the first ones most.

    Attributes:
        scale_km: how far until it falls to 1 / e.
    """

    scale_km: float = SCORE_KM

    def __call__(self, apart: Km, sigma: Km) -> Km:
        """With the mean distance from a kernel's scattered points, sqrt(pi / 2) sigma, beside that of its centre."""
        return np.asarray(np.exp(-self._mean_km(apart, sigma) / self.scale_km))

    def pull(self, apart: Km, sigma: Km) -> Km:
        """Weiszfeld's step for the geometric median, with fading weights."""
        return np.asarray(self(apart, sigma) / np.maximum(self._mean_km(apart, sigma), _NEAR_KM))

    @staticmethod
    def _mean_km(apart: Km, sigma: Km) -> Km:
        # The arc over the chord c is c (1 + c²/24 + 3c⁴/640 + ...) on the unit sphere: where gains count, two terms do.
        squared = apart**2
        arc = apart * (1 + squared / (24 * EARTH_RADIUS_KM**2) + 3 * squared**2 / (640 * EARTH_RADIUS_KM**4))
        return np.asarray(np.sqrt(arc**2 + math.pi / 2 * sigma**2))


def best_row(p: NDArray[np.floating], rows: WorldRows) -> Position:
    """The position of the likeliest row, the first of equals: what GeoCLIP answers."""
    row = int(np.argmax(p))
    return float(rows.lat_deg[row]), float(rows.lon_deg[row])


def mode(p: NDArray[np.floating], rows: WorldRows, radius_km: float) -> Position:
    """Where the belief concentrates: the highest point of its kernel density with a bell of ``radius_km``."""
    return best_place(density_of(p, rows, _CENTRES), Bell(radius_km))


def best_score(p: NDArray[np.floating], rows: WorldRows) -> Position:
    """The guess with the highest expected GeoScore."""
    return best_place(density_of(p, rows, _CENTRES), ScoreGain())


def cell_vote(p: NDArray[np.floating], rows: WorldRows, radius_km: float) -> Position:
    """Geocell voting: the middle of the rows in that cell, 2 ``radius_km`` wide, which has most of the belief."""
    codes, count = rows.cells(2 * radius_km)
    inside = np.flatnonzero(codes == np.bincount(codes, p, count).argmax())
    return mean_position(rows.lat_deg[inside], rows.lon_deg[inside], p[inside].astype(np.float64))


def best_place(density: Density, gain: Gain) -> Position:
    """The position with the largest expected gain: the best of the heaviest centres, then moved uphill.

    Raises:
        UsageError: the density is empty.
    """
    if not len(density.weights):
        raise UsageError("A density without kernels has no best place.")
    xyz, sigma, weights = to_unit(density.lat_deg, density.lon_deg), density.sigma_km, density.weights
    tried = np.argsort(-weights, kind="stable")[:_TRIED]
    # Single precision is several times as fast, and the choice among centres needs no more.
    apart = _apart_km(xyz[tried], xyz).astype(np.float32)
    best = int(tried[int((gain(apart, sigma.astype(np.float32)) @ weights).argmax())])
    at = _uphill(xyz[best], xyz, density, gain)
    if at is None:
        return float(density.lat_deg[best]), float(density.lon_deg[best])
    lat, lon = from_unit(at)
    return float(lat), float(lon)


def _uphill(
    start: NDArray[np.float64], xyz: NDArray[np.float64], density: Density, gain: Gain
) -> NDArray[np.float64] | None:
    """Where a few steps lead to; None where the start is the top."""
    at, sigma, weights = start, density.sigma_km, density.weights
    apart = _apart_km(at, xyz)
    earned, moved = float(gain(apart, sigma) @ weights), False
    for _ in range(_STEPS):
        pull = (weights * gain.pull(apart, sigma)) @ xyz
        length = float(np.linalg.norm(pull))
        if not length > 0:
            break
        apart = _apart_km(pull / length, xyz)
        value = float(gain(apart, sigma) @ weights)
        if not value > earned * (1 + _WORTH_IT):
            break
        at, earned, moved = pull / length, value, True
    return at if moved else None


def _apart_km(at: NDArray[np.float64], xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chords in km, (..., n) from places (..., 3), right to a few decimetres."""
    return EARTH_RADIUS_KM * np.sqrt(np.maximum(2 - 2 * (at @ xyz.T), 0))


GUESSES: Final[Mapping[str, Callable[[NDArray[np.floating], WorldRows, float], Position]]] = {
    "mode": mode,
    "row": lambda p, rows, _: best_row(p, rows),
    "score": lambda p, rows, _: best_score(p, rows),
    "cell": cell_vote,
}
"""Ways to guess, by name; each takes a belief, the rows and the radius that counts as right."""

"""Round kernels on the sphere, and beliefs as mixtures of them.

The kernel is von Mises and Fisher's: at the angle theta from its centre it has the density

    f(theta) = kappa / (2 pi R² (1 - exp(-2 kappa))) * exp(kappa (cos theta - 1))   per km²,   kappa = (R / sigma)²,

written so that nothing overflows. Its mean vector has the length coth kappa - 1 / kappa: with sigma² half the mean
squared chord, kappa = (R / sigma)² is exact but for 2 exp(-2 kappa), and mixtures merge by their mean vectors.

Fisher: Dispersion on a sphere. Proceedings of the Royal Society A 217 (1953), doi:10.1098/rspa.1953.0064.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, from_unit, to_unit
from periplus.position.world import WorldRows
from periplus.records import Density

_BLOCK: Final = 1 << 21
_LEAST_SIGMA_KM: Final = 1e-3
_STEP: Final = 1.1
"""How much larger cells become until there are few enough: their number is only about the sphere's area over theirs."""


def kappa_of(sigma_km: ArrayLike) -> NDArray[np.float64]:
    """Concentration of kernels of these widths; any shape."""
    return np.asarray((EARTH_RADIUS_KM / np.asarray(sigma_km, np.float64)) ** 2)


def density_at(density: Density, lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.float64]:
    """The density per km² at places, broadcast to their shape; its integral over the sphere is 1.

    Args:
        density: a mixture of kernels.
        lat_deg: degrees, any shape.
        lon_deg: degrees, broadcast with the latitudes.
    """
    places = to_unit(lat_deg, lon_deg)
    flat = places.reshape(-1, 3)
    centres = to_unit(density.lat_deg, density.lon_deg).reshape(-1, 3)
    kappa = kappa_of(density.sigma_km)
    peak = density.weights * kappa / (2 * np.pi * EARTH_RADIUS_KM**2 * -np.expm1(-2 * kappa))
    values = np.empty(len(flat))
    step = max(1, _BLOCK // max(1, len(kappa)))
    for start in range(0, len(flat), step):
        # 1 - cos = chord² / 2, from differences: a cosine near 1 has lost the angle.
        apart = sum((flat[start : start + step, axis, None] - centres[:, axis]) ** 2 for axis in range(3))
        values[start : start + step] = np.exp(-kappa / 2 * apart) @ peak
    return values.reshape(places.shape[:-1])


def density_of(p: NDArray[np.floating], rows: WorldRows, most: int = 2000) -> Density:
    """A belief over rows as a mixture of at most ``most`` kernels, without losing mass.

    The heaviest rows keep a kernel of their cell's size; the others of one region share one as wide as they spread.

    Args:
        p: (n,), the belief.
        rows: n rows.
        most: of kernels, at least 2.

    Raises:
        UsageError: fewer than 2 kernels are allowed, or the belief is no probability.
    """
    mass = np.asarray(p, np.float64)
    total = mass.sum()
    if most < 2 or mass.shape != (len(rows),) or not (total > 0 and mass.min() >= 0):
        raise UsageError(f"{most} kernels for a belief of shape {mass.shape} that sums to {total}: give 2 or more.")
    mass = mass / total
    some = np.flatnonzero(mass)
    if len(some) <= most:
        return _density(rows.lat_deg[some], rows.lon_deg[some], mass[some], rows.sigma_km[some])
    regions = most // 2
    heavy = np.argpartition(mass, len(mass) - (most - regions))[len(mass) - (most - regions) :]
    side_km = float(np.sqrt(4 * np.pi * EARTH_RADIUS_KM**2 / regions))
    while rows.cells(side_km)[1] > regions:
        side_km *= _STEP
    codes, count = rows.cells(side_km)
    tail = mass.copy()
    tail[heavy] = 0
    rest = merged(rows.xyz, tail, rows.sigma_km, codes, count)
    parts = ((rows.lat_deg, rest.lat_deg), (rows.lon_deg, rest.lon_deg), (mass, rest.weights * tail.sum()))
    lat, lon, weights = (np.concatenate([own[heavy], shared]) for own, shared in parts)
    return _density(lat, lon, weights, np.concatenate([rows.sigma_km[heavy], rest.sigma_km]))


def merged(
    xyz: NDArray[np.float64],
    weights: NDArray[np.float64],
    sigma_km: NDArray[np.float64],
    codes: NDArray[np.int64],
    count: int,
) -> Density:
    """One kernel a group, with the mean vector of the group's mixture; groups without weight are left out.

    A kernel's mean vector has the length 1 - (sigma / R)², so the group's gets sigma² = R² (1 - length).

    Args:
        xyz: (3, n) unit vectors.
        weights: (n,), not negative, their sum above 0.
        sigma_km: (n,) widths.
        codes: (n,) the group of each, from 0.
        count: how many groups there are.
    """
    length = np.maximum(1 - (sigma_km / EARTH_RADIUS_KM) ** 2, 0)
    mass = np.asarray(np.bincount(codes, weights, count), np.float64)
    pull = np.stack([np.bincount(codes, weights * length * axis, count) for axis in xyz], axis=1)
    groups = np.flatnonzero(mass > 0)
    mass, pull = mass[groups], pull[groups]
    short = np.maximum(1 - np.linalg.norm(pull, axis=1) / mass, 0)
    lat, lon = from_unit(pull)
    return _density(lat, lon, mass, np.maximum(EARTH_RADIUS_KM * np.sqrt(short), _LEAST_SIGMA_KM))


def _density(
    lat: NDArray[np.float64], lon: NDArray[np.float64], weights: NDArray[np.float64], sigma: NDArray[np.float64]
) -> Density:
    return Density(lat, lon, weights / weights.sum(), sigma)

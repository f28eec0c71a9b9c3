"""Flat maps: Equal Earth for the world, azimuthal equidistant around a place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.geo.distance import bearing_deg, destination, distance_km

EQUAL_EARTH_WIDTH: Final = 2 * np.sqrt(3) * np.pi / 3 / 1.340264
"""Half the width of the Equal Earth map of the unit sphere: x of (0, 180)."""
EQUAL_EARTH_HEIGHT: Final = 1.3173627591574133
"""Half its height: y of the north pole."""

_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_TOP: Final = np.pi / 3
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def equal_earth(lat_deg: ArrayLike, lon_deg: ArrayLike) -> Pair:
    """Project onto the Equal Earth map of the unit sphere: x east and y north, both broadcast.

    sin θ = (√3/2) sin φ;  x = 2√3 λ cos θ / (3 (9 A4 θ⁸ + 7 A3 θ⁶ + 3 A2 θ² + A1));
    y = A4 θ⁹ + A3 θ⁷ + A2 θ³ + A1 θ. Every area keeps its share of the map. Multiplying by 66.50336/180 gives
    the coordinates of GeoCLIP's location encoder, where |x| ≤ 1.

    Šavrič, Patterson, Jenny: The Equal Earth map projection. IJGIS 33 (2019), doi:10.1080/13658816.2018.1504949.
    """
    lat, lon = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(lon_deg, np.float64))
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(lat))
    x = 2 * np.sqrt(3) * lon * np.cos(theta) / (3 * _slope(theta))
    return np.asarray(x), np.asarray(_height(theta) + 0 * lon)


def equal_earth_inverse(x: ArrayLike, y: ArrayLike) -> Pair:
    """Latitude and longitude in degrees of a point of the map; NaN beside the map.

    θ by Newton's method from y. At a pole the map is flat in latitude: half of the digits are lost there (0.1 m).
    """
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    theta = np.clip(y / _A1, -_TOP, _TOP)
    for _ in range(8):
        theta = np.clip(theta - (_height(theta) - y) / _slope(theta), -_TOP, _TOP)
    lat = np.degrees(np.arcsin(np.clip(2 / np.sqrt(3) * np.sin(theta), -1, 1)))
    lon = np.degrees(x * 3 * _slope(theta) / (2 * np.sqrt(3) * np.cos(theta)))
    beside = (np.abs(lon) > 180 + 1e-9) | (np.abs(_height(theta) - y) > 1e-9)
    return np.where(beside, np.nan, lat), np.where(beside, np.nan, np.clip(lon, -180, 180))


def local_km(lat_deg: ArrayLike, lon_deg: ArrayLike, lat0_deg: ArrayLike, lon0_deg: ArrayLike) -> Pair:
    """Project around a centre (azimuthal equidistant): km to the east and km to the north of it.

    Distances and directions from the centre are true. Broadcasts.
    """
    away = distance_km(lat0_deg, lon0_deg, lat_deg, lon_deg)
    turn = np.radians(bearing_deg(lat0_deg, lon0_deg, lat_deg, lon_deg))
    return np.asarray(away * np.sin(turn)), np.asarray(away * np.cos(turn))


def from_local_km(east_km: ArrayLike, north_km: ArrayLike, lat0_deg: ArrayLike, lon0_deg: ArrayLike) -> Pair:
    """Latitude and longitude in degrees of points around a centre; the inverse of :func:`local_km`."""
    east, north = np.asarray(east_km, np.float64), np.asarray(north_km, np.float64)
    return destination(lat0_deg, lon0_deg, np.degrees(np.arctan2(east, north)), np.hypot(east, north))


def _height(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    t2 = theta * theta
    t6 = t2**3
    return np.asarray(theta * (_A1 + _A2 * t2 + t6 * (_A3 + _A4 * t2)))


def _slope(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    t2 = theta * theta
    t6 = t2**3
    return np.asarray(_A1 + 3 * _A2 * t2 + t6 * (7 * _A3 + 9 * _A4 * t2))

"""Great circles: how far, in which direction, and where one gets to."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM: Final = 6371.0088
"""The mean radius of the Earth (IUGG, 2a/3 + b/3 of WGS84): the one sphere that everything is measured on."""


def wrap_lon_deg(lon_deg: ArrayLike) -> NDArray[np.float64]:
    """Bring longitudes into [-180, 180); those already there do not change by a bit."""
    lon = np.asarray(lon_deg, np.float64)
    wrapped = lon - 360 * np.floor((lon + 180) / 360)
    # Rounding may carry what is just beside the date line across it.
    wrapped = np.where((wrapped < -180) | (wrapped >= 180), -180.0, wrapped)
    return np.asarray(np.where((lon >= -180) & (lon < 180), lon, wrapped))


def distance_km(
    lat1_deg: ArrayLike, lon1_deg: ArrayLike, lat2_deg: ArrayLike, lon2_deg: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle distance in km, broadcasting; NaN where a position is NaN.

    With h the haversine of the angle and g = 1 - h, the angle is 2 atan2(√h, √g). Taking g from its own sum,
    g = sin²((φ1+φ2)/2) + cos φ1 cos φ2 cos²(Δλ/2), keeps full precision for neighbours and for antipodes alike.
    """
    lat1, lat2 = np.radians(np.asarray(lat1_deg, np.float64)), np.radians(np.asarray(lat2_deg, np.float64))
    # The difference is taken in degrees, where it is exact.
    half_lat = np.radians(np.asarray(lat2_deg, np.float64) - np.asarray(lat1_deg, np.float64)) / 2
    half_lon = _lon_difference(lon1_deg, lon2_deg) / 2
    cosines = np.cos(lat1) * np.cos(lat2)
    near = np.sin(half_lat) ** 2 + cosines * np.sin(half_lon) ** 2
    far = np.sin((lat1 + lat2) / 2) ** 2 + cosines * np.cos(half_lon) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arctan2(np.sqrt(near), np.sqrt(far)))


def bearing_deg(
    lat1_deg: ArrayLike, lon1_deg: ArrayLike, lat2_deg: ArrayLike, lon2_deg: ArrayLike
) -> NDArray[np.float64]:
    """Direction in which the great circle from 1 to 2 sets out: degrees in [0, 360), clockwise from north.

    Between equal or antipodal points, where every direction is right, it is some direction. Broadcasts.
    """
    lat1, lat2 = np.radians(np.asarray(lat1_deg, np.float64)), np.radians(np.asarray(lat2_deg, np.float64))
    step = np.radians(np.asarray(lat2_deg, np.float64) - np.asarray(lat1_deg, np.float64))
    turn = _lon_difference(lon1_deg, lon2_deg)
    east = np.sin(turn) * np.cos(lat2)
    # cos φ1 sin φ2 - sin φ1 cos φ2 cos Δλ, without its cancellation for neighbours.
    north = np.sin(step) + 2 * np.sin(lat1) * np.cos(lat2) * np.sin(turn / 2) ** 2
    bearing = np.degrees(np.arctan2(east, north)) % 360
    return np.asarray(np.where(bearing >= 360, 0.0, bearing))


def destination(
    lat_deg: ArrayLike, lon_deg: ArrayLike, bearing_deg: ArrayLike, distance_km: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where one gets to: latitude and longitude in degrees after ``distance_km`` along a great circle.

    Args:
        lat_deg: of the start.
        lon_deg: of the start.
        bearing_deg: direction at the start, clockwise from north.
        distance_km: along the great circle; may go round the Earth more than once.
    """
    lat, turn = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(bearing_deg, np.float64))
    angle = np.asarray(distance_km, np.float64) / EARTH_RADIUS_KM
    forward, ahead = np.sin(angle) * np.cos(turn), np.cos(angle)
    x = np.cos(lat) * ahead - np.sin(lat) * forward
    y = np.sin(angle) * np.sin(turn)
    z = np.sin(lat) * ahead + np.cos(lat) * forward
    # atan2 instead of asin z: asin loses half of the digits near the poles.
    there = np.degrees(np.arctan2(z, np.hypot(x, y)))
    lon = wrap_lon_deg(np.asarray(lon_deg, np.float64) + np.degrees(np.arctan2(y, x)))
    return np.asarray(there), lon


def _lon_difference(lon1_deg: ArrayLike, lon2_deg: ArrayLike) -> NDArray[np.float64]:
    """Longitude 2 minus longitude 1 the short way, in radians."""
    difference = np.asarray(lon2_deg, np.float64) - np.asarray(lon1_deg, np.float64)
    return np.asarray(np.radians(difference - 360 * np.round(difference / 360)))

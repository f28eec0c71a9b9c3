"""Positions as unit vectors, where straight chords stand for great circles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.geo.distance import EARTH_RADIUS_KM, wrap_lon_deg


def to_unit(lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors, float64 (n, 3) for positions (n,) and (3,) for one.

    x points to latitude 0, longitude 0, y to latitude 0, longitude 90, z to the north pole.
    """
    lat, lon = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(lon_deg, np.float64))
    lat, lon = np.broadcast_arrays(lat, lon)
    across = np.cos(lat)
    return np.stack([across * np.cos(lon), across * np.sin(lon), np.sin(lat)], axis=-1)


def from_unit(xyz: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude in degrees of vectors (..., 3) of any length but 0."""
    x, y, z = np.moveaxis(np.asarray(xyz, np.float64), -1, 0)
    return np.asarray(np.degrees(np.arctan2(z, np.hypot(x, y)))), wrap_lon_deg(np.degrees(np.arctan2(y, x)))


def chord_from_km(distance_km: ArrayLike) -> NDArray[np.float64]:
    """Length of the straight chord on the unit sphere, 0 to 2; distances beyond the antipode count as the antipode."""
    half = np.clip(np.asarray(distance_km, np.float64) / (2 * EARTH_RADIUS_KM), 0, np.pi / 2)
    return np.asarray(2 * np.sin(half))


def km_from_chord(chord: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in km of a chord of the unit sphere; the inverse of :func:`chord_from_km`."""
    half = np.clip(np.asarray(chord, np.float64) / 2, 0, 1)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(half))


def mean_position(lat_deg: ArrayLike, lon_deg: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """The spherical mean: the direction of the (weighted) sum of unit vectors, as latitude and longitude in degrees.

    It minimises the weighted sum of squared chords. Where positions cancel out (two antipodes, an even ring
    round the equator), no mean exists: the position of the largest weight is returned, the first of equals.

    Raises:
        EmptyInputError: there is no position, or no weight above 0.
        UsageError: a position or a weight is not finite, a weight is negative, or the shapes differ.
    """
    xyz = np.atleast_2d(to_unit(lat_deg, lon_deg))
    share = np.ones(len(xyz)) if weights is None else np.atleast_1d(np.asarray(weights, np.float64))
    if share.shape != xyz.shape[:1]:
        raise UsageError(f"{len(xyz)} positions cannot have weights of shape {share.shape}; give one weight each.")
    if not (np.isfinite(xyz).all() and np.isfinite(share).all()) or (share < 0).any():
        raise UsageError("A mean position needs finite positions and weights that are not negative.")
    if not share.sum() > 0:
        raise EmptyInputError("There is no mean of no positions: give at least one with a weight above 0.")
    share = share / share.max()
    total = share @ xyz
    if np.linalg.norm(total) < 1e-12 * share.sum():
        total = xyz[int(np.argmax(share))]
    lat, lon = from_unit(total)
    return float(lat), float(lon)

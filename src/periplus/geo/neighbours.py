"""Who is near: a KD-tree on unit vectors, exact across the date line and at the poles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from periplus.errors import EmptyInputError, UsageError
from periplus.geo.distance import distance_km
from periplus.geo.unit import chord_from_km, to_unit

Rows = NDArray[np.int64]


class Neighbours:
    """Positions that can be asked for those near a place.

    Args:
        lat_deg, lon_deg: (n,) degrees. Rows without position (NaN) keep their number and are never found.

    Chords choose candidates and :func:`periplus.geo.distance_km` decides, so that "within" means what it says
    to the last bit.
    """

    def __init__(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> None:
        self.lat_deg = np.atleast_1d(np.asarray(lat_deg, np.float64))
        self.lon_deg = np.atleast_1d(np.asarray(lon_deg, np.float64))
        if self.lat_deg.ndim != 1 or self.lat_deg.shape != self.lon_deg.shape:
            raise UsageError(f"Latitudes {self.lat_deg.shape} and longitudes {self.lon_deg.shape} must both be (n,).")
        self._known = np.flatnonzero(np.isfinite(self.lat_deg) & np.isfinite(self.lon_deg)).astype(np.int64)
        self._tree = cKDTree(to_unit(self.lat_deg[self._known], self.lon_deg[self._known]).reshape(-1, 3))

    def __len__(self) -> int:
        return len(self.lat_deg)

    def within_km(self, lat_deg: ArrayLike, lon_deg: ArrayLike, radius_km: float) -> list[Rows]:
        """Rows at most ``radius_km`` away, one sorted int64 array a place asked for.

        Args:
            lat_deg: (q,) degrees, or one number.
            lon_deg: the same.
            radius_km: great-circle distance, not negative.
        """
        lat, lon = _places(lat_deg, lon_deg)
        found = self._tree.query_ball_point(to_unit(lat, lon), _loose_chord(radius_km))
        answers: list[Rows] = []
        for q, candidates in enumerate(found):
            rows = self._known[np.sort(np.asarray(candidates, np.int64))]
            near = distance_km(lat[q], lon[q], self.lat_deg[rows], self.lon_deg[rows]) <= radius_km
            answers.append(rows[near])
        return answers

    def nearest(self, lat_deg: ArrayLike, lon_deg: ArrayLike, k: int = 1) -> tuple[Rows, NDArray[np.float64]]:
        """The k nearest rows and their distances in km, nearest first: int64 (q, k) and float64 (q, k).

        k shrinks to the number of known positions where there are fewer.

        Raises:
            EmptyInputError: no position is known.
            UsageError: k is below 1.
        """
        lat, lon = _places(lat_deg, lon_deg)
        if k < 1:
            raise UsageError(f"Ask for at least one neighbour, not {k}.")
        if not len(self._known):
            raise EmptyInputError("There is no nearest neighbour: none of the rows has a position.")
        k = min(k, len(self._known))
        _, index = self._tree.query(to_unit(lat, lon), k=np.arange(1, k + 1))
        rows = self._known[index]
        km = distance_km(lat[:, None], lon[:, None], self.lat_deg[rows], self.lon_deg[rows])
        # Chords of near-antipodes tie before their distances do.
        order = np.argsort(km, axis=1, kind="stable")
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(km, order, axis=1)

    def pairs_within_km(self, radius_km: float) -> Rows:
        """All pairs of rows at most ``radius_km`` apart: int64 (m, 2), the smaller row first, in sorted order."""
        pairs = self._known[self._tree.query_pairs(float(_loose_chord(radius_km)), output_type="ndarray")]
        a, b = pairs[:, 0], pairs[:, 1]
        apart = distance_km(self.lat_deg[a], self.lon_deg[a], self.lat_deg[b], self.lon_deg[b])
        pairs = pairs[apart <= radius_km]
        return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], np.int64)


def _places(lat_deg: ArrayLike, lon_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lat, lon = np.atleast_1d(np.asarray(lat_deg, np.float64)), np.atleast_1d(np.asarray(lon_deg, np.float64))
    if lat.ndim != 1 or lat.shape != lon.shape:
        raise UsageError(f"Latitudes {lat.shape} and longitudes {lon.shape} of the places must both be (q,).")
    if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        row = int(np.flatnonzero(~(np.isfinite(lat) & np.isfinite(lon)))[0])
        raise UsageError(f"Place {row} has no position (lat {lat[row]}, lon {lon[row]}); leave such places out.")
    return lat, lon


def _loose_chord(radius_km: float) -> float:
    """A chord that loses no neighbour to rounding."""
    if not radius_km >= 0:
        raise UsageError(f"A radius of {radius_km} km finds nothing; it must not be negative.")
    return float(chord_from_km(radius_km)) * (1 + 1e-12) + 1e-15

"""The nearest of fixed points, for very many places at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from periplus.errors import EmptyInputError, UsageError
from periplus.geo.unit import chord_from_km, to_unit

_FEW: Final = 2048
"""So few are asked as they come: putting them in order costs more than it saves."""

_NOT_FAR: Final = float(chord_from_km(20))


class NearestPoint:
    """The one nearest of n points, exactly, for as many places as are asked.

    Places are asked in the order of a curve that fills the map, so that neighbours find their points in the cache, and
    a place that stands there many times is asked once. :class:`~periplus.geo.Neighbours` is for more than one
    neighbour and for distances.

    Args:
        lat_deg, lon_deg: (n,) degrees, all known. Of points at one position the first is found.

    Raises:
        EmptyInputError: there is no point.
    """

    def __init__(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> None:
        where = np.column_stack([np.asarray(lat_deg, np.float64), np.asarray(lon_deg, np.float64)])
        if not len(where):
            raise EmptyInputError("There is no nearest of no points: give at least one.")
        self._rows = np.sort(np.unique(where, axis=0, return_index=True)[1]).astype(np.int32)
        points = to_unit(*where[self._rows].T)
        # Built twice: the second time the points lie in memory as the tree visits them.
        order = cKDTree(points).indices
        self._rows, self._tree = self._rows[order], cKDTree(points[order])

    def rows(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.int32]:
        """The row of the nearest point of each place: int32 (q,).

        Raises:
            UsageError: a place has no position.
        """
        lat, lon = np.atleast_1d(np.asarray(lat_deg, np.float64)), np.atleast_1d(np.asarray(lon_deg, np.float64))
        if not np.isfinite(lat + lon).all():
            row = int(np.flatnonzero(~np.isfinite(lat + lon))[0])
            raise UsageError(f"Place {row} has no position (lat {lat[row]}, lon {lon[row]}); leave such places out.")
        if len(lat) < _FEW:
            return self._found(lat, lon)
        order = np.argsort(_along_curve(lat, lon))
        lat, lon = lat[order], lon[order]
        new = np.ones(len(lat), np.bool_)
        new[1:] = (lat[1:] != lat[:-1]) | (lon[1:] != lon[:-1])
        found = np.empty(len(lat), np.int32)
        found[order] = self._found(lat[new], lon[new])[np.cumsum(new) - 1]
        return found

    def _found(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int32]:
        places = to_unit(lat, lon).reshape(-1, 3)
        many = -1 if len(places) > _FEW else 1
        # To know from the start that it is not far saves a quarter of the search; those for whom it is ask again.
        index = np.asarray(self._tree.query(places, distance_upper_bound=_NOT_FAR, workers=many)[1])
        far = np.flatnonzero(index == self._tree.n)
        index[far] = self._tree.query(places[far], workers=many)[1]
        return np.asarray(self._rows[index], np.int32)


def _along_curve(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Numbers of cells of 0.003° x 0.006° along the Z-order curve."""
    north, east = ((lat_deg + 90) / 180, (lon_deg + 180) / 360)
    cells = [np.clip(part * 65536, 0, 65535).astype(np.uint32) for part in (north, east)]
    return np.asarray((_spread(cells[0]) << np.uint32(1)) | _spread(cells[1]))


def _spread(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Put a zero before each of 16 bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint32(shift))) & np.uint32(mask)
    return bits

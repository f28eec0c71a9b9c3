"""Which of many positions are on land: the answers of :func:`periplus.geo.coastline.is_land`, by the million."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError
from periplus.geo.coastline import flat_coastline
from periplus.geo.distance import wrap_lon_deg

_LEVELS_AT_ONCE: Final = 4096
Numbers = NDArray[np.float64]


def on_land(lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.bool_]:
    """Whether each position is on land, bool (n,): by the even-odd rule on the flat map, bit for bit as ``is_land``.

    The coast is cut once for each latitude that occurs, and the positions of that latitude are found among the cuts.

    Raises:
        UsageError: a position is not finite, or the shapes differ.
    """
    lat, lon = np.atleast_1d(np.asarray(lat_deg, np.float64)), np.atleast_1d(np.asarray(lon_deg, np.float64))
    if lat.ndim != 1 or lat.shape != lon.shape or not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        raise UsageError(f"Land is told of finite positions (n,); got shapes {lat.shape} and {lon.shape}.")
    lon = wrap_lon_deg(lon)
    order = np.argsort(lat, kind="stable")
    levels, starts = np.unique(lat[order], return_index=True)
    land = np.zeros(len(lat), np.bool_)
    for rows, cuts in zip(np.split(order, starts[1:]), _cuts(levels), strict=False):
        land[rows] = (len(cuts) - np.searchsorted(cuts, lon[rows], side="right")) % 2 == 1
    return land


def _cuts(levels: Numbers) -> Iterator[Numbers]:
    """For each of ascending latitudes, the longitudes at which the coast crosses it, ascending."""
    south, north, edges = _edges()
    for first in range(0, len(levels), _LEVELS_AT_ONCE):
        some = levels[first : first + _LEVELS_AT_ONCE]
        # An edge crosses the latitudes from its southern end, included, to its northern end, excluded.
        low, high = np.searchsorted(some, south), np.searchsorted(some, north)
        count = high - low
        edge = np.repeat(np.arange(len(low)), count)
        level = low[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        lat, lon, next_lat, next_lon = edges[:, edge]
        share = (some[level] - lat) / (next_lat - lat)
        crossing = lon + share * (next_lon - lon)
        order = np.lexsort((crossing, level))
        yield from np.split(crossing[order], np.searchsorted(level[order], np.arange(1, len(some))))


@cache
def _edges() -> tuple[Numbers, Numbers, Numbers]:
    """The flat coastline's edges: their southern and northern ends, and (4, m) latitude and longitude of both ends."""
    rings = flat_coastline()
    edges = np.concatenate([np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings]).T.copy()
    return np.minimum(edges[0], edges[2]), np.maximum(edges[0], edges[2]), edges

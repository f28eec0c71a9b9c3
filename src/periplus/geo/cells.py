"""Cells of nearly equal area: a count per cell that means the same in Norway and in Kenya."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError
from periplus.geo.distance import EARTH_RADIUS_KM, wrap_lon_deg

_COLUMN_BITS: Final = 32
_SMALLEST_KM: Final = 1e-4


def cell_of(lat_deg: ArrayLike, lon_deg: ArrayLike, side_km: float) -> NDArray[np.int64]:
    """The cell of each position, int64 (n,); -1 where there is no position (NaN).

    The sphere is cut into bands of latitude of equal height near ``side_km``, each band into the whole number of
    columns that brings the area of its cells nearest to the band's height squared. At the poles cells are 5 %
    larger than that; elsewhere they differ by less. Numbers are stable for one ``side_km``, not consecutive:
    the band above, the column in the lower 32 bits.

    Args:
        lat_deg: degrees, broadcast with the longitudes.
        lon_deg: degrees.
        side_km: the wanted side of a cell, from 0.0001 km up.

    Raises:
        UsageError: the side is too small.
    """
    bands = _bands(side_km)
    lat, lon = np.broadcast_arrays(np.asarray(lat_deg, np.float64), wrap_lon_deg(lon_deg))
    known = np.isfinite(lat) & np.isfinite(lon)
    lat, lon = np.where(known, lat, 0.0), np.where(known, lon, 0.0)
    band = np.clip(np.floor((lat + 90) / 180 * bands), 0, bands - 1).astype(np.int64)
    columns = _columns(band, bands)
    column = np.minimum((lon + 180) / 360 * columns, columns - 1).astype(np.int64)
    return np.asarray(np.where(known, (band << _COLUMN_BITS) | column, -1), np.int64)


def cell_centre(cell: ArrayLike, side_km: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude in degrees of the middle of cells that :func:`cell_of` numbered; NaN for -1.

    Raises:
        UsageError: a number is of no cell of this side.
    """
    bands = _bands(side_km)
    cells = np.asarray(cell, np.int64)
    band, column = cells >> _COLUMN_BITS, cells & ((1 << _COLUMN_BITS) - 1)
    columns = _columns(np.clip(band, 0, bands - 1), bands)
    unknown = cells == -1
    wrong = ~unknown & ((band < 0) | (band >= bands) | (column >= columns))
    if wrong.any():
        raise UsageError(
            f"{int(cells[wrong].flat[0])} is no cell of side {side_km} km; give the side it was made with."
        )
    lat, lon = (band + 0.5) / bands * 180 - 90, (column + 0.5) / columns * 360 - 180
    return np.where(unknown, np.nan, lat), np.where(unknown, np.nan, lon)


def _bands(side_km: float) -> int:
    if not side_km >= _SMALLEST_KM:
        raise UsageError(f"Cells of side {side_km} km are too small; take at least {_SMALLEST_KM} km.")
    return max(1, round(np.pi * EARTH_RADIUS_KM / side_km))


def _columns(band: NDArray[np.int64], bands: int) -> NDArray[np.int64]:
    """How many cells a band has: its area over its height squared, on the unit sphere."""
    height = np.pi / bands
    # sin b - sin a = 2 cos((a+b)/2) sin((b-a)/2), without cancellation.
    area = 4 * np.pi * np.cos((band + 0.5) * height - np.pi / 2) * np.sin(height / 2)
    return np.asarray(np.maximum(1, np.round(area / height**2)), np.int64)

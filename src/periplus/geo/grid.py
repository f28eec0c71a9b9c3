"""Positions spread evenly over the Earth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.geo.cells import cell_centre, cell_of
from periplus.geo.distance import EARTH_RADIUS_KM
from periplus.geo.land_mask import on_land

Numbers = NDArray[np.float64]


def grid_positions(side_km: float, *, land_only: bool = True) -> tuple[Numbers, Numbers, Numbers]:
    """The centres of the cells of :func:`periplus.geo.cell_of`: latitudes, longitudes in degrees, areas in km²; (n,).

    Ordered from south to north and from west to east. Areas are exact; they differ from ``side_km``² by what
    ``cell_of`` says, and those of the whole grid sum to the Earth.

    Args:
        side_km: of a cell. 100 km makes 51,000 cells, 15,000 of them on land; the number grows with its square.
        land_only: only cells whose centre is on land (Natural Earth 1:50 million); an island that holds no centre has
            no cell.

    Raises:
        UsageError: the side is too small.
    """
    bands = int(cell_of(90.0, 0.0, side_km)) >> 32
    middle = (np.arange(bands + 1) + 0.5) / (bands + 1) * 180 - 90
    # The last column of a band ends at the date line.
    last = cell_of(middle, 180 - 1e-9, side_km)
    band = last >> 32
    columns = last - (band << 32) + 1
    cells = np.repeat(band << 32, columns) + np.arange(columns.sum()) - np.repeat(columns.cumsum() - columns, columns)
    lat, lon = cell_centre(cells, side_km)
    edge = np.sin(np.radians(np.arange(bands + 2) / (bands + 1) * 180 - 90))
    area = np.repeat(2 * np.pi * EARTH_RADIUS_KM**2 * np.diff(edge) / columns, columns)
    if not land_only:
        return lat, lon, area
    kept = on_land(lat, lon)
    return lat[kept], lon[kept], area[kept]

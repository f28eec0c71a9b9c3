"""Circles on the sphere as GeoJSON polygons that no reader misunderstands."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.geo import destination, distance_km

CORNERS: Final = 64
Ring = list[list[float]]


def circle(lat_deg: float, lon_deg: float, radius_km: float) -> dict[str, object]:
    """A circle as a GeoJSON geometry: a 64-gon whose corners lie on it, counter-clockwise (RFC 7946, 3.1.6).

    One that crosses the date line is cut there into a MultiPolygon (3.1.9). One that holds a pole gets an edge
    along it. One that holds both poles is given as the whole world, which holds a little more than the circle.

    Args:
        lat_deg: of the centre.
        lon_deg: of the centre.
        radius_km: above 0.
    """
    south, north = (radius_km >= distance_km(lat_deg, 0, pole, 0) for pole in (-90, 90))
    if south and north:
        return {"type": "Polygon", "coordinates": [_closed([[-180, -90], [180, -90], [180, 90], [-180, 90]])]}
    bearings = -np.arange(CORNERS) * 360 / CORNERS
    lat, lon = destination(lat_deg, lon_deg, bearings, radius_km)
    lon = lon_deg + (lon - lon_deg + 180) % 360 - 180
    if south or north:
        return {"type": "Polygon", "coordinates": [_cap(lat, lon, 90.0 if north else -90.0)]}
    corners = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    parts = [_shifted(_clipped(corners, shift), -shift) for shift in (-360.0, 0.0, 360.0)]
    rings = [[_closed(part)] for part in parts if len(part) > 2]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _cap(lat: NDArray[np.float64], lon: NDArray[np.float64], pole_deg: float) -> Ring:
    """A ring round a pole: along the circle from 180 W to 180 E, back along the pole."""
    lon = (lon + 180) % 360 - 180
    order = np.argsort(lon)
    lat, lon = lat[order], lon[order]
    # Where the circle meets the date line, between its last and its first corner.
    gap = lon[0] + 360 - lon[-1]
    edge = float(lat[-1] + (lat[0] - lat[-1]) * (180 - lon[-1]) / gap) if gap > 0 else float(lat[0])
    circle_ = [[-180.0, edge], *([float(x), float(y)] for x, y in zip(lon, lat, strict=True)), [180.0, edge]]
    ring = [*circle_, [180.0, pole_deg], [-180.0, pole_deg]]
    return _closed(ring if pole_deg > 0 else ring[::-1])


def _clipped(ring: Ring, shift: float) -> Ring:
    """The part of a ring between 180 W and 180 E, both moved by ``shift`` (Sutherland and Hodgman)."""
    for edge, inside in ((shift - 180, 1.0), (shift + 180, -1.0)):
        kept: Ring = []
        for (x0, y0), (x1, y1) in zip([ring[-1], *ring[:-1]] if ring else [], ring, strict=True):
            if (x0 - edge) * (x1 - edge) < 0:
                kept.append([edge, y0 + (y1 - y0) * (edge - x0) / (x1 - x0)])
            if (x1 - edge) * inside >= 0:
                kept.append([x1, y1])
        ring = kept
    return ring if np.ptp([x for x, _ in ring] or [0.0]) > 0 else []


def _shifted(ring: Ring, by: float) -> Ring:
    return [[x + by, y] for x, y in ring]


def _closed(ring: Ring) -> Ring:
    return [*ring, ring[0]]

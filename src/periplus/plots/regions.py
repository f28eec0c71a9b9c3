"""Outlines of the smallest regions that hold a share of a belief: for maps, and as GeoJSON."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.geo import EQUAL_EARTH_HEIGHT, EQUAL_EARTH_WIDTH, equal_earth, equal_earth_inverse
from periplus.plots.heat import HEAT_HEIGHT_PX, HEAT_WIDTH_PX, WORLD_WIDE_KM, Heat, heat, is_world_wide
from periplus.plots.svg import path_data
from periplus.records import Fix

SHARES: Final = (0.5, 0.9)
_FINER: Final = 2
_WIDE: Final = HEAT_WIDTH_PX * _FINER
_HIGH: Final = HEAT_HEIGHT_PX * _FINER
_BEYOND_PX: Final = 6
_AT_RIM_PX: Final = 2.2
_SIMPLER_PX: Final = 0.7
Mask = NDArray[np.uint8]
Ring = list[list[float]]


def region_path(belief: Heat, share: float, width_px: float) -> str:
    """Path data of a region's outline on a world map; it goes on beside the map, which is to be cut off.

    Args:
        belief: on the raster.
        share: of the belief that the region holds, 0 to 1.
        width_px: of the whole map.
    """
    mask = np.pad(_region(belief, share), _BEYOND_PX, "edge")
    rings, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    scale = width_px / _WIDE
    return "".join(path_data((_simple(ring) - _BEYOND_PX + 0.5) * scale, closed=True) for ring in rings)


def world_regions(fix: Fix) -> list[tuple[float, dict[str, object]]]:
    """The smallest regions that hold 50 % and 90 % of a fix's belief, as GeoJSON MultiPolygons by their share.

    They are right to a pixel of the raster, about 50 km. A region that crosses the date line is cut there, one that
    holds a pole ends along it (RFC 7946, 3.1.9).

    Returns:
        Nothing where the fix has no density, or a 90 % radius of 200 km at most: circles say that better.
    """
    if fix.density is None or not is_world_wide(fix) or fix.radius_km_90 <= WORLD_WIDE_KM:
        return []
    belief = heat(fix.density)
    return [(share, _multipolygon(belief, share)) for share in SHARES]


def _multipolygon(belief: Heat, share: float) -> dict[str, object]:
    on_map = cv2.resize(belief.on_map.astype(np.uint8), None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    rings, kinship = cv2.findContours(
        _region(belief, share) & np.asarray(on_map, np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    polygons: dict[int, list[Ring]] = {}
    for number, (ring, parent) in enumerate(zip(rings, kinship[0, :, 3].tolist(), strict=True)):
        outline = _degrees(_simple(ring))
        if len(outline) < 4:
            continue
        if parent < 0:
            polygons[number] = [outline]
        elif parent in polygons:
            polygons[parent].append(outline)
    return {"type": "MultiPolygon", "coordinates": list(polygons.values())}


def _region(belief: Heat, share: float) -> Mask:
    """The region on a raster twice as fine, 0 and 1; a pixel of it never gets lost between its neighbours."""
    least = belief.densest(share)
    size = (_WIDE, _HIGH)
    fine = cv2.resize(belief.times, size, interpolation=cv2.INTER_LINEAR) >= least
    blocks = fine.reshape(HEAT_HEIGHT_PX, _FINER, HEAT_WIDTH_PX, _FINER)
    lost = (belief.times >= least) & ~blocks.any(axis=(1, 3))
    blocks |= lost[:, None, :, None]
    return np.ascontiguousarray(fine, np.uint8)


def _simple(ring: cv2.typing.MatLike) -> NDArray[np.float64]:
    """A ring (n, 2) without the corners that no eye sees; a small one as it is."""
    simple = cv2.approxPolyDP(ring, _SIMPLER_PX, closed=True) if len(ring) > 8 else ring
    return np.asarray(simple[:, 0], np.float64)


def _degrees(ring: NDArray[np.float64]) -> Ring:
    """A ring of pixels as longitudes and latitudes, closed; what is at the rim of the map is put on it.

    Outer rings run counter-clockwise and holes clockwise (RFC 7946, 3.1.6), as OpenCV has them with y down.
    """
    pixel_x, pixel_y = 2 * EQUAL_EARTH_WIDTH / _WIDE, 2 * EQUAL_EARTH_HEIGHT / _HIGH
    x, y = (ring[:, 0] + 0.5) * pixel_x - EQUAL_EARTH_WIDTH, EQUAL_EARTH_HEIGHT - (ring[:, 1] + 0.5) * pixel_y
    lat, _ = equal_earth_inverse(0.0, y)
    edge = equal_earth(lat, 180.0)[0]
    lon = np.where(edge - np.abs(x) < _AT_RIM_PX * pixel_x, np.copysign(180.0, x), 180 * x / edge)
    lat = np.where(EQUAL_EARTH_HEIGHT - np.abs(y) < _AT_RIM_PX * pixel_y, np.copysign(90.0, y), lat)
    corners = np.round(np.stack([lon, lat], axis=1), 3).tolist()
    return [*corners, corners[0]]

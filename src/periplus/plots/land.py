"""Land as SVG paths: around a place, and of the whole world."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.geo import EQUAL_EARTH_HEIGHT, EQUAL_EARTH_WIDTH, equal_earth, from_unit, to_unit
from periplus.geo.clip import clip_box
from periplus.geo.coastline import coastline, flat_coastline, is_land
from periplus.plots.svg import Markup, path_data, tag
from periplus.plots.view import View

WORLD_WIDTH_PX: Final = 540.0
WORLD_HEIGHT_PX: Final = WORLD_WIDTH_PX * EQUAL_EARTH_HEIGHT / EQUAL_EARTH_WIDTH
_LONGEST_EDGE_PX: Final = 300.0
_MARGIN_PX: Final = 4.0


def land_data(view: View) -> str:
    """Path data of the land in a view, to be filled by the even-odd rule; its edges beside the picture included."""
    low = (-_MARGIN_PX, -_MARGIN_PX)
    high = (view.width_px + _MARGIN_PX, view.height_px + _MARGIN_PX)
    parts = [_outline(clip_box(_projected(ring, view), low, high)) for ring in coastline()]
    # The map's rim is the antipode of its centre. Coasts say where land begins; whether the rim is land, they do not.
    antipode_lon = (view.lon_deg + 360) % 360 - 180
    if is_land(-view.lat_deg, antipode_lon):
        (x0, y0), (x1, y1) = low, high
        parts.append(f"M{x0},{y0}H{x1}V{y1}H{x0}Z")
    return "".join(parts)


@cache
def world_symbol() -> Markup:
    """The world in Equal Earth as a symbol ``world``, to be put into a page once and used many times."""
    rim_lat = np.linspace(-90, 90, 61)
    rim = world_px(np.concatenate([rim_lat, rim_lat[::-1]]), np.repeat([-180.0, 180.0], 61))
    grid = [world_px(rim_lat, np.full(61, lon)) for lon in range(-120, 180, 60)]
    grid += [world_px(np.full(2, lat), np.asarray([-180.0, 180.0])) for lat in (-60, -30, 0, 30, 60)]
    rings = [world_px(ring[:, 0], ring[:, 1]) for ring in flat_coastline()]
    land = "".join(_outline(ring) for ring in rings if np.ptp(ring, axis=0).max() > 1)
    return tag(
        "symbol",
        tag("path", class_="sea", d=path_data(rim, closed=True)),
        tag("path", class_="land", fill_rule="evenodd", d=land),
        tag("path", class_="grid", d="".join(path_data(line) for line in grid)),
        tag("path", class_="frame", d=path_data(rim, closed=True)),
        id="world",
        viewBox=f"-1 -1 {WORLD_WIDTH_PX + 2:.0f} {WORLD_HEIGHT_PX + 2:.1f}",
    )


def world_px(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels (n, 2) of positions on the world map."""
    x, y = equal_earth(lat_deg, lon_deg)
    scale = WORLD_WIDTH_PX / 2 / EQUAL_EARTH_WIDTH
    return np.stack([WORLD_WIDTH_PX / 2 + x * scale, WORLD_HEIGHT_PX / 2 - y * scale], axis=-1)


def _outline(ring: NDArray[np.float64]) -> str:
    """Path data of a ring, simplified as far as no eye sees (Douglas and Peucker)."""
    if len(ring) < 3:
        return ""
    simple = cv2.approxPolyDP(ring.astype(np.float32)[:, None], 0.3, closed=True)[:, 0]
    return path_data(simple.astype(np.float64), closed=True, grid_px=0.5) if len(simple) > 2 else ""


def _projected(ring: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """A coast in pixels. Near the antipode short edges become long ones, which go round the map, not through it."""
    points = view.to_px(ring[:, 0], ring[:, 1])
    length = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    parts = np.clip(np.ceil(length / _LONGEST_EDGE_PX), 1, 64).astype(np.int64)
    if not (parts > 1).any():
        return points
    edge = np.repeat(np.arange(len(parts)), parts)
    share = (np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[edge]
    xyz = to_unit(ring[:, 0], ring[:, 1])
    lat, lon = from_unit(xyz[edge] + share[:, None] * (xyz[edge + 1] - xyz[edge]))
    return view.to_px(lat, lon)

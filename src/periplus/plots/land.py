"""Land as SVG paths: around a place, and of the whole world."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.geo import (
    EARTH_RADIUS_KM,
    EQUAL_EARTH_HEIGHT,
    EQUAL_EARTH_WIDTH,
    equal_earth,
    from_unit,
    mean_position,
    to_unit,
)
from periplus.geo.clip import clip_box
from periplus.geo.coastline import coastline, flat_coastline, is_land
from periplus.plots.svg import Markup, join, path_data, tag
from periplus.plots.view import View

WORLD_WIDTH_PX: Final = 540.0
WORLD_HEIGHT_PX: Final = WORLD_WIDTH_PX * EQUAL_EARTH_HEIGHT / EQUAL_EARTH_WIDTH
_LONGEST_EDGE_PX: Final = 300.0
_MARGIN_PX: Final = 4.0


def land_data(view: View) -> str:
    """Path data of the land in a view, to be filled by the even-odd rule; its edges beside the picture included."""
    low = (-_MARGIN_PX, -_MARGIN_PX)
    high = (view.width_px + _MARGIN_PX, view.height_px + _MARGIN_PX)
    parts = [_outline(clip_box(_projected(ring, view), low, high)) for ring in _coasts_near(view)]
    # The map's rim is the antipode of its centre. Coasts say where land begins; whether the rim is land, they do not.
    antipode_lon = (view.lon_deg + 360) % 360 - 180
    if is_land(-view.lat_deg, antipode_lon):
        (x0, y0), (x1, y1) = low, high
        parts.append(f"M{x0},{y0}H{x1}V{y1}H{x0}Z")
    return "".join(parts)


@cache
def world_symbol(*, fine: bool = False) -> Markup:
    """The world in Equal Earth as a symbol ``world``, to be put into a page once and used many times.

    Its coasts, ``coasts``, can be used alone, over a tint.

    Args:
        fine: with the coasts that a map over the whole width of a page shows, in twice as many bytes.
    """
    box = f"-1 -1 {WORLD_WIDTH_PX + 2:.0f} {WORLD_HEIGHT_PX + 2:.1f}"
    return tag("symbol", world_ground(fine=fine), id="world", viewBox=box)


@cache
def world_ground(*, fine: bool = False) -> Markup:
    """Sea, land, graticule and frame of the world map in its pixels; as in :func:`world_symbol`."""
    rim = path_data(_rim(), closed=True)
    rim_lat = np.linspace(-90, 90, 61)
    grid = [world_px(rim_lat, np.full(61, lon)) for lon in range(-120, 180, 60)]
    grid += [world_px(np.full(2, lat), np.asarray([-180.0, 180.0])) for lat in (-60, -30, 0, 30, 60)]
    rings = [world_px(ring[:, 0], ring[:, 1]) for ring in flat_coastline()]
    smallest, detail = (0.6, 0.4) if fine else (1.0, 1.0)
    land = "".join(_outline(ring, detail) for ring in rings if np.ptp(ring, axis=0).max() > smallest)
    coasts = tag("path", id="coasts", class_="thin", fill_rule="evenodd", d=land)
    return join(
        [
            tag("path", class_="sea", d=rim),
            tag("defs", coasts),
            tag("use", href="#coasts", class_="land"),
            tag("path", class_="grid thin", d="".join(path_data(line) for line in grid)),
            tag("path", class_="frame thin", d=rim),
        ]
    )


def world_rim() -> Markup:
    """The rim of the world map as a clip path ``rim``, to be put into a page once: maps cut off there what goes on."""
    return tag("clipPath", tag("path", d=path_data(_rim(), closed=True)), id="rim")


def _rim() -> NDArray[np.float64]:
    """The rim of the world map in pixels (n, 2)."""
    lat = np.linspace(-90, 90, 61)
    return world_px(np.concatenate([lat, lat[::-1]]), np.repeat([-180.0, 180.0], 61))


def world_px(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels (n, 2) of positions on the world map."""
    x, y = equal_earth(lat_deg, lon_deg)
    scale = WORLD_WIDTH_PX / 2 / EQUAL_EARTH_WIDTH
    return np.stack([WORLD_WIDTH_PX / 2 + x * scale, WORLD_HEIGHT_PX / 2 - y * scale], axis=-1)


def _outline(ring: NDArray[np.float64], detail: float = 1.0) -> str:
    """Path data of a ring, simplified as far as no eye sees (Douglas and Peucker); finer where ``detail`` is less."""
    if len(ring) < 3:
        return ""
    simple = cv2.approxPolyDP(ring.astype(np.float32)[:, None], 0.3 * detail, closed=True)[:, 0]
    return path_data(simple.astype(np.float64), closed=True, grid_px=0.5 * detail) if len(simple) > 2 else ""


def _coasts_near(view: View) -> list[NDArray[np.float64]]:
    """The coasts that a view may show. One round its antipode goes round the whole map, so it counts too."""
    centres, radius = _caps()
    here = to_unit(view.lat_deg, view.lon_deg)
    away = np.degrees(np.arccos(np.clip(centres @ here, -1, 1)))
    reach = np.degrees((view.reach_km + 2 * _MARGIN_PX / view.px_per_km) / EARTH_RADIUS_KM)
    near = (away < radius + reach + 0.01) | (180 - away < radius + 0.01)
    return [coastline()[row] for row in np.flatnonzero(near).tolist()]


@cache
def _caps() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A cap round each coast: centres as unit vectors (n, 3), radii in degrees (n,)."""
    centres, radii = [], []
    for ring in coastline():
        xyz = to_unit(ring[:, 0], ring[:, 1])
        centre = to_unit(*mean_position(ring[:, 0], ring[:, 1]))
        centres.append(centre)
        radii.append(np.degrees(np.arccos(np.clip((xyz @ centre).min(), -1, 1))))
    return np.stack(centres), np.asarray(radii)


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

"""A belief on the world in Equal Earth: on a raster whose pixels all have the same area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.geo import EQUAL_EARTH_HEIGHT, EQUAL_EARTH_WIDTH, equal_earth, equal_earth_inverse
from periplus.position.heat import grid
from periplus.records import Density, Fix

HEAT_WIDTH_PX: Final = 720
HEAT_HEIGHT_PX: Final = 350
_GRID_ROWS: Final = 360
"""Rows of the map by degrees that the raster is taken from: its pixels are hardly larger than the raster's."""
WORLD_WIDE_KM: Final = 200.0
"""An answer with a larger 90 % radius is shown on the world."""
Field = NDArray[np.float64]


@dataclass(frozen=True)
class Heat:
    """A belief on the raster.

    Attributes:
        times: float64 (350, 720), the probability per area as a multiple of the world's average. Beside the map it
            goes on where the same latitude comes in again on the other side, so that nothing ends at the date line.
        on_map: bool (350, 720), which pixels are on the map; over them ``times`` has the mean 1.
    """

    times: Field
    on_map: NDArray[np.bool_]

    def densest(self, share: float) -> float:
        """The least of ``times`` in the smallest region that holds a share of the belief, 0 to 1."""
        values = np.sort(self.times[self.on_map])[::-1]
        held = np.cumsum(values)
        return float(values[min(int(np.searchsorted(held, share * held[-1] * (1 - 1e-9))), len(values) - 1)])


def is_world_wide(fix: Fix) -> bool:
    """Whether a fix is one for a map of the world: it has a density, and areas or a 90 % radius above 200 km."""
    if fix.density is None or not len(fix.density.weights):
        return False
    return bool(fix.areas) or not fix.radius_km_90 <= WORLD_WIDE_KM


def heat(density: Density) -> Heat:
    """A density on the raster; kernels narrower than a pixel are drawn half a pixel wide and keep their weight.

    Args:
        density: at least one kernel.

    Raises:
        UsageError: there is no kernel.
    """
    bands, column, row, on_map = _places()
    dense = bands @ grid(density, _GRID_ROWS)
    # One more column on either side, so that the map goes on across the date line.
    turned = np.concatenate([dense[:, -1:], dense, dense[:, :1]], axis=1)
    times = np.asarray(cv2.remap(turned, column, row, cv2.INTER_LINEAR), np.float64)
    return Heat(times / times[on_map].mean(), on_map)


@cache
def _places() -> tuple[Field, NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """How the raster is taken from the map by degrees.

    Returns:
        A matrix (350, 360) from masses of the map's rows to densities in the raster's; the column of the map (counted
        with one more on the left) and the row of each pixel; and which pixels are on the Equal Earth map.
    """
    x = ((np.arange(HEAT_WIDTH_PX) + 0.5) / HEAT_WIDTH_PX * 2 - 1) * EQUAL_EARTH_WIDTH
    y = (1 - np.arange(2 * HEAT_HEIGHT_PX + 1) / HEAT_HEIGHT_PX) * EQUAL_EARTH_HEIGHT
    lat, _ = equal_earth_inverse(np.zeros(len(y)), y)
    turns = 0.5 + 0.5 * x / equal_earth(lat[1::2], 180.0)[0][:, None]
    row = np.repeat(np.arange(HEAT_HEIGHT_PX, dtype=np.float32)[:, None], HEAT_WIDTH_PX, axis=1)
    column = (turns % 1 * 2 * _GRID_ROWS + 0.5).astype(np.float32)
    return _bands(np.radians(lat)), column, row, (turns >= 0) & (turns <= 1)


def _bands(lat: Field) -> Field:
    """Rows of the raster as bands of latitude, at least as wide as a row of the map by degrees.

    Whole bands, not lines: near a pole one band has several rows, and none of them may fall out.

    Args:
        lat: radians, upper edges and middles of the raster's rows in turn and the last one's lower edge (701,).
    """
    edges = -np.sin(np.linspace(np.pi / 2, -np.pi / 2, _GRID_ROWS + 1))
    middle, half = lat[1::2], np.pi / _GRID_ROWS / 2
    upper = -np.sin(np.minimum(np.maximum(lat[:-1:2], middle + half), np.pi / 2))
    lower = -np.sin(np.maximum(np.minimum(lat[2::2], middle - half), -np.pi / 2))
    shared = np.minimum(lower[:, None], edges[1:]) - np.maximum(upper[:, None], edges[:-1])
    return np.asarray(np.maximum(shared, 0) / np.diff(edges) / (lower - upper)[:, None])

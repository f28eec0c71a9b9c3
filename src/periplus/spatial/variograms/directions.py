"""In which direction the axis of a pair of places lies."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.spatial.pairs.blocks import Values
from periplus.spatial.pairs.tiles import Tile

MOST_SECTORS: Final = 180


def sector_ends_deg(sectors: int) -> list[tuple[float, float]]:
    """From and to of each sector, degrees clockwise from north, of 180; the first is centred on north.

    Raises:
        UsageError: the number is not 1 to 180.
    """
    if not 1 <= sectors <= MOST_SECTORS:
        raise UsageError(f"There cannot be {sectors} sectors of direction; choose 1 to {MOST_SECTORS}.")
    width = 180 / sectors
    return [(width * s - width / 2, width * s + width / 2) for s in range(sectors)]


class Directions:
    """Sectors of axes: the azimuth of a pair's great circle at its midpoint, modulo 180, the same from either end.

    With unit vectors a and b at an angle h, the tangent of the great circle at (a + b) / |a + b| is (b - a) / |b - a|;
    its parts to the east and to the north stand as (a x b)_z to cos(h/2) (b - a)_z. Places that coincide, and pairs
    whose midpoint is a pole, count as north to south.

    Args:
        xyz: unit vectors (n, 3), in the order of the pass.
        sectors: how many; also an attribute.
        lags: classes that a sector has, the one outside the lags included.
    """

    def __init__(self, xyz: Values, sectors: int, lags: int) -> None:
        self._xyz, self._scale, self.sectors = xyz, sectors / np.pi, sectors
        self._first_class = (np.arange(2 * sectors + 1) % sectors * lags).astype(np.intp)

    def classes(self, tile: Tile) -> NDArray[np.intp]:
        """Sector times ``lags`` plus lag, intp (r, c), in place of the tile's lags."""
        azimuth = self.azimuth(tile)
        azimuth *= self._scale
        azimuth += self.sectors + 0.5
        number = np.asarray(tile.buffer("cell", np.int64), np.int64)
        np.copyto(number, azimuth, casting="unsafe")
        first = np.asarray(tile.buffer("sector", np.intp), np.intp)
        np.take(self._first_class, number, out=first, mode="clip")
        return np.add(first, tile.lag, out=first)

    def azimuth(self, tile: Tile) -> Values:
        """Of the axes, -π to π, float64 (r, c)."""
        a, b = self._xyz[tile.rows, :, None], self._xyz[tile.columns].T
        east, north, step = (np.asarray(tile.buffer(name), np.float64) for name in ("east", "north", "step"))
        # a x (b - a) = a x b, without its cancellation for neighbours.
        np.subtract(b[1], a[:, 1], out=east)
        east *= a[:, 0]
        np.subtract(b[0], a[:, 0], out=step)
        step *= a[:, 1]
        east -= step
        np.multiply(tile.arc, 0.5, out=north)
        np.cos(north, out=north)
        np.subtract(b[2], a[:, 2], out=step)
        north *= step
        return np.arctan2(east, north, out=east)

"""A belief as a picture of the world: how much of it falls on each pixel of an equirectangular map."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM
from periplus.position.kernels import kappa_of
from periplus.records import Density

_REACH: Final = 5.0
"""Standard deviations; 4 in a million lie beyond and are given back to the rest."""
_PIXELS_A_SIGMA: Final = 4
"""Kernels wider than this many pixels are drawn on a coarser map, where lines between its pixels are right to 1 %."""
_LEAST_ROWS: Final = 18
_LEAST_PIXELS: Final = 0.5


def pixel_area_km2(height: int) -> NDArray[np.float64]:
    """Area of a pixel in each row of a map of ``height`` x 2 ``height`` pixels, (height,), north first."""
    edges = np.sin(np.linspace(math.pi / 2, -math.pi / 2, height + 1))
    return np.asarray((edges[:-1] - edges[1:]) * math.pi / height * EARTH_RADIUS_KM**2)


def grid(density: Density, height: int = 180) -> NDArray[np.float64]:
    """The belief on each pixel, float64 (height, 2 height), sum 1; divided by :func:`pixel_area_km2` it is per km².

    The first row is the northernmost, the first column starts at longitude -180. A kernel narrower than half a pixel
    is drawn half a pixel wide: each keeps its whole weight.

    Args:
        density: a mixture of kernels.
        height: pixels from pole to pole, 180 for one degree.

    Raises:
        UsageError: there is nothing to draw, or no pixel to draw it on.
    """
    if height < 1 or not len(density.weights):
        raise UsageError(f"A map of {height} rows of {len(density.weights)} kernels cannot be drawn.")
    pixel_km = math.pi * EARTH_RADIUS_KM / height
    sigma = np.maximum(density.sigma_km, _LEAST_PIXELS * pixel_km)
    divisors = [d for d in range(1, height + 1) if height % d == 0 and (d == 1 or height // d >= _LEAST_ROWS)]
    coarser = np.searchsorted(divisors, sigma / pixel_km / _PIXELS_A_SIGMA, side="right") - 1
    total = np.zeros((height, 2 * height))
    for level in np.unique(np.maximum(coarser, 0)).tolist():
        of = np.flatnonzero(np.maximum(coarser, 0) == level)
        part = _drawn(density, of, sigma[of], height // divisors[level])
        if divisors[level] > 1:
            part = _finer(part, divisors[level])
        total += part * (density.weights[of].sum() / part.sum())
    return np.asarray(total / total.sum())


def _drawn(density: Density, of: NDArray[np.int64], sigma_km: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    """Kernels summed on a map of ``height`` rows, each within a window of its own, each with its whole weight."""
    step = math.pi / height
    area = np.cos((np.arange(height) + 0.5) * step - math.pi / 2)
    total = np.zeros((height, 2 * height))
    lat, lon = np.radians(density.lat_deg[of]), np.radians(density.lon_deg[of])
    kappa, reach = kappa_of(sigma_km), np.minimum(_REACH * sigma_km / EARTH_RADIUS_KM, math.pi)
    first = np.clip(((math.pi / 2 - lat - reach) / step).astype(np.int64), 0, height - 1)
    last = np.clip(((math.pi / 2 - lat + reach) / step).astype(np.int64), 0, height - 1)
    # The circle of angular radius r around latitude phi spans asin(sin r / cos phi) in longitude, all of it at a pole.
    ratio = np.sin(np.minimum(reach, math.pi / 2)) / np.maximum(np.cos(lat), 1e-12)
    around = (reach + np.abs(lat) >= math.pi / 2) | (ratio >= 1)
    half = np.where(around, height, np.arcsin(np.minimum(ratio, 1)) / step + 1).astype(np.int64)
    half = np.minimum(half, height)
    middle = ((lon + math.pi) / step).astype(np.int64)
    for k, weight in enumerate(density.weights[of].tolist()):
        rows = slice(first[k], last[k] + 1)
        columns = np.arange(middle[k] - half[k], middle[k] + min(half[k], height - 1) + 1)
        phi = math.pi / 2 - (np.arange(first[k], last[k] + 1) + 0.5) * step
        turn = np.sin(((columns + 0.5) * step - math.pi - lon[k]) / 2) ** 2
        # 1 - cos theta by haversines.
        away = 2 * np.sin((phi - lat[k]) / 2)[:, None] ** 2 + 2 * math.cos(lat[k]) * np.cos(phi)[:, None] * turn
        drawn = np.exp(-kappa[k] * (away - away.min())) * area[rows, None]
        total[rows, columns % (2 * height)] += drawn * (weight / drawn.sum())
    return total


def _finer(mass: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """The same map with ``factor`` times as many rows: densities between pixel centres lie on lines."""
    height = len(mass) * factor
    dense = mass / pixel_area_km2(len(mass))[:, None]
    down = _between(len(mass), factor, wrap=False)
    along = _between(2 * len(mass), factor, wrap=True)
    return np.asarray(down @ dense @ along.T * pixel_area_km2(height)[:, None])


def _between(count: int, factor: int, *, wrap: bool) -> NDArray[np.float64]:
    """Linear interpolation from the centres of ``count`` pixels to those of ``count * factor``, as a matrix."""
    at = (np.arange(count * factor) + 0.5) / factor - 0.5
    low = np.floor(at).astype(np.int64)
    share = at - low
    matrix = np.zeros((len(at), count))
    for index, part in ((low, 1 - share), (low + 1, share)):
        index = index % count if wrap else np.clip(index, 0, count - 1)
        np.add.at(matrix, (np.arange(len(at)), index), part)
    return matrix

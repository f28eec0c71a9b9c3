"""Where the truth is with so much probability: regions of highest density, and radii around a guess."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.position.world import WorldRows


@dataclass(frozen=True, eq=False)
class Region:
    """The densest rows that together hold more than a level of the belief.

    Attributes:
        rows: int64 (m,), densest first.
        mass: the belief they hold.
        area_km2: of their cells.
    """

    rows: NDArray[np.int64]
    mass: float
    area_km2: float


def region(p: NDArray[np.floating], rows: WorldRows, level: float) -> Region:
    """The region of highest density: every row that has at most ``level`` of the belief on denser rows.

    It is the smallest set of rows with more than ``level`` of the belief (all rows at 1); rows of one density come in
    together.

    Args:
        p: (n,), the belief.
        rows: n rows.
        level: 0 to 1.

    Raises:
        UsageError: the level is no share.
    """
    if not 0 <= level <= 1:
        raise UsageError(f"A region holds a share between 0 and 1 of the belief, not {level}.")
    dense = rows.density(p)
    order = np.argsort(-dense, kind="stable")
    before = _before(p[order].astype(np.float64), dense[order])
    inside = order[before <= level]
    return Region(inside.astype(np.int64), float(p[inside].sum(dtype=np.float64)), float(rows.area_km2[inside].sum()))


def mass_before(p: NDArray[np.floating], rows: WorldRows, row: NDArray[np.int64]) -> NDArray[np.float64]:
    """The belief on rows denser than one row of each query, (q,): the level at which that row comes into the region.

    Args:
        p: (q, n), beliefs.
        rows: n rows.
        row: (q,), a row of each query, say the truth's.
    """
    dense = rows.density(p)
    own = np.take_along_axis(dense, np.asarray(row, np.int64)[:, None], axis=1)
    return np.asarray(np.where(dense > own, p, 0).sum(axis=1, dtype=np.float64))


def radii_km(
    p: NDArray[np.floating],
    rows: WorldRows,
    lat_deg: float,
    lon_deg: float,
    shares: Sequence[float] = (0.5, 0.9),
) -> tuple[float, ...]:
    """How far around a place each share of the belief reaches, in km.

    A row's cell is not a point: sqrt(d² + r²), with d the distance within which rows hold the share and r the radius
    of a disc as large as the cell of the row that completes it.

    Args:
        p: (n,), the belief.
        rows: n rows.
        lat_deg: of the place.
        lon_deg: of the place.
        shares: each between 0 and 1.
    """
    return radii_from(p, rows, rows.distance_km(lat_deg, lon_deg), shares)


def radii_from(
    p: NDArray[np.floating], rows: WorldRows, away_km: NDArray[np.float64], shares: Sequence[float]
) -> tuple[float, ...]:
    """:func:`radii_km` for known distances (n,) from the place."""
    order = np.argsort(away_km)
    held = np.cumsum(p[order], dtype=np.float64)
    last = order[np.minimum(np.searchsorted(held, np.asarray(shares) * held[-1]), len(order) - 1)]
    reach = np.maximum.accumulate(np.hypot(away_km[last], np.sqrt(rows.cell_km2[last] / math.pi)))
    return tuple(reach.tolist())


def mass_within(p: NDArray[np.floating], rows: WorldRows, away_km: NDArray[np.float64], radius_km: float) -> float:
    """The belief within a radius of a place; of a cell larger than the disc, only the disc's share of it.

    Args:
        p: (n,), the belief.
        rows: n rows.
        away_km: (n,), the rows' distances from the place.
        radius_km: of the disc.
    """
    near = np.flatnonzero(away_km <= radius_km)
    share = np.minimum(1, math.pi * radius_km**2 / rows.cell_km2[near])
    return float(p[near] @ share)


def _before(mass: NDArray[np.float64], dense: NDArray[np.floating]) -> NDArray[np.float64]:
    """What stands strictly before each, (n,), densest first; equals share what stands before the first of them."""
    held = np.concatenate([[0.0], np.cumsum(mass)[:-1]])
    first = np.concatenate([[True], dense[1:] < dense[:-1]])
    return held[np.maximum.accumulate(np.where(first, np.arange(len(held)), 0))]

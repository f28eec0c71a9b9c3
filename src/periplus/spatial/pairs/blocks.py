"""Compact blocks of places: the units that a pass works through, and that the jackknife and bootstrap draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEWEST_PLACES: Final = 8
"""A block has at least so many places."""
_LEAF: Final = 16

Rows = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Places in an order in which neighbours are near each other, cut into blocks of equal counts.

    Attributes:
        order: int64 (n,), the row of each place in this order.
        starts: int64 (b + 1,), block k is ``order[starts[k]:starts[k + 1]]``.
        centres: float64 (b, 3), unit vectors; caps round them hold their blocks.
        radii: float64 (b,), of the caps, in Earth radii.
    """

    order: Rows
    starts: Rows
    centres: Values
    radii: Values

    def __len__(self) -> int:
        return len(self.starts) - 1


def compact_blocks(xyz: Values, number: int) -> Blocks:
    """Cut places into blocks by recursive medians along the widest axis; a finer order goes on inside blocks.

    Ties are broken by the other axes, so only places that coincide depend on the order of rows.

    Args:
        xyz: unit vectors (n, 3).
        number: of blocks; fewer where a block would have under :data:`FEWEST_PLACES` places.
    """
    number = max(1, min(number, len(xyz) // FEWEST_PLACES))
    order, sizes = _cut(xyz, np.arange(len(xyz), dtype=np.int64), number)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    centres, radii = caps(xyz[order], starts)
    return Blocks(order, starts, centres, radii)


def caps(xyz: Values, starts: Rows) -> tuple[Values, Values]:
    """Caps that hold runs of places: centres (k, 3) and radii in Earth radii (k,), a rounding wider than needed."""
    centres = np.add.reduceat(xyz, starts[:-1])
    norms = np.linalg.norm(centres, axis=1)
    lost = norms < 1e-9 * np.diff(starts)
    centres[lost] = xyz[starts[:-1][lost]]
    centres /= np.where(lost, 1.0, norms)[:, None]
    of = np.repeat(np.arange(len(norms)), np.diff(starts))
    chords = np.linalg.norm(xyz - centres[of], axis=1)
    widest = np.maximum.reduceat(chords, starts[:-1])
    return centres, 2 * np.arcsin(np.minimum(widest / 2, 1)) + 1e-7


def gaps(centres: Values, radii: Values, others: Values, other_radii: Values) -> tuple[Values, Values]:
    """Between what nearest and what farthest distance pairs of places of two caps lie, (k, l) each, in Earth radii."""
    between = np.arccos(np.clip(centres @ others.T, -1, 1))
    reach = radii[:, None] + other_radii
    # 1e-7: what an arc cosine near 1 may be off.
    return np.maximum(between - reach - 1e-7, 0.0), np.minimum(between + reach + 1e-7, np.pi)


def _cut(xyz: Values, rows: Rows, parts: int) -> tuple[Rows, list[int]]:
    """The order of some rows and the sizes of its blocks."""
    if parts == 1 and len(rows) <= _LEAF:
        return rows, [len(rows)]
    here = xyz[rows]
    axis = int(np.argmax(np.ptp(here, axis=0)))
    x, y, z = (here[:, (axis + k) % 3] for k in range(3))
    rows = rows[np.lexsort((z, y, x))]
    left = max(1, parts // 2)
    half = len(rows) * left // max(2, parts)
    first, sizes = _cut(xyz, rows[:half], left)
    second, more = _cut(xyz, rows[half:], max(1, parts - left))
    return np.concatenate([first, second]), sizes + more if parts > 1 else [len(rows)]

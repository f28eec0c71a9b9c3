"""Cutting rings to a box (Sutherland and Hodgman, one side at a time)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def clip_side(ring: Points, axis: int, bound: float, *, keep_above: bool) -> Points:
    """The part of a ring (n, 2) on one side of ``coordinate[axis] = bound``, with an edge along the cut.

    The ring is taken as closed, whether its last point repeats the first or not.
    """
    if not len(ring):
        return ring
    before = np.roll(ring, 1, axis=0)
    here, there = ring[:, axis] - bound, before[:, axis] - bound
    inside = here >= 0 if keep_above else here <= 0
    crosses = here * there < 0
    # Per corner: the cut of the edge that leads to it, then the corner itself.
    share = np.divide(there, there - here, out=np.zeros_like(here), where=crosses)
    cut = before + share[:, None] * (ring - before)
    cut[:, axis] = bound
    both = np.stack([cut, ring], axis=1)
    return np.asarray(both[np.stack([crosses, inside], axis=1)])


def clip_box(ring: Points, low: tuple[float, float], high: tuple[float, float]) -> Points:
    """The part of a ring (n, 2) within a box; empty where they do not meet."""
    if (ring.min(axis=0) > high).any() or (ring.max(axis=0) < low).any():
        return ring[:0]
    for axis in (0, 1):
        ring = clip_side(ring, axis, low[axis], keep_above=True)
        ring = clip_side(ring, axis, high[axis], keep_above=False)
    return ring

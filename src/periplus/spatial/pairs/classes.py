"""Which lag a distance falls into, for many distances at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.pairs.workspace import Workspace

_LOWEST: Final = 2.0**-40
"""Distances below (6 µm) share a cell."""
_MOST_CELLS: Final = 1 << 18


class ArcClasses:
    """Lags of distances by a table instead of a search.

    The leading bits of a positive float64 number its cell on a nearly logarithmic grid. A table holds the lag of each
    cell; the few distances in cells that hold an edge are compared with the edges, so that the answer is exactly that
    of a search.

    Attributes:
        edges: (m + 1,), increasing; the last may be infinite.
        number: m.
    """

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self.edges, self.number = edges, len(edges) - 1
        inner = edges[(edges > _LOWEST) & (edges < 4)]
        octaves = 42
        step = float(np.min(np.diff(inner) / inner[1:], initial=0.5))
        bits = int(np.clip(np.ceil(np.log2(16 / step)), 6, np.log2(_MOST_CELLS / octaves)))
        self._shift = np.int64(52 - bits)
        first = int(np.float64(_LOWEST).view(np.int64) >> self._shift)
        self._first = np.int64(first)
        cells = np.arange(first, int(np.float64(4.0).view(np.int64) >> self._shift) + 1, dtype=np.int64)
        low = (cells << self._shift).view(np.float64).copy()
        high = ((cells + 1) << self._shift).view(np.float64)
        low[0] = 0.0
        # A cell is plain where no edge lies between its least and its greatest number.
        plain = np.searchsorted(edges, low, "right") == np.searchsorted(edges, np.nextafter(high, 0), "right")
        self._table = np.where(plain, self._search(low), -1).astype(np.intp)

    def of(self, arc: NDArray[np.float64], lag: NDArray[np.intp], space: Workspace) -> None:
        """Write the lag of each of ``arc`` (C-contiguous, not negative) into ``lag``; m where it has none."""
        cell = np.asarray(space.buffer("cell", arc.shape, np.int64), np.int64)
        np.right_shift(arc.view(np.int64), self._shift, out=cell)
        np.subtract(cell, self._first, out=cell)
        np.take(self._table, cell, out=lag, mode="clip")
        flat = lag.ravel()
        open_ = np.flatnonzero(flat < 0)
        if len(open_):
            flat[open_] = self._search(arc.ravel()[open_])

    def _search(self, arc: NDArray[np.float64]) -> NDArray[np.intp]:
        lag = np.searchsorted(self.edges, arc, side="right") - 1
        return np.where(lag < 0, self.number, np.minimum(lag, self.number))

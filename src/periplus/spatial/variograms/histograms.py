"""Histograms of the differences of pairs in each lag, from which a median is found without keeping pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.pairs.blocks import Values
from periplus.spatial.pairs.tiles import Sums, Tile
from periplus.spatial.variograms.directions import Directions
from periplus.spatial.variograms.estimators import classes_of
from periplus.spatial.variograms.values import Differences

_OCTAVE_BITS: Final = 5
_MOST_COARSE: Final = 1 << 16
_MOST_FINE: Final = 1 << 22

Counts = NDArray[np.int64]


class CoarseBins:
    """Bins on a nearly logarithmic grid: the leading bits of a float64 number, 32 octaves below ``largest``.

    Args:
        largest: no value is above.
        classes: of pairs; with many there are fewer bins, 32 to 2,048.
    """

    def __init__(self, largest: float, classes: int) -> None:
        bits = int(np.clip(np.log2(_MOST_COARSE / classes) - _OCTAVE_BITS, 0, 6))
        self.number, self.shift = 1 << (bits + _OCTAVE_BITS), np.int64(52 - bits)
        top = int(np.float64(max(largest, 1e-290) * (1 + 1e-6)).view(np.int64) >> self.shift)
        self.first = np.int64(top - self.number + 1)
        edges = (np.arange(self.first, top + 2, dtype=np.int64) << self.shift).view(np.float64).copy()
        edges[0] = 0.0
        self.edges = edges


@dataclass(frozen=True, eq=False)
class CoarseHistogram:
    """Counts pairs by class and :class:`CoarseBins`.

    Attributes:
        differences: of the values.
        directions: where there are sectors.
        bins: the bins.
        classes: sectors times (m + 1).
    """

    differences: Differences
    directions: Directions | None
    bins: CoarseBins
    classes: int

    def empty(self) -> Sums:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`."""
        return {"histogram": np.zeros(self.classes * self.bins.number, np.int64), "arc": np.zeros(self.classes)}

    def take(self, tile: Tile, sums: Sums) -> None:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`."""
        classes = classes_of(tile, self.directions)
        cell = np.asarray(tile.buffer("cell", np.int64), np.int64)
        np.right_shift(self.differences.of(tile).view(np.int64), self.bins.shift, out=cell)
        cell -= self.bins.first
        np.clip(cell, 0, self.bins.number - 1, out=cell)
        cell += classes * self.bins.number
        sums["histogram"] += np.bincount(cell.ravel(), minlength=self.classes * self.bins.number)
        sums["arc"] += np.bincount(classes.ravel(), tile.arc.ravel(), self.classes)


@dataclass(frozen=True, eq=False)
class Brackets:
    """Intervals that hold the two middle values of each class; a pass splits them into equal bins.

    Attributes:
        low, high: float64 (2, classes); equal where no finer interval is needed.
        below: int64 (2, classes), pairs of the class below ``low``.
        inside: int64 (2, classes), pairs within.
        rank: int64 (2, classes), of the middle values, from 0.
    """

    low: Values
    high: Values
    below: Counts
    inside: Counts
    rank: Counts

    @property
    def bins(self) -> int:
        """How many bins an interval is split into."""
        return self.bins_of(self.low.size)

    @staticmethod
    def bins_of(intervals: int) -> int:
        """How many bins each of so many intervals is split into."""
        return int(np.clip(_MOST_FINE // intervals, 256, 1 << 14))

    def open(self, largest: float) -> NDArray[np.bool_]:
        """Which intervals are still wider than a millionth of what they hold, (2, classes).

        One from 0 to next to nothing against ``largest`` is narrow enough: it holds ties.
        """
        tied = (self.low == 0) & (self.high <= max(1e-13 * largest, 1e-280))
        return np.asarray((self.high - self.low > 1e-6 * self.high) & ~tied & (self.inside > 0))

    def values(self) -> Values:
        """The middle values (2, classes), as if an interval's lay evenly in it, but 0 in one from 0 on.

        NaN without pairs.
        """
        share = (self.rank - self.below + 0.5) / np.where(self.inside > 0, self.inside, np.nan)
        within = np.where(self.low > 0, self.high - self.low, 0.0)
        return np.asarray(self.low + within * np.clip(share, 0, 1))

    def narrowed(self, histogram: Counts, edges: Values, split: NDArray[np.bool_]) -> Brackets:
        """The bins that hold the ranks.

        Args:
            histogram: (2, classes, bins), counts within the intervals.
            edges: of the bins, (..., bins + 1).
            split: (2, classes), which intervals were split; the others stay.
        """
        upto = np.cumsum(histogram, axis=-1)
        want = (self.rank - self.below)[..., None]
        at = np.minimum((upto <= want).sum(axis=-1), histogram.shape[-1] - 1)[..., None]
        inside = np.take_along_axis(histogram, at, -1)[..., 0]
        below = self.below + np.take_along_axis(upto, at, -1)[..., 0] - inside
        wide = np.broadcast_to(edges, (*histogram.shape[:-1], edges.shape[-1]))
        low, high = (np.take_along_axis(wide, at + k, -1)[..., 0] for k in (0, 1))
        return Brackets(
            low=np.where(split, low, self.low),
            high=np.where(split, high, self.high),
            below=np.where(split, below, self.below),
            inside=np.where(split, inside, self.inside),
            rank=self.rank,
        )


def first_brackets(histogram: Counts, edges: Values) -> Brackets:
    """The coarse bins that hold the middle values, from a histogram (classes, bins)."""
    count = histogram.sum(axis=-1)
    rank = np.stack([np.maximum(count - 1, 0) // 2, count // 2])
    nothing = np.zeros(rank.shape)
    whole = Brackets(nothing, nothing, np.zeros_like(rank), np.broadcast_to(count, rank.shape), rank)
    return whole.narrowed(np.broadcast_to(histogram, (2, *histogram.shape)), edges, np.ones(rank.shape, bool))


@dataclass(frozen=True, eq=False)
class FineHistogram:
    """Numbers the bins of the pairs that lie in brackets.

    Attributes:
        differences: of the values.
        directions: where there are sectors.
        brackets: what to look into.
        split: (2, classes), which of them.
    """

    differences: Differences
    directions: Directions | None
    brackets: Brackets
    split: NDArray[np.bool_]

    def empty(self) -> Sums:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`."""
        return {"cells": np.empty(0, np.int64)}

    def take(self, tile: Tile, sums: Sums) -> None:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`; few pairs lie in brackets, so their bins are listed."""
        classes = classes_of(tile, self.directions).ravel()
        sums["cells"] = np.concatenate([sums["cells"], *self.cells(classes, self.differences.of(tile).ravel())])

    def cells(self, classes: NDArray[np.intp], value: Values) -> list[Counts]:
        """The bins of the pairs within the brackets of the lower and of the upper middle values."""
        found, bins = [], self.brackets.bins
        for k in (0, 1):
            low = self.brackets.low[k]
            high = np.where(self.split[k], self.brackets.high[k], low)
            scale = bins / np.where(self.split[k], high - low, 1.0)
            chosen = np.flatnonzero((value >= low[classes]) & (value < high[classes]))
            kind = classes[chosen]
            at = ((value[chosen] - low[kind]) * scale[kind]).astype(np.int64)
            found.append((k * low.size + kind) * bins + np.minimum(at, bins - 1))
        return found

"""Candidates for the pairs of a lag: pairs of cells of a cubic grid, in which every pair of places has a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Offsets = NDArray[np.int64]
_FINEST: Final = 2.0**-19
"""Smallest side of a cell in Earth radii, 12 m: three coordinates then fit into one int64 key."""
_LOOSE: Final = 1e-9
"""Cells are larger and gaps smaller by this share than they need be, so that rounding loses no pair."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Numbered pairs of places, each of them once; an entry is a cell of places against a run of others.

    Attributes:
        order: int64 (n,), places by cell.
        starts: int64 (c + 1,), where each cell begins in ``order``.
        cell: int32 (e,), the cell of an entry.
        run_start, run_count: int32 (e,), the run of ``order`` that it is paired with; a count of 0 says with itself.
        upto: int64 (e,), candidates of this and all earlier entries.
        twice: whether every pair is there as (i, j) and as (j, i), and perhaps places with themselves.
    """

    order: Rows
    starts: Rows
    cell: NDArray[np.int32]
    run_start: NDArray[np.int32]
    run_count: NDArray[np.int32]
    upto: Rows
    twice: bool = False

    @property
    def total(self) -> int:
        """How many candidates there are."""
        return int(self.upto[-1]) if len(self.upto) else 0

    def rows(self, number: Rows) -> tuple[Rows, Rows]:
        """The pairs with these numbers, 0 to ``total`` - 1; ascending numbers are found fastest."""
        entry = np.searchsorted(self.upto, number, side="right") if len(self.upto) > 1 else np.zeros_like(number)
        rest = number - np.where(entry > 0, self.upto[entry - 1], 0)
        start = self.starts[self.cell[entry]]
        size = self.starts[self.cell[entry] + 1] - start
        step, first = np.divmod(rest, size)
        run = self.run_count[entry]
        # Within a cell, i against the places 1, 2, ... after it, round in a circle, has each pair once.
        second = np.where(run == 0, start + (first + 1 + step) % size, self.run_start[entry] + step)
        return self.order[start + first], self.order[second]


def all_candidates(n: int) -> Candidates:
    """All pairs of n places."""
    none = np.zeros(1, np.int32)
    return Candidates(np.arange(n), np.array([0, n]), none, none, none, np.array([n * (n - 1) // 2]))


def near_candidates(
    xyz: NDArray[np.float64],
    low: float,
    high: float,
    reach: int = 1,
    mirrored: bool = False,
    most_lookups: int | None = None,
) -> Candidates | None:
    """Pairs of places that hold all whose chord is in [low, high], and not many more.

    Places fall into cubes whose side is ``high / reach``; pairs of cubes at most ``reach`` apart are kept where their
    distances may lie in the range (the cell lists of molecular dynamics: Hockney, Eastwood, Computer Simulation Using
    Particles, 1988, § 8.4). Cubes in one line have consecutive keys, so that one search finds them all.

    Args:
        xyz: unit vectors (n, 3).
        low: least chord, in Earth radii.
        high: greatest chord.
        reach: larger ones fit closer and take longer.
        mirrored: chords are those from places to the antipodes of places; every pair is then there twice, and a
            place perhaps with itself.
        most_lookups: of runs of cells; None for any number.

    Returns:
        None where it takes more lookups.
    """
    side = max(high * (1 + _LOOSE) / reach, _FINEST)
    reach = max(1, int(np.ceil(high / side)))
    key, width = _keys(xyz, side, reach)
    order, key = _sorted(key, width**3)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(key)]])
    keys = key[starts[:-1]]
    firsts, lasts, own = _runs(low / side, high / side, reach, width, mirrored)
    if most_lookups is not None and len(keys) * len(firsts) > most_lookups:
        return None
    sizes = np.diff(starts)
    parts = [_entries(np.flatnonzero(sizes > 1), starts[:-1], np.zeros_like(sizes))] if own else []
    # The key of the cube opposite: every coordinate with the other sign.
    base = width**3 - 1 - keys if mirrored else keys
    for first, last in zip(firsts, lasts, strict=True):
        begin = starts[np.searchsorted(keys, base + first)]
        count = starts[np.searchsorted(keys, base + last, side="right")] - begin
        parts.append(_entries(np.flatnonzero(count), begin, count))
    cell, run_start, run_count = (np.concatenate(column) for column in zip(*parts, strict=True))
    size = sizes[cell]
    pairs = np.where(run_count == 0, size * (size - 1) // 2, size * run_count)
    return Candidates(order, starts, cell, run_start, run_count, np.cumsum(pairs), mirrored)


def _entries(cells: NDArray[np.intp], start: Rows, count: Rows) -> tuple[NDArray[np.int32], ...]:
    return cells.astype(np.int32), start[cells].astype(np.int32), count[cells].astype(np.int32)


def _keys(xyz: NDArray[np.float64], side: float, reach: int) -> tuple[Rows, int]:
    """The key of the cube of each place, int64 (n,), and how many cubes there are along an axis."""
    # Cubes are centred on the origin, so that the mirror image of a cube is a cube.
    across = int(np.rint(1 / side)) + 1 + reach
    width = 2 * across + 1
    key = np.zeros(len(xyz), np.int64)
    for axis in range(3):
        key *= width
        key += np.rint(xyz[:, axis] / side).astype(np.int64) + across
    return key, width


def _sorted(key: Rows, bound: int) -> tuple[Rows, Rows]:
    """Rows in the order of their keys, equal keys in the order of rows, and the sorted keys, all below ``bound``."""
    bits = len(key).bit_length()
    if bound.bit_length() + bits > 63:
        order = np.argsort(key, kind="stable")
        return order, key[order]
    # Plain numbers sort several times faster than a stable order of them.
    packed = np.sort((key << bits) | np.arange(len(key)))
    return packed & ((1 << bits) - 1), packed >> bits


def _runs(low: float, high: float, reach: int, width: int, whole: bool) -> tuple[Offsets, Offsets, bool]:
    """First and last offset of keys of each run of cubes to look at, and whether a cube is paired with itself.

    Args:
        low: least chord, in sides of cubes.
        high: greatest chord.
        reach: in cubes.
        width: cubes along an axis.
        whole: all cubes around one instead of one of each two that lie opposite.
    """
    step = np.arange(-reach, reach + 1)
    apart = np.abs(np.stack(np.meshgrid(step, step, step, indexing="ij")))
    nearest = np.square(np.maximum(apart - 1, 0)).sum(0)
    farthest = np.square(apart + 1).sum(0)
    use = (nearest <= (high * (1 + _LOOSE)) ** 2) & (farthest >= (low * (1 - _LOOSE)) ** 2)
    offset = ((step[:, None, None] * width + step[:, None]) * width + step)[use]
    own = not whole and bool((offset == 0).any())
    offset = np.sort(offset if whole else offset[offset > 0])
    cut = np.flatnonzero(np.diff(offset) > 1)
    return offset[np.concatenate([[0], cut + 1])], offset[np.concatenate([cut, [-1]])], own

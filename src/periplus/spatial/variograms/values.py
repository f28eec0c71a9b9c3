"""How much the values of pairs of places differ, a tile at a time."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.observations import Observations
from periplus.spatial.pairs.blocks import Rows, Values
from periplus.spatial.pairs.tiles import Tile
from periplus.spatial.pairs.workspace import Workspace

RESIDENT_BYTES: Final = 1 << 30
"""A float32 copy of vectors is held up to this size; beyond, runs of rows are read when they are needed."""
_HELD_RUNS: Final = 32
_BLOCK: Final = 4096

Vectors = NDArray[np.float32]


class Differences(Protocol):
    """Half squared differences, or half products of differences, of pairs of places in the order of a pass."""

    largest: float

    def of(self, tile: Tile) -> Values:
        """Float64 (r, c), in a buffer of the tile's worker."""


def differences(observations: Observations, order: Rows) -> Differences:
    """What observations need, their rows in ``order``."""
    values, other = observations.values, observations.other
    if values.ndim == 1:
        return ScalarDifferences(values, order) if other is None else ScalarProducts(values, other, order)
    if other is None:
        return VectorDifferences(CentredVectors(values, order))
    return VectorProducts(CentredVectors(values, order), CentredVectors(other, order))


class ScalarDifferences:
    """(z_i - z_j)² / 2 of numbers."""

    def __init__(self, values: NDArray[np.floating], order: Rows) -> None:
        self.scaled = _centred(values, order) * np.sqrt(0.5)
        self.largest = float(np.ptp(self.scaled) ** 2)

    def of(self, tile: Tile) -> Values:
        """As :class:`Differences`."""
        found = _float64(tile, "value")
        np.subtract(self.scaled[tile.rows, None], self.scaled[tile.columns], out=found)
        return np.square(found, out=found)


class ScalarProducts:
    """(a_i - a_j) (b_i - b_j) / 2 of two numbers a place."""

    def __init__(self, first: NDArray[np.floating], second: NDArray[np.floating], order: Rows) -> None:
        self.first, self.second = 0.5 * _centred(first, order), _centred(second, order)
        self.largest = float(np.ptp(self.first) * np.ptp(self.second))

    def of(self, tile: Tile) -> Values:
        """As :class:`Differences`."""
        found, factor = _float64(tile, "value"), _float64(tile, "factor")
        np.subtract(self.first[tile.rows, None], self.first[tile.columns], out=found)
        np.subtract(self.second[tile.rows, None], self.second[tile.columns], out=factor)
        return np.multiply(found, factor, out=found)


class CentredVectors:
    """Vectors less their mean, float32, in the order of a pass.

    A difference does not change where the mean is taken off, but nearly equal vectors lose fewer digits. Up to
    :data:`RESIDENT_BYTES` all are held; beyond, a worker holds the last 32 runs of rows that it used (31 MB of 768
    numbers each), so memory stays bounded whatever n; ``values`` may be float16 or mapped from a file either way.
    """

    def __init__(self, values: NDArray[np.floating], order: Rows) -> None:
        self._values, self._order = values, order
        n, self.dim = values.shape
        total = np.zeros(self.dim)
        for start in range(0, n, _BLOCK):
            total += values[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
        self._mean = total / n
        self.held: Vectors | None = np.empty(values.shape, np.float32) if 4 * values.size <= RESIDENT_BYTES else None
        self.half = np.empty(n)
        for start in range(0, n, _BLOCK):
            part = self._read(slice(start, start + _BLOCK))
            if self.held is not None:
                self.held[start : start + _BLOCK] = part
            wide = part.astype(np.float64)
            self.half[start : start + _BLOCK] = 0.5 * np.einsum("ij,ij->i", wide, wide)

    def __len__(self) -> int:
        return len(self._order)

    def rows(self, rows: slice, space: Workspace) -> Vectors:
        """A run of vectors, float32 (r, d)."""
        if self.held is not None:
            return self.held[rows]
        key = (id(self), rows.start, rows.stop)
        found = space.runs.pop(key, None)
        # Put back as the newest; the oldest goes.
        space.runs[key] = self._read(rows) if found is None else found
        while len(space.runs) > _HELD_RUNS:
            del space.runs[next(iter(space.runs))]
        return space.runs[key]

    def _read(self, rows: slice) -> Vectors:
        return np.asarray(self._values[self._order[rows]] - self._mean, np.float32)


class VectorDifferences:
    """‖v_i - v_j‖² / 2 of vectors: half the squared norms less the product."""

    def __init__(self, vectors: CentredVectors) -> None:
        self.vectors, self.half32 = vectors, vectors.half.astype(np.float32)
        self.largest = 4 * float(vectors.half.max())

    def of(self, tile: Tile) -> Values:
        """As :class:`Differences`; products are float32, float64 in tiles of near places, which may be alike."""
        a = self.vectors.rows(tile.rows, tile.workspace)
        b = self.vectors.rows(tile.columns, tile.workspace)
        found = _float64(tile, "value")
        if tile.close:
            np.matmul(a.astype(np.float64), b.T.astype(np.float64), out=found)
            np.subtract(self.vectors.half[tile.columns], found, out=found)
            found += self.vectors.half[tile.rows, None]
            return np.maximum(found, 0, out=found)
        product = np.asarray(tile.buffer("product", np.float32), np.float32)
        np.matmul(a, b.T, out=product)
        np.subtract(self.half32[tile.columns], product, out=product)
        product += self.half32[tile.rows, None]
        np.maximum(product, 0, out=product)
        np.copyto(found, product)
        return found


class VectorProducts:
    """(a_i - a_j) · (b_i - b_j) / 2 of two vectors a place."""

    def __init__(self, first: CentredVectors, second: CentredVectors) -> None:
        self.first, self.second = first, second
        everything, space = range(0, len(first), _BLOCK), Workspace()
        parts = [slice(start, min(start + _BLOCK, len(first))) for start in everything]
        self.half = 0.5 * np.concatenate(
            [np.einsum("ij,ij->i", first.rows(p, space), second.rows(p, space), dtype=np.float64) for p in parts]
        )
        self.largest = 4 * float(np.sqrt(first.half.max() * second.half.max()))

    def of(self, tile: Tile) -> Values:
        """As :class:`Differences`."""
        space = tile.workspace
        a, b = self.first.rows(tile.rows, space), self.first.rows(tile.columns, space)
        c, d = self.second.rows(tile.rows, space), self.second.rows(tile.columns, space)
        kind = np.float64 if tile.close else np.float32
        product, more = np.asarray(tile.buffer(f"p{kind}", kind)), np.asarray(tile.buffer(f"q{kind}", kind))
        np.matmul(a.astype(kind, copy=False), d.T.astype(kind, copy=False), out=product)
        np.matmul(c.astype(kind, copy=False), b.T.astype(kind, copy=False), out=more)
        product += more
        found = _float64(tile, "value")
        np.multiply(product, -0.5, out=found)
        found += self.half[tile.columns]
        found += self.half[tile.rows, None]
        return found


def _centred(values: NDArray[np.floating], order: Rows) -> Values:
    wide = np.asarray(values, np.float64)[order]
    return np.asarray(wide - wide.mean())


def _float64(tile: Tile, name: str) -> Values:
    return np.asarray(tile.buffer(name), np.float64)

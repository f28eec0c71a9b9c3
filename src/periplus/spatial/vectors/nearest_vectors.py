"""The nearest of every vector, exactly, by products of strips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.vectors.unit_blocks import Rows, Tick, Values, on_threads

Vectors = NDArray[np.float32]
_STRIP: Final = 512
_COLUMNS: Final = 8192
_MANY: Final = 4
"""Times k candidates of a row in one part are so many that fewer are looked for."""
_SPARE: Final = 6
"""So many more are looked at closely, lest rounding of products decides."""
_GATHERED: Final = 1 << 22


@dataclass(frozen=True, eq=False)
class NearestVectors:
    """Who is nearest to whom.

    Attributes:
        rows: int64 (m, k), nearest first, never the row itself; equally far ones by row.
        distances: float64 (m, k), Euclidean.
    """

    rows: Rows
    distances: Values


def distinct_rows(unit: Vectors) -> Rows:
    """The first row of each vector, ascending: exact copies are left out."""
    first: dict[bytes, int] = {}
    for row, values in enumerate(unit):
        # Adding 0 makes -0 and 0 one.
        first.setdefault(blake2b((values + np.float32(0)).tobytes(), digest_size=16).digest(), row)
    return np.fromiter(first.values(), np.int64, len(first))


def strips(m: int) -> list[slice]:
    """Runs of rows whose products with all others are looked at together."""
    return [slice(start, min(m, start + _STRIP)) for start in range(0, m, _STRIP)]


def nearest_vectors(vectors: Vectors, k: int, workers: int, tick: Tick) -> NearestVectors:
    """The k nearest of each row (m, d), k < m, by Euclidean distance.

    Largest x·y - |y|² / 2, of vectors round their mean, is nearest: in float32 this tells apart what cosines do not
    where all are alike. Somewhat more than k are chosen so, and the distances of their differences decide.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    half_squares = np.einsum("ij,ij->i", centred, centred) / 2
    work = partial(_strip, centred, half_squares, k)
    found = list(on_threads(work, strips(len(centred)), workers, tick))
    return NearestVectors(np.concatenate([rows for rows, _ in found]), np.concatenate([far for _, far in found]))


def _strip(centred: Vectors, half_squares: Vectors, k: int, strip: slice) -> tuple[Rows, Values]:
    own = np.arange(strip.start, strip.stop)
    chosen = _chosen(centred, half_squares, min(k + _SPARE, len(centred) - 1), own)
    distances = np.empty(chosen.shape)
    step = max(1, _GATHERED // (chosen.shape[1] * centred.shape[1]))
    for start in range(0, len(own), step):
        some = slice(start, start + step)
        difference = centred[chosen[some]] - centred[own[some], None]
        distances[some] = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference, dtype=np.float64))
    order = np.lexsort((chosen, distances), axis=1)[:, :k]
    return np.take_along_axis(chosen, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _chosen(centred: Vectors, half_squares: Vectors, k: int, own: Rows) -> Rows:
    """The k others with the largest products less half squares of each row of a strip."""
    least = np.full((len(own), 1), -np.inf, np.float32)
    candidates: list[tuple[Rows, Rows, Vectors]] = []
    for start in range(0, len(centred), _COLUMNS):
        part = slice(start, start + _COLUMNS)
        products = centred[own[0] : own[-1] + 1] @ centred[part].T
        products -= half_squares[part]
        inside = (own >= start) & (own < start + _COLUMNS)
        products[inside, own[inside] - start] = -np.inf
        near = products >= least
        if np.count_nonzero(near) > _MANY * k * len(own) and products.shape[1] >= k:
            # Whatever is below the k-th of some is not among the first k of all.
            least = np.maximum(least, np.partition(products, -k, axis=1)[:, -k, None])
            near = products >= least
        row, column = np.nonzero(near)
        candidates.append((row, column + start, products[row, column]))
    row, column, value = (np.concatenate(part) for part in zip(*candidates, strict=True))
    order = np.lexsort((column, -value, row))
    first = np.searchsorted(row[order], np.arange(len(own)))
    return np.asarray(column[order][first[:, None] + np.arange(k)], np.int64)
